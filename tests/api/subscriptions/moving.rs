//! A list that is read while the nightly job is at work: whoever it turns in that instant is on the page, once.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::Duration;
use gudok::http::page::PageRequest;
use gudok::subscriptions::{SubscriptionFilter, list};
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![whoever_is_expired_while_a_page_is_read_is_on_it_once];

/// The world's database, on which the nightly job runs just before the statement that has this number.
struct Meddled<'a> {
    world: &'a World,
    before: usize,
    asked: AtomicUsize,
}

impl Meddled<'_> {
    async fn next(&self) {
        if self.asked.fetch_add(1, Ordering::SeqCst) == self.before {
            self.world.run_job("expire-subscriptions").await;
        }
    }
}

#[async_trait]
impl ConnectionTrait for Meddled<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.world.app.db.read().get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.next().await;
        self.world.app.db.read().execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.next().await;
        self.world.app.db.read().execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.next().await;
        self.world.app.db.read().query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.next().await;
        self.world.app.db.read().query_all_raw(statement).await
    }
}

async fn whoever_is_expired_while_a_page_is_read_is_on_it_once(world: &World) {
    let plan = world.basic().await;
    for before in 0.. {
        // They end on two days, and somebody has ended before and stays so.
        let users = [0, 1].map(|number| format!("u{before}-{number}"));
        for user in &users {
            world.advance(Duration::days(1));
            world.buy(user, &plan).await;
        }
        world.advance(Duration::days(40));
        let db = Meddled { world, before, asked: AtomicUsize::new(0) };
        let over = SubscriptionFilter { is_active: Some(false), ..SubscriptionFilter::default() };
        let page = PageRequest::first_of("subscriptions", 3);
        let page = list(&db, over, &page, world.app.clock.now()).await.expect("a page");
        let mut found: Vec<_> = page.items.iter().map(|listed| listed.row.user_id.to_string()).collect();
        found.truncate(2);
        assert_eq!(found, [users[1].clone(), users[0].clone()], "before statement {before}");
        assert_eq!(page.items.len(), if before == 0 { 2 } else { 3 }, "before statement {before}");
        if db.asked.load(Ordering::SeqCst) <= before {
            assert!(before >= 4, "the job ran between no two statements");
            return;
        }
    }
}
