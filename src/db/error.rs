//! What the database's errors mean: gone, lost to another transaction, or refused by a constraint.

use std::error::Error;

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// Whether the database cannot be reached or used at the moment, so that a later try may work.
pub fn is_unavailable(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        _ => match sqlx_error(error) {
            Some(
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed,
            ) => true,
            Some(sqlx::Error::Database(database)) => database.code().is_some_and(|code| {
                // 08: connection; 53: out of resources; 57: operator intervention, time-out; 25006: a standby; 55P03: lock.
                ["08", "53", "57"].iter().any(|class| code.len() == 5 && code.starts_with(class))
                    || ["25006", "55P03", "5", "6", "8", "10", "13", "14", "261", "517"]
                        .contains(&code.as_ref())
            }),
            _ => false,
        },
    }
}

/// Whether `error` says that a unique key is taken.
pub fn unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Whether the database gave the transaction up in favour of another, so that running it again is right.
pub(super) fn lost_to_another(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(database) = error.downcast_ref::<DbErr>() {
            return code(database)
                .is_some_and(|code| ["40001", "40P01", "5", "517"].contains(&code.as_str()));
        }
        cause = error.source();
    }
    false
}

fn code(error: &DbErr) -> Option<String> {
    match sqlx_error(error)? {
        sqlx::Error::Database(database) => database.code().map(|code| code.into_owned()),
        _ => None,
    }
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Conn(RuntimeErr::SqlxError(error)) => Some(error.as_ref()),
        _ => None,
    }
}
