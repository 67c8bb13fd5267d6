//! One user's subscription: its periods, those taken back included, and what the user paid.

use askama::Template;
use entity::{UserId, subscription, subscription_period};
use poem::web::Path;
use poem::{Response, handler};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::admin::desk::{Desk, Frame, Nav};
use crate::admin::payments::{Standing, standing};
use crate::admin::view::{Chip, When, payment_chip};
use crate::http::error::ApiError;
use crate::http::fields;
use crate::http::page::PageRequest;
use crate::payments::{self, PaymentFilter};
use crate::plans;

/// Periods and payments that are shown at most, the newest first.
const MOST: u32 = 100;

/// A user.
#[derive(Template)]
#[template(path = "admin/subscriptions/detail.html")]
struct DetailPage {
    shell: Frame,
    user_id: String,
    standing: Option<Standing>,
    periods: Vec<Period>,
    payments: Vec<Payment>,
    more: bool,
}

struct Period {
    plan: String,
    start: When,
    end: When,
    order_id: String,
    amount: String,
    state: Chip,
}

struct Payment {
    at: When,
    order_id: String,
    order_name: String,
    amount: String,
    balance: String,
    state: Chip,
}

/// Shows a user's subscription; for one who never had any, what they tried to pay.
#[handler]
pub(in crate::admin) async fn page(desk: Desk, Path(user_id): Path<String>) -> poem::Result<Response> {
    let user_id: UserId = fields::id("userId", &user_id).map_err(ApiError::from)?;
    let shell = desk.frame(Nav::Subscriptions).await?;
    let filter = PaymentFilter { user_id: Some(user_id.clone()), ..PaymentFilter::default() };
    let request = PageRequest::parse("payments", Some(MOST), None).map_err(ApiError::from)?;
    let page = payments::list(desk.app.db.read(), filter, &request).await.map_err(ApiError::from)?;
    let payment = |payment: entity::payment::Model| Payment {
        at: When::of(&shell, payment.created_at),
        state: payment_chip(&shell, &payment),
        order_id: payment.order_id.to_string(),
        amount: shell.won(payment.amount.get()),
        balance: shell.won(payment.balance_amount.get()),
        order_name: payment.order_name,
    };
    let template = DetailPage {
        standing: standing(&desk, &user_id).await?,
        periods: periods(&desk, &shell, &user_id).await?,
        more: page.next_cursor.is_some(),
        payments: page.items.into_iter().map(payment).collect(),
        user_id: user_id.to_string(),
        shell,
    };
    Ok(desk.page(&template))
}

async fn periods(desk: &Desk, shell: &Frame, user_id: &UserId) -> Result<Vec<Period>, ApiError> {
    let rows = rows(desk, user_id).await?;
    let plans = plans::find_many(desk.app.db.read(), rows.iter().map(|row| row.plan_id)).await?;
    let period = |row: subscription_period::Model| Period {
        plan: plans.get(&row.plan_id).map(|plan| plan.name.clone()).unwrap_or_default(),
        state: state(desk, &row),
        start: When::of(shell, row.starts_at),
        end: When::of(shell, row.ends_at),
        amount: shell.won(row.amount.get()),
        order_id: row.order_id.to_string(),
    };
    Ok(rows.into_iter().map(period).collect())
}

async fn rows(desk: &Desk, user_id: &UserId) -> Result<Vec<subscription_period::Model>, DbErr> {
    let db = desk.app.db.read();
    let found =
        subscription::Entity::find().filter(subscription::Column::UserId.eq(user_id.clone())).one(db).await?;
    let Some(row) = found else { return Ok(Vec::new()) };
    subscription_period::Entity::find()
        .filter(subscription_period::Column::SubscriptionId.eq(row.id))
        .order_by_desc(subscription_period::Column::StartsAt)
        .limit(u64::from(MOST))
        .all(db)
        .await
}

fn state(desk: &Desk, row: &subscription_period::Model) -> Chip {
    let (class, ko, en) = if row.revoked_at.is_some() {
        ("bad", "환불로 거둠", "Taken back")
    } else if desk.now < row.starts_at {
        ("info", "예정", "To come")
    } else if desk.now < row.ends_at {
        ("good", "이용 중", "Running")
    } else {
        ("still", "지남", "Over")
    };
    Chip { class, text: desk.shell.say(ko, en) }
}
