//! How many rows each table has, to show that a refused request left no trace.

use entity::{
    audit_event, customer, event_amount, idempotency_key, job_run, payment, payment_event, plan, refund,
    subscription, subscription_period, temp_order,
};
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::support::world::World;

/// The number of rows by table.
pub(crate) async fn rows(world: &World) -> Vec<(&'static str, u64)> {
    let db = world.app.db.read();
    macro_rules! count {
        ($($table:ident),+) => {
            vec![$((stringify!($table), $table::Entity::find().count(db).await.expect("a count"))),+]
        };
    }
    count![
        audit_event,
        customer,
        event_amount,
        idempotency_key,
        job_run,
        payment,
        payment_event,
        plan,
        refund,
        subscription,
        subscription_period,
        temp_order
    ]
}
