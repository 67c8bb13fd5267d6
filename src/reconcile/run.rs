//! One run: day by day, first every row of Toss's against our books, then what of ours no row spoke of.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use futures_util::{StreamExt, TryStreamExt};
use sea_orm::DbErr;

use super::examine::{Doubt, Verdict, examine};
use super::keep;
use super::pages::Pages;
use super::report::{Difference, Outcome, Report};
use super::sides::Listed;
use super::window::Window;
use crate::app::App;

/// Payments that are read again at once.
const IN_FLIGHT: usize = 8;
/// Payments that one run reads again at most.
const MOST_EXAMINED: usize = 50_000;
/// Payments in a row about which Toss may not tell.
const MOST_UNTOLD: u32 = 20;
/// Open differences at which a run stops if less than that agrees: the books are not of the same shop, and a list of all of it
/// helps nobody. Books that were restored lack as many, but agree in what came before.
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
    #[error(
        "more than {MOST_OPEN} payments differ, and fewer agree: do these books belong to the shop whose key is set? If they \
         were restored, begin with an earlier day"
    )]
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
        silences: 0,
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

/// Whether what was compared so far is not of one shop.
fn is_another_shops(report: &Report) -> bool {
    report.open > MOST_OPEN && report.open > report.matched
}

/// An order, and a payment at Toss where it is not the one that our books name.
type Subject = (String, Option<String>);

pub(super) struct Run<'a> {
    pub(super) app: &'a App,
    pub(super) options: Options,
    pub(super) watch: &'a (dyn Fn(Progress) + Send + Sync),
    pub(super) began: DateTime<Utc>,
    /// Done, and in all.
    pub(super) days: (u64, u64),
    /// What has been read again, so that nothing is read twice, and whether it agreed.
    pub(super) examined: HashMap<Subject, bool>,
    /// How often in a row Toss has not told about a payment.
    pub(super) silences: u32,
    pub(super) report: Report,
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

    /// Examines what has not been examined yet, a bounded number at once, and keeps what comes of it.
    pub(super) async fn examine_all(&mut self, doubts: Vec<Doubt>) -> Result<(), Stop> {
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
                Ok(Some((subject, rows, verdict))) => {
                    self.untold(&verdict);
                    match verdict {
                        Verdict::Agrees => {
                            self.report.matched += rows;
                            self.examined.insert(subject, true);
                        }
                        Verdict::UnderWay => self.report.under_way += rows,
                        Verdict::Differs(difference) | Verdict::Untold(difference) => {
                            self.count(&difference);
                            found.push(difference);
                        }
                    }
                }
                Ok(None) => break Ok(()),
                Err(stop) => break Err(stop),
            }
            if let Err(stop) = self.may_go_on() {
                break Err(stop);
            }
        };
        drop(verdicts);
        keep::report(self.app, &found).await?;
        self.report.differences.append(&mut found);
        self.tell();
        ended
    }

    /// Counts how often in a row Toss has not told.
    pub(super) fn untold(&mut self, verdict: &Verdict) {
        self.silences = if matches!(verdict, Verdict::Untold(_)) { self.silences + 1 } else { 0 };
    }

    pub(super) fn may_go_on(&self) -> Result<(), Stop> {
        if self.silences > MOST_UNTOLD {
            return Err(Stop::Toss("it does not tell about payments".to_owned()));
        }
        if is_another_shops(&self.report) { Err(Stop::TooMany) } else { Ok(()) }
    }

    pub(super) fn count(&mut self, difference: &Difference) {
        match difference.outcome {
            Outcome::Repaired => self.report.repaired += 1,
            Outcome::Reported | Outcome::Unsettled => self.report.open += 1,
        }
    }

    /// The outcome of `work`, unless the process is asked to stop first.
    pub(super) async fn unless_stopping<T>(
        &self,
        work: impl Future<Output = Result<T, Stop>>,
    ) -> Result<T, Stop> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_that_lack_much_but_agree_in_more_are_compared_to_the_end() {
        let now = DateTime::UNIX_EPOCH;
        let report = |open, matched| Report { open, matched, ..Report::new(Window { from: now, to: now }) };
        let others = [(1_000, 0), (1_001, 0), (1_001, 1_000), (1_001, 1_001), (20_000, 70_000)];
        let found = others.map(|(open, matched)| is_another_shops(&report(open, matched)));
        assert_eq!(found, [false, true, true, false, false]);
    }
}
