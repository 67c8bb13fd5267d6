//! Fetches Toss's list of one day, page by page, and notices when it does not end.

use std::collections::HashSet;

use chrono::Duration;

use super::run::Stop;
use super::window::Window;
use crate::app::App;
use crate::toss::{Answer, Class, Transaction, TransactionsQuery};

/// Pages of one day that are fetched at most.
const MOST_PAGES: usize = 20_000;

/// The pages of one day.
pub(super) struct Pages {
    query: TransactionsQuery,
    cursors: HashSet<String>,
    over: bool,
}

impl Pages {
    /// The list of `day`, `page_size` rows at a time.
    pub(super) fn of(day: Window, page_size: u32) -> Self {
        // Toss counts whole seconds and includes the last one.
        let to = day.to - Duration::microseconds(1);
        let query = TransactionsQuery { from: day.from, to, after: None, limit: page_size };
        Self { query, cursors: HashSet::new(), over: false }
    }

    /// The next page; none at the end.
    ///
    /// # Errors
    /// Why the list cannot be read to its end.
    pub(super) async fn next(&mut self, app: &App) -> Result<Option<Vec<Transaction>>, Stop> {
        if self.over {
            return Ok(None);
        }
        let rows = app.toss.transactions(&self.query).await.map_err(|answer| no_page(&answer))?;
        let wanted = usize::try_from(self.query.limit).unwrap_or(usize::MAX);
        self.over = rows.len() < wanted;
        if let Some(last) = rows.last().filter(|_| !self.over) {
            // A cursor that comes back would lead in a circle.
            if self.cursors.len() >= MOST_PAGES || !self.cursors.insert(last.transaction_key.clone()) {
                return Err(Stop::Toss("its list of transactions does not end".to_owned()));
            }
            self.query.after = Some(last.transaction_key.clone());
        }
        Ok(Some(rows))
    }
}

fn no_page(answer: &Answer) -> Stop {
    match answer {
        Answer::Error { class: Class::Misconfigured, failure, .. } => {
            Stop::Misconfigured(failure.code.clone())
        }
        Answer::Error { failure, .. } => Stop::Toss(format!("{}: {}", failure.code, failure.message)),
        Answer::Silent { cause } | Answer::NotSent { cause } => Stop::Toss(cause.clone()),
        Answer::Payment(_) => Stop::Toss("a payment in place of a list".to_owned()),
    }
}
