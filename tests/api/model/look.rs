//! Looks at everything that a history has left behind: our rows, what the API shows, what Toss shows and was asked.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::payment::PaymentStatus;
use entity::refund::RefundStatus;
use entity::{compensation, event_amount, payment, payment_event, refund, subscription, subscription_period};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use toss_sandbox::Received;

use super::books::{Ours, Period, Refund, Subscription, Undone};
use super::expected::Theirs;
use super::step::Plan;
use super::toss::{Ask, Heard, Status};
use crate::support::client::Client;
use crate::support::world::{World, instant};

/// What our books say of these orders of these users.
pub(crate) async fn ours(world: &World, orders: &[String]) -> Vec<Option<Ours>> {
    let db = world.app.db.read();
    let own = || orders.iter().map(String::as_str);
    let payments =
        payment::Entity::find().filter(payment::Column::OrderId.is_in(own())).all(db).await.unwrap();
    let mut moves = payment_event::Entity::find()
        .filter(payment_event::Column::OrderId.is_in(own()))
        .all(db)
        .await
        .unwrap();
    let mut refunds =
        refund::Entity::find().filter(refund::Column::OrderId.is_in(own())).all(db).await.unwrap();
    let periods = subscription_period::Entity::find()
        .filter(subscription_period::Column::OrderId.is_in(own()))
        .all(db)
        .await
        .unwrap();
    let entries = event_amount::Entity::find()
        .filter(event_amount::Column::OrderId.is_in(own()))
        .all(db)
        .await
        .unwrap();
    let undone = compensation::Entity::find()
        .filter(compensation::Column::OrderId.is_in(own()))
        .all(db)
        .await
        .unwrap();
    moves.sort_by_key(|row| row.id);
    refunds.sort_by_key(|row| row.id);
    let mut rows: HashMap<String, Ours> =
        payments.into_iter().map(|row| (row.order_id.to_string(), of_payment(row))).collect();
    for row in moves {
        let to = (row.from_status.map(status), status(row.to_status), row.balance_amount.get());
        of(&mut rows, &row.order_id).moves.push(to);
    }
    for row in refunds {
        let (id, status) = (row.id.to_string(), standing(row.status));
        let refund = Refund { id, amount: row.amount.get(), status, created_at: row.created_at };
        of(&mut rows, &row.order_id).refunds.push(refund);
    }
    for row in periods {
        let (id, live) = (row.id.to_string(), row.revoked_at.is_none());
        of(&mut rows, &row.order_id).period = Some(Period { id, from: row.starts_at, to: row.ends_at, live });
    }
    for row in entries {
        of(&mut rows, &row.order_id).entries.push(row.amount.get());
    }
    for row in undone {
        of(&mut rows, &row.order_id).compensations.push((row.payment_key.to_string(), standing(row.status)));
    }
    orders.iter().map(|id| rows.remove(id)).collect()
}

fn of<'a>(rows: &'a mut HashMap<String, Ours>, id: &entity::OrderId) -> &'a mut Ours {
    rows.get_mut(id.as_str()).expect("every row has a payment")
}

fn of_payment(row: payment::Model) -> Ours {
    Ours {
        status: status(row.status),
        key: row.payment_key.map(|key| key.to_string()),
        amount: row.amount.get(),
        balance: row.balance_amount.get(),
        approved_at: row.approved_at,
        account: row.virtual_account.is_some(),
        moves: Vec::new(),
        refunds: Vec::new(),
        period: None,
        entries: Vec::new(),
        compensations: Vec::new(),
    }
}

/// What the API shows of a user's subscription. `plans` are the ids of the history's plans.
pub(crate) async fn subscription(client: &Client, user: &str, plans: &[String; 3]) -> Option<Subscription> {
    let reply = client.get(&format!("/v1/users/{user}/subscription")).await;
    if reply.status == 404 {
        reply.expect_problem(404, "SUBSCRIPTION_NOT_FOUND");
        return None;
    }
    let shown = reply.expect(200);
    let active = shown["isActive"] == true;
    assert_eq!(active, shown["status"] == "ACTIVE", "{shown}");
    Some(Subscription {
        active,
        canceled: shown["status"] == "CANCELED",
        plan: plan(plans, shown["planId"].as_str().unwrap_or_default()),
        start: instant(&shown["startDate"]),
        end: instant(&shown["endDate"]),
        periods: shown["periods"].as_array().map_or(0, Vec::len),
    })
}

/// The event total, in won.
pub(crate) async fn event_total(client: &Client) -> i64 {
    client.get("/v1/event-amounts?limit=1").await.expect(200)["total"].as_i64().expect("won")
}

/// What the row of a user's subscription says.
pub(crate) async fn row(world: &World, user: &str, plans: &[String; 3]) -> Option<Subscription> {
    use entity::subscription::SubscriptionStatus;
    let found = subscription::Entity::find().filter(subscription::Column::UserId.eq(user));
    let row = found.one(world.app.db.read()).await.unwrap()?;
    Some(Subscription {
        active: row.is_active,
        canceled: row.status == SubscriptionStatus::Canceled,
        plan: plan(plans, &row.plan_id.to_string()),
        start: row.start_date,
        end: row.end_date,
        periods: 0,
    })
}

fn plan(plans: &[String; 3], id: &str) -> Option<Plan> {
    plans.iter().position(|known| known == id).map(|at| Plan::ALL[at])
}

/// What Toss shows of these orders.
pub(crate) fn theirs(world: &World, orders: &[String]) -> Vec<Theirs> {
    let shown = orders.iter().flat_map(|order| world.toss.payments(order));
    shown.map(|payment| their_payment(&payment)).collect()
}

fn their_payment(shown: &Value) -> Theirs {
    let cancels = shown["cancels"].as_array().into_iter().flatten();
    let at: Option<DateTime<Utc>> = shown["approvedAt"].as_str().and_then(|text| text.parse().ok());
    Theirs {
        key: shown["paymentKey"].as_str().expect("a key").to_owned(),
        status: named(shown["status"].as_str().expect("a status")),
        balance: shown["balanceAmount"].as_i64().expect("won"),
        approved_at: at,
        cancels: cancels.filter_map(|cancel| cancel["cancelAmount"].as_i64()).collect(),
    }
}

/// A call that Toss received.
pub(crate) fn heard(call: &Received) -> Heard {
    let body: Value = serde_json::from_str(&call.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let parts: Vec<&str> = call.path.split('/').skip(1).collect();
    let ask = match parts.as_slice() {
        ["v1", "payments", "confirm"] => Ask::Confirm {
            key: text("paymentKey"),
            order_id: text("orderId"),
            amount: body["amount"].as_i64().unwrap_or_default(),
        },
        ["v1", "payments", "orders", id] => Ask::LookUpOrder { order_id: (*id).to_owned() },
        ["v1", "payments", key, "cancel"] => Ask::Cancel {
            key: (*key).to_owned(),
            amount: body["cancelAmount"].as_i64(),
            refundable: body["refundableAmount"].as_i64(),
            account: body["refundReceiveAccount"].is_object(),
        },
        ["v1", "payments", key] => Ask::LookUp { key: (*key).to_owned() },
        _ => panic!("Toss was asked {call:?}"),
    };
    Heard { ask, idempotency_key: call.idempotency_key.clone() }
}

fn named(name: &str) -> Status {
    match name {
        "READY" => Status::Ready,
        "IN_PROGRESS" => Status::InProgress,
        "WAITING_FOR_DEPOSIT" => Status::WaitingForDeposit,
        "DONE" => Status::Done,
        "CANCELED" => Status::Canceled,
        "PARTIAL_CANCELED" => Status::PartialCanceled,
        "ABORTED" => Status::Aborted,
        "EXPIRED" => Status::Expired,
        other => panic!("no status of Toss's: {other}"),
    }
}

fn status(status: PaymentStatus) -> Status {
    match status {
        PaymentStatus::Ready => Status::Ready,
        PaymentStatus::InProgress => Status::InProgress,
        PaymentStatus::WaitingForDeposit => Status::WaitingForDeposit,
        PaymentStatus::Done => Status::Done,
        PaymentStatus::Canceled => Status::Canceled,
        PaymentStatus::PartialCanceled => Status::PartialCanceled,
        PaymentStatus::Aborted => Status::Aborted,
        PaymentStatus::Expired => Status::Expired,
    }
}

fn standing(status: RefundStatus) -> Undone {
    match status {
        RefundStatus::Pending => Undone::Pending,
        RefundStatus::Done => Undone::Done,
        RefundStatus::Failed => Undone::Failed,
    }
}
