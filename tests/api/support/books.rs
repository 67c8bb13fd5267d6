//! The invariants, checked after every scenario: inside our books, and order by order against Toss's.

use std::collections::HashMap;

use entity::payment::PaymentStatus;
use entity::refund::RefundStatus;
use entity::{event_amount, payment, payment_event, refund, subscription_period};
use sea_orm::EntityTrait;
use toss_sandbox::{LedgerEntry, LedgerKind, Sandbox};

use super::world::World;

/// How often Toss took money for an order, and how much of it is left.
pub(crate) fn ledger_of(toss: &Sandbox, order_id: &str) -> (usize, i64) {
    let mut approvals = 0;
    let mut balance = 0;
    for entry in toss.ledger().iter().filter(|entry| entry.order_id == order_id) {
        match entry.kind {
            LedgerKind::Approval => (approvals, balance) = (approvals + 1, balance + entry.amount),
            LedgerKind::Cancel => balance -= entry.amount.abs(),
        }
    }
    (approvals, balance)
}

fn is_whole_cancel(entry: &LedgerEntry, payment: &payment::Model) -> bool {
    entry.order_id == payment.order_id.as_str()
        && matches!(entry.kind, LedgerKind::Cancel)
        && entry.amount.abs() == payment.amount.get()
}

/// Panics with the first breach. Payments whose outcome is still open are compared only as far as they are known.
pub(crate) async fn check(world: &World) {
    let checked = gudok::check::check(&world.app).await.expect("checked");
    assert_eq!(checked.breaches, [], "the product's own check");
    let db = world.app.db.read();
    let payments = payment::Entity::find().all(db).await.expect("payments");
    let periods = subscription_period::Entity::find().all(db).await.expect("periods");
    let entries = event_amount::Entity::find().all(db).await.expect("entries");
    let refunds = refund::Entity::find().all(db).await.expect("refunds");
    for payment in &payments {
        let order = payment.order_id.as_str();
        let (approvals, balance) = ledger_of(&world.toss, order);
        // A deposit that the bank took back, or an approval that was undone, may be followed by another.
        let undone = world.toss.ledger().iter().filter(|entry| is_whole_cancel(entry, payment)).count();
        assert!(approvals <= 1 + undone, "order {order} was charged {approvals} times");
        let own = refunds.iter().filter(|refund| refund.order_id == payment.order_id);
        let open = payment.status == PaymentStatus::InProgress
            || own.clone().any(|refund| refund.status == RefundStatus::Pending);
        assert!(
            open || balance == payment.balance_amount.get(),
            "order {order}: Toss {balance}, we {payment:?}"
        );
        let sum =
            |status| own.clone().filter(|row| row.status == status).map(|row| row.amount.get()).sum::<i64>();
        let (done, pending) = (sum(RefundStatus::Done), sum(RefundStatus::Pending));
        assert!(done + pending <= payment.amount.get(), "order {order}: refunds exceed the amount");
        let paid = payment.approved_at.is_some() && payment.status != PaymentStatus::WaitingForDeposit;
        if paid {
            assert_eq!(done + payment.balance_amount.get(), payment.amount.get(), "order {order}");
        }
        let live =
            periods.iter().filter(|row| row.order_id == payment.order_id && row.revoked_at.is_none()).count();
        let total: i64 = entries
            .iter()
            .filter(|entry| entry.order_id == payment.order_id)
            .map(|entry| entry.amount.get())
            .sum();
        let owed = usize::from(!payment.balance_amount.is_zero());
        match payment.interval_months {
            Some(_) => assert_eq!((live, total), (owed, 0), "order {order}: live periods, entries"),
            None => assert_eq!(
                (live, total),
                (0, payment.balance_amount.get()),
                "order {order}: live periods, entries"
            ),
        }
    }
    moves_are_complete(world, &payments).await;
    no_overlap(&periods);
    let known: Vec<&str> = payments.iter().map(|payment| payment.order_id.as_str()).collect();
    let unknown: Vec<String> = world
        .toss
        .ledger()
        .into_iter()
        .map(|row| row.order_id)
        .filter(|order| !known.contains(&order.as_str()))
        .collect();
    assert!(unknown.is_empty(), "Toss took money that we know nothing of: {unknown:?}");
}

/// Every payment's moves form a chain that ends where it stands.
async fn moves_are_complete(world: &World, payments: &[payment::Model]) {
    let mut moves = payment_event::Entity::find().all(world.app.db.read()).await.expect("moves");
    moves.sort_by_key(|event| event.id);
    let mut standing = HashMap::new();
    for event in moves {
        let before = standing.insert(event.order_id.clone(), (event.to_status, event.balance_amount));
        assert_eq!(
            before.map(|(status, _)| status),
            event.from_status,
            "a gap in the moves of {}",
            event.order_id
        );
    }
    for payment in payments {
        let last = standing.get(&payment.order_id).copied();
        assert_eq!(last, Some((payment.status, payment.balance_amount)), "order {}", payment.order_id);
    }
}

fn no_overlap(periods: &[subscription_period::Model]) {
    let mut live: Vec<_> = periods.iter().filter(|period| period.revoked_at.is_none()).collect();
    live.sort_by_key(|period| (period.subscription_id, period.starts_at));
    for pair in live.windows(2) {
        let same = pair[0].subscription_id == pair[1].subscription_id;
        assert!(!same || pair[0].ends_at <= pair[1].starts_at, "periods overlap: {pair:?}");
    }
}
