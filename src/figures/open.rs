//! What is being found out or waited for right now.

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement};
use serde::Serialize;

/// How many stand open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, FromQueryResult)]
#[serde(rename_all = "camelCase")]
pub struct OpenFigures {
    /// Payments whose outcome is being found out (`IN_PROGRESS`).
    pub payments: i64,
    /// Virtual accounts whose deposit may still come: up to a week after their term, while Toss is asked about them.
    pub deposits: i64,
    /// Refunds whose outcome is being found out.
    pub refunds: i64,
    /// Approvals that cannot be honoured and are being given back.
    pub compensations: i64,
}

/// Written so that indexes answer it on both databases: a row is open where it has a due time.
pub(super) const OPEN: &str = "
    SELECT (SELECT COUNT(*) FROM payment WHERE status = 'IN_PROGRESS') AS payments,
        (SELECT COUNT(*) FROM payment WHERE next_settle_at IS NOT NULL AND status = 'WAITING_FOR_DEPOSIT') AS deposits,
        (SELECT COUNT(*) FROM refund WHERE next_settle_at IS NOT NULL) AS refunds,
        (SELECT COUNT(*) FROM compensation WHERE next_settle_at IS NOT NULL) AS compensations";

/// What stands open.
pub(super) async fn open(db: &impl ConnectionTrait) -> Result<OpenFigures, DbErr> {
    let statement = Statement::from_string(db.get_database_backend(), OPEN);
    Ok(OpenFigures::find_by_statement(statement).one(db).await?.unwrap_or_default())
}
