//! One run: day by day, first every row of Toss's against our books, then what of ours no row spoke of.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use entity::OrderId;
use futures_util::{StreamExt, TryStreamExt};
use sea_orm::DbErr;

use super::books;
use super::compare::{Compared, compare, payment_under_way, refund_under_way};
use super::examine::{Doubt, Verdict, examine};
use super::keep;
use super::pages::Pages;
use super::report::{Difference, Outcome, Report};
use super::window::Window;
use crate::app::App;
use crate::toss::{Status, Transaction};

/// Payments that are read again at once.
const IN_FLIGHT: usize = 8;
/// Payments that one run reads again at most.
const MOST_EXAMINED: usize = 10_000;
/// Open differences at which a run stops: the books are not of the same shop, and a list of all of it helps nobody.
const MOST_OPEN: u64 = 1_000;

/// How a run works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Rows that Toss is asked for at once, 1 to 5,000.
    pub page_size: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { page_size: 500 }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Days that are done.
    pub days_done: u64,
    /// Days in all.
    pub days: u64,
    /// Rows compared.
    pub compared: u64,
    /// Payments repaired.
    pub repaired: u64,
    /// Payments that differ still.
    pub open: u64,
}

/// Why a run ends early. Nothing is concluded from what it has not seen.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error("database: {0}")]
    Database(#[from] DbErr),
    #[error("Toss: {0}")]
    Toss(String),
    #[error("Toss refuses our key or contract: {0}")]
    Misconfigured(String),
    #[error("more than {MOST_OPEN} payments differ: do these books belong to the shop whose key is set?")]
    TooMany,
    #[error("more than {MOST_EXAMINED} payments are in doubt; choose fewer days")]
    TooMuch,
    #[error("asked to stop")]
    Stopping,
}

/// Compares both books for `window`, repairs what can be repaired, and writes down the rest. `watch` hears how far it
/// has come.
pub async fn reconcile(
    app: &App,
    window: Window,
    options: Options,
    watch: &(dyn Fn(Progress) + Send + Sync),
) -> Report {
    let days = window.days(app.config.billing.timezone);
    let mut run = Run {
        app,
        options,
        watch,
        began: app.clock.now(),
        days: (0, u64::try_from(days.len()).unwrap_or(u64::MAX)),
        examined: HashMap::new(),
        report: Report::new(window),
    };
    if let Err(stop) = run.all(days).await {
        tracing::warn!(reason = %stop, "the comparison with Toss's books ended early");
        run.report.failure = Some(stop.to_string());
    }
    let report = run.report;
    tracing::info!(
        from = %report.from,
        to = %report.to,
        compared = report.compared,
        matched = report.matched,
        repaired = report.repaired,
        open = report.open,
        "compared with Toss's books"
    );
    report
}

/// The longest time that one request of ours to Toss can be under way.
pub(super) fn longest_call(app: &App) -> Duration {
    let timeout = Duration::from_std(app.toss.request_timeout()).unwrap_or(Duration::minutes(10));
    timeout + Duration::seconds(10)
}

/// An order, and a payment at Toss where it is not the one that our books name.
type Subject = (String, Option<String>);

struct Run<'a> {
    app: &'a App,
    options: Options,
    watch: &'a (dyn Fn(Progress) + Send + Sync),
    began: DateTime<Utc>,
    /// Done, and in all.
    days: (u64, u64),
    /// What has been read again, so that nothing is read twice, and whether it agreed.
    examined: HashMap<Subject, bool>,
    report: Report,
}

/// What a day of Toss's list speaks of.
#[derive(Default)]
struct Listed {
    /// Payment keys of approvals.
    approvals: HashSet<String>,
    /// Transaction keys of all rows.
    rows: HashSet<String>,
}

impl Run<'_> {
    async fn all(&mut self, days: Vec<Window>) -> Result<(), Stop> {
        for day in days {
            let mut listed = Listed::default();
            let mut pages = Pages::of(day, self.options.page_size);
            while let Some(rows) = self.unless_stopping(pages.next(self.app)).await? {
                self.theirs(&rows, &mut listed).await?;
            }
            self.ours(day, &listed).await?;
            self.days.0 += 1;
            self.tell();
        }
        self.look_at_earlier_findings().await
    }

    /// Compares a page of Toss's rows with our books.
    async fn theirs(&mut self, rows: &[Transaction], listed: &mut Listed) -> Result<(), Stop> {
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
    async fn ours(&mut self, day: Window, listed: &Listed) -> Result<(), Stop> {
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

    /// Examines what has not been examined yet, a bounded number at once, and keeps what comes of it.
    async fn examine_all(&mut self, doubts: Vec<Doubt>) -> Result<(), Stop> {
        let mut fresh: HashMap<Subject, (Doubt, u64)> = HashMap::new();
        for doubt in doubts {
            let subject = (doubt.order_id.clone(), doubt.payment_key.clone());
            match self.examined.get(&subject) {
                Some(true) => self.report.matched += 1,
                Some(false) => {}
                None => fresh.entry(subject).or_insert((doubt, 0)).1 += 1,
            }
        }
        self.examined.extend(fresh.keys().map(|subject| (subject.clone(), false)));
        if self.examined.len() > MOST_EXAMINED {
            return Err(Stop::TooMuch);
        }
        let app = self.app;
        let looks = futures_util::stream::iter(fresh).map(async |(subject, (doubt, rows))| {
            Ok::<_, Stop>((subject, rows, examine(app, &doubt).await?))
        });
        let mut verdicts = looks.buffer_unordered(IN_FLIGHT);
        let mut found = Vec::new();
        let ended = loop {
            match self.unless_stopping(verdicts.try_next()).await {
                Ok(Some((subject, rows, Verdict::Agrees))) => {
                    self.report.matched += rows;
                    self.examined.insert(subject, true);
                }
                Ok(Some((_, rows, Verdict::UnderWay))) => self.report.under_way += rows,
                Ok(Some((_, _, Verdict::Differs(difference)))) => {
                    self.count(&difference);
                    found.push(difference);
                }
                Ok(None) => break Ok(()),
                Err(stop) => break Err(stop),
            }
            if self.report.open > MOST_OPEN {
                break Err(Stop::TooMany);
            }
        };
        drop(verdicts);
        keep::report(self.app, &found).await?;
        self.report.differences.append(&mut found);
        self.tell();
        ended
    }

    fn count(&mut self, difference: &Difference) {
        match difference.outcome {
            Outcome::Repaired => self.report.repaired += 1,
            Outcome::Reported | Outcome::Unsettled => self.report.open += 1,
        }
    }

    /// What earlier runs found is looked at one by one, wherever it lies, and is over when it no longer differs.
    async fn look_at_earlier_findings(&mut self) -> Result<(), Stop> {
        for earlier in keep::earlier(self.app, self.began).await? {
            let doubt = Doubt {
                order_id: earlier.order_id.clone().unwrap_or_else(|| earlier.subject.clone()),
                payment_key: earlier.payment_key.clone(),
                listed: false,
            };
            match self.unless_stopping(examine(self.app, &doubt)).await? {
                Verdict::Agrees => keep::over(self.app, &earlier).await?,
                Verdict::UnderWay => {}
                Verdict::Differs(difference) => {
                    let same = (difference.kind.name(), difference.subject())
                        == (earlier.kind.as_str(), earlier.subject.as_str());
                    match difference.outcome {
                        Outcome::Repaired => keep::over(self.app, &earlier).await?,
                        Outcome::Reported if !same => keep::over(self.app, &earlier).await?,
                        Outcome::Reported | Outcome::Unsettled => {}
                    }
                    let known = self
                        .report
                        .differences
                        .iter()
                        .any(|one| (one.kind, one.subject()) == (difference.kind, difference.subject()));
                    if !known {
                        self.count(&difference);
                        keep::report(self.app, std::slice::from_ref(&difference)).await?;
                        self.report.differences.push(difference);
                    }
                }
            }
        }
        Ok(())
    }

    /// The outcome of `work`, unless the process is asked to stop first.
    async fn unless_stopping<T>(&self, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        tokio::select! {
            outcome = work => outcome,
            () = self.app.stopping.cancelled() => Err(Stop::Stopping),
        }
    }

    fn tell(&self) {
        (self.watch)(Progress {
            days_done: self.days.0,
            days: self.days.1,
            compared: self.report.compared,
            repaired: self.report.repaired,
            open: self.report.open,
        });
    }
}
