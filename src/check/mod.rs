//! Check: whether the invariants hold inside our own books. It only reads, in one snapshot, with statements that let the
//! database do the comparing; what it finds is a bug, whatever caused it.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, Statement};
use serde::Serialize;

use crate::app::App;

mod nightly;
mod rules;

pub use nightly::nightly;
pub use rules::Rule;

/// Breaches that one statement brings at most.
const MOST: u64 = 1_000;

/// What a check has found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Payments that were checked.
    pub payments: u64,
    /// Subscriptions that were checked.
    pub subscriptions: u64,
    /// What does not hold.
    pub breaches: Vec<Breach>,
    /// Whether there are more breaches than are listed.
    pub more: bool,
}

/// One thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    /// The number of the rule.
    pub rule: u8,
    /// The order that it is about.
    pub order_id: Option<String>,
    /// The user that it is about, where it is about none of their orders.
    pub user_id: Option<String>,
    /// In what the rule is broken, for operators.
    pub detail: String,
}

impl Breach {
    /// The order, or the user.
    pub fn about(&self) -> &str {
        self.order_id.as_deref().or(self.user_id.as_deref()).unwrap_or_default()
    }
}

/// Checks every rule on one state of the books.
///
/// # Errors
/// The database's own.
pub async fn check(app: &App) -> Result<Report, DbErr> {
    let snapshot = app.db.snapshot().await?.aside().await?;
    let db = snapshot.connection();
    let mut report = Report {
        payments: entity::payment::Entity::find().count(db).await?,
        subscriptions: entity::subscription::Entity::find().count(db).await?,
        breaches: Vec::new(),
        more: false,
    };
    for &(rule, sql) in rules::ALL {
        let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
        let backend = db.get_database_backend();
        let sql = rules::in_words_of(backend, sql);
        let statement = Statement::from_sql_and_values(backend, sql, [most.into()]);
        let rows = db.query_all_raw(statement).await?;
        let listed = usize::try_from(MOST).unwrap_or(usize::MAX);
        report.more |= rows.len() > listed;
        for row in rows.iter().take(listed) {
            let (subject, detail): (String, String) =
                (row.try_get("", "subject")?, row.try_get("", "detail")?);
            let (order_id, user_id) =
                if rule == Rule::Subscription { (None, Some(subject)) } else { (Some(subject), None) };
            report.breaches.push(Breach { rule: rule.number(), order_id, user_id, detail });
        }
    }
    Ok(report)
}

/// What a finding about a user's subscription has for its subject.
pub(crate) fn subject_of_user(user_id: &entity::UserId) -> String {
    subject(Rule::Subscription.number(), user_id.as_str())
}

fn subject(rule: u8, about: &str) -> String {
    format!("{rule}:{about}")
}
