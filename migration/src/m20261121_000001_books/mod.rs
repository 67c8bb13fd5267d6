//! The books: plans, customers, orders, payments, subscriptions, refunds, the event total and the runs of jobs.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect::{append_only, run};

mod money;
mod sales;
mod time;

/// Creates the first ten tables.
#[derive(Debug)]
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261121_000001_books"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for ddl in sales::UP.iter().chain(money::UP).chain(time::UP) {
            run(manager, ddl).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            run(manager, REFUSE_CHANGE).await?;
        }
        append_only(manager, "payment_event", &["id"]).await?;
        append_only(manager, "event_amount", &["id", "payment_event_id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            run(manager, &format!("DROP TABLE {table}")).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            run(manager, "DROP FUNCTION refuse_change()").await?;
        }
        Ok(())
    }
}

/// Every table, those that refer to others first.
const TABLES: [&str; 10] = [
    "job_run",
    "event_amount",
    "refund",
    "subscription_period",
    "subscription",
    "payment_event",
    "payment",
    "temp_order",
    "customer",
    "plan",
];

const REFUSE_CHANGE: &str = "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS \
    $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$";
