//! What the dashboard tells of one order: the webhooks and findings that are about it.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

/// Creates indexes.
#[derive(Debug)]
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261121_000005_search"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for ddl in UP {
            run(manager, ddl).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for ddl in DOWN {
            run(manager, ddl).await?;
        }
        Ok(())
    }
}

const UP: &[&str] = &[
    "CREATE INDEX webhook_order_idx ON webhook (order_id, received_at) WHERE order_id IS NOT NULL",
    "CREATE INDEX finding_order_idx ON finding (order_id) WHERE order_id IS NOT NULL",
];

const DOWN: &[&str] = &["DROP INDEX finding_order_idx", "DROP INDEX webhook_order_idx"];
