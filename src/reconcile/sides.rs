//! The two sides of a comparison: what Toss lists, and what of ours it did not speak of.

use std::collections::HashSet;

use entity::OrderId;

use super::books;
use super::compare::{Compared, compare, payment_under_way, refund_under_way};
use super::examine::Doubt;
use super::run::{Run, Stop, longest_call};
use super::window::Window;
use crate::toss::{Status, Transaction};

/// What a day of Toss's list speaks of.
#[derive(Default)]
pub(super) struct Listed {
    /// Payment keys of approvals.
    approvals: HashSet<String>,
    /// Transaction keys of all rows.
    rows: HashSet<String>,
}

impl Run<'_> {
    /// Compares a page of Toss's rows with our books.
    pub(super) async fn theirs(&mut self, rows: &[Transaction], listed: &mut Listed) -> Result<(), Stop> {
        let orders: HashSet<OrderId> = rows.iter().filter_map(|row| row.order_id.parse().ok()).collect();
        let held = books::of_orders(self.app.db.read(), &orders).await?;
        let (call, now) = (longest_call(self.app), self.app.clock.now());
        let mut doubtful = Vec::new();
        for row in rows {
            if row.status == Status::Done {
                listed.approvals.insert(row.payment_key.clone());
            }
            // A page may begin with a row that the one before had, too.
            if !listed.rows.insert(row.transaction_key.clone()) {
                continue;
            }
            self.report.compared += 1;
            match compare(row, held.get(&row.order_id), call, now) {
                Compared::Agrees => self.report.matched += 1,
                Compared::UnderWay => self.report.under_way += 1,
                Compared::Doubtful => doubtful.push(row),
            }
        }
        let doubts = doubtful.into_iter().map(|row| {
            let ours = held.get(&row.order_id).and_then(|ours| ours.payment.payment_key.as_ref());
            let own = ours.is_some_and(|key| key.as_str() == row.payment_key);
            Doubt {
                order_id: row.order_id.clone(),
                payment_key: (!own).then(|| row.payment_key.clone()),
                listed: listed.approvals.contains(&row.payment_key),
            }
        });
        let doubts = doubts.collect();
        self.examine_all(doubts).await
    }

    /// Looks for what of ours Toss's list of `day` did not speak of.
    pub(super) async fn ours(&mut self, day: Window, listed: &Listed) -> Result<(), Stop> {
        let db = self.app.db.read();
        let mut last = None;
        loop {
            let rows = books::approved(db, day, last.as_ref()).await?;
            let unlisted = rows.iter().filter(|(_, _, key)| {
                !key.as_ref().is_some_and(|key| listed.approvals.contains(key.as_str()))
            });
            self.doubt(unlisted.map(|(order_id, ..)| order_id)).await?;
            let Some(row) = rows.into_iter().last() else { break };
            last = Some(row);
        }
        let mut last = None;
        loop {
            let rows = books::refunded(db, day, last.as_ref()).await?;
            let unlisted =
                rows.iter().filter(|(.., key)| !key.as_ref().is_some_and(|key| listed.rows.contains(key)));
            self.doubt(unlisted.map(|(_, _, order_id, _)| order_id)).await?;
            let Some(row) = rows.into_iter().last() else { break };
            last = Some(row);
        }
        self.without_outcome(day).await
    }

    /// Looks at what of `day` has no outcome yet.
    async fn without_outcome(&mut self, day: Window) -> Result<(), Stop> {
        let (db, call) = (self.app.db.read(), longest_call(self.app));
        let mut last = None;
        loop {
            let rows = books::in_progress(db, day, last.as_ref()).await?;
            let now = self.app.clock.now();
            let (running, rest): (Vec<_>, Vec<_>) =
                rows.iter().partition(|payment| payment_under_way(payment, call, now));
            self.left_alone(running.len());
            self.doubt(rest.into_iter().map(|payment| &payment.order_id)).await?;
            let Some(row) = rows.into_iter().last() else { break };
            last = Some(row.order_id);
        }
        let mut last = None;
        loop {
            let rows = books::pending(db, day, last.as_ref()).await?;
            let now = self.app.clock.now();
            let (running, rest): (Vec<_>, Vec<_>) =
                rows.iter().partition(|refund| refund_under_way(refund, call, now));
            self.left_alone(running.len());
            self.doubt(rest.into_iter().map(|refund| &refund.order_id)).await?;
            let Some(row) = rows.into_iter().last() else { return Ok(()) };
            last = Some(row.order_id);
        }
    }

    fn left_alone(&mut self, rows: usize) {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        self.report.compared += rows;
        self.report.under_way += rows;
    }

    /// Examines payments of ours by the keys that our books have.
    async fn doubt(&mut self, orders: impl Iterator<Item = &OrderId>) -> Result<(), Stop> {
        let doubt =
            |order_id: &OrderId| Doubt { order_id: order_id.to_string(), payment_key: None, listed: false };
        let doubts: Vec<Doubt> = orders.map(doubt).collect();
        self.report.compared += u64::try_from(doubts.len()).unwrap_or(u64::MAX);
        self.examine_all(doubts).await
    }
}
