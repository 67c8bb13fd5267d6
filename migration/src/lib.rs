//! The schema's history, in order. Each step runs in a transaction and goes up and down on SQLite and PostgreSQL.

use sea_orm_migration::prelude::*;
pub use sea_orm_migration::{MigratorTrait, SchemaManager};

mod dialect;
mod m20261121_000001_books;
mod m20261121_000002_recovery;
mod m20261121_000003_pages;
mod m20261121_000004_figures;
mod m20261121_000005_search;
mod m20261121_000006_access;
mod m20261121_000007_replicas;
mod m20261122_000008_plan_keys;
mod m20261122_000009_kept_periods;
mod m20261122_000010_ended;
mod m20261123_000011_due_days;
mod m20261123_000012_webhooks_over;
mod m20261123_000013_plan_standings;
mod m20261123_000014_runs_and_ends;
mod m20261123_000015_runs_and_ends_alone;
mod m20261123_000016_webhooks_over_alone;

/// All steps, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_books::Migration),
            Box::new(m20261121_000002_recovery::Migration),
            Box::new(m20261121_000003_pages::Migration),
            Box::new(m20261121_000004_figures::Migration),
            Box::new(m20261121_000005_search::Migration),
            Box::new(m20261121_000006_access::Migration),
            Box::new(m20261121_000007_replicas::Migration),
            Box::new(m20261122_000008_plan_keys::Migration),
            Box::new(m20261122_000009_kept_periods::Migration),
            Box::new(m20261122_000010_ended::Migration),
            Box::new(m20261123_000011_due_days::Migration),
            Box::new(m20261123_000012_webhooks_over::Migration),
            Box::new(m20261123_000013_plan_standings::Migration),
            Box::new(m20261123_000014_runs_and_ends::Migration),
            Box::new(m20261123_000015_runs_and_ends_alone::Migration),
            Box::new(m20261123_000016_webhooks_over_alone::Migration),
        ]
    }
}
