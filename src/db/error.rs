//! What the database's errors mean: gone, lost to another transaction, or refused by a constraint.

use std::borrow::Cow;
use std::error::Error;
use std::io::ErrorKind;

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// Whether the database cannot be reached or used at the moment, so that a later try may work.
pub fn is_unavailable(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        // Others were preferred again and again.
        _ if was_given_up(error) => true,
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

/// Whether no connection leads to the database at the moment, whatever was asked.
pub fn is_unreachable(error: &DbErr) -> bool {
    let no_place = matches!(sqlx_error(error), Some(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed));
    no_place || matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) || lost_its_connection(error)
}

/// Whether a statement took longer than it may, which trying again does not change by itself.
pub fn took_too_long(error: &DbErr) -> bool {
    inner(error).and_then(code).is_some_and(|code| code == "57014")
}

/// Whether an answer was waited for until nobody believed in it any more.
pub(super) fn went_unanswered(error: &(dyn Error + 'static)) -> bool {
    matches!(inner(error), Some(sqlx::Error::Io(error)) if error.kind() == ErrorKind::TimedOut)
}

/// Whether a lock was not to be had in time.
pub(super) fn lock_timed_out(error: &DbErr) -> bool {
    inner(error).and_then(code).is_some_and(|code| code == "55P03")
}

/// Whether `error` says that a unique key is taken.
pub fn unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Whether the database gave the transaction up in favour of another, so that running it again is right.
pub(super) fn lost_to_another(error: &(dyn Error + 'static)) -> bool {
    was_given_up(error)
        || inner(error).and_then(code).is_some_and(|code| ["5", "517"].contains(&code.as_ref()))
}

/// Whether PostgreSQL, or an engine that speaks its protocol, gave up what it was asked in favour of another transaction;
/// where all are serializable, even what only reads.
pub fn was_given_up(error: &(dyn Error + 'static)) -> bool {
    inner(error).and_then(code).is_some_and(|code| ["40001", "40P01"].contains(&code.as_ref()))
}

/// Whether the connection is gone, and with it whatever had not been committed on it: the server was stopped, or another
/// took its place.
pub(super) fn lost_its_connection(error: &(dyn Error + 'static)) -> bool {
    match inner(error) {
        Some(
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed,
        ) => true,
        Some(error) => code(error).is_some_and(|code| {
            code.starts_with("08") || ["57P01", "57P02", "57P03"].contains(&code.as_ref())
        }),
        None => false,
    }
}

/// The database's own error inside of `error`.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a sqlx::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An operation's error shows the database's as if it were its own (`transparent`), so that only what is inside
        // of the latter stands in the chain.
        let runtime = error.downcast_ref::<RuntimeErr>();
        let found = error.downcast_ref::<DbErr>().and_then(sqlx_error).or(runtime.and_then(of_sqlx));
        if found.is_some() {
            return found;
        }
        cause = error.source();
    }
    None
}

fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    match error {
        sqlx::Error::Database(database) => database.code(),
        _ => None,
    }
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(error) | DbErr::Query(error) | DbErr::Conn(error) => of_sqlx(error),
        _ => None,
    }
}

fn of_sqlx(error: &RuntimeErr) -> Option<&sqlx::Error> {
    match error {
        RuntimeErr::SqlxError(error) => Some(error.as_ref()),
        RuntimeErr::Internal(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sqlx::error::{DatabaseError, ErrorKind as Kind};

    use super::*;

    /// An error as a database answers it: only its code counts.
    #[derive(Debug, thiserror::Error)]
    #[error("refused with {0}")]
    struct Refused(&'static str);

    impl DatabaseError for Refused {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> Kind {
            Kind::Other
        }
    }

    /// An operation's error, as the domains declare it.
    #[derive(Debug, thiserror::Error)]
    enum Domain {
        #[error("a rule")]
        Rule,
        #[error(transparent)]
        Database(#[from] DbErr),
    }

    fn refused(code: &'static str) -> DbErr {
        DbErr::Exec(RuntimeErr::SqlxError(sqlx::Error::Database(Box::new(Refused(code))).into()))
    }

    #[test]
    fn a_connection_that_is_gone_is_told_from_an_answer() {
        let broken = std::io::Error::from(ErrorKind::ConnectionReset);
        let broken = DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::Io(broken).into()));
        assert!(lost_its_connection(&broken) && lost_its_connection(&Domain::from(broken)));
        for code in ["57P01", "57P02", "57P03", "08006"] {
            assert!(lost_its_connection(&Domain::from(refused(code))), "{code}");
        }
        // A statement that took too long, a standby, a unique key.
        for code in ["57014", "25006", "23505", "5"] {
            assert!(!lost_its_connection(&Domain::from(refused(code))), "{code}");
        }
    }

    #[test]
    fn a_transaction_lost_to_another_is_known_inside_of_an_operations_error() {
        for code in ["40001", "40P01", "5", "517"] {
            assert!(lost_to_another(&refused(code)), "{code}");
            assert!(lost_to_another(&Domain::from(refused(code))), "{code}");
        }
        // SQLite has waited already.
        assert!(was_given_up(&refused("40001")) && !was_given_up(&refused("5")));
        assert!(!lost_to_another(&Domain::from(refused("23505"))));
        assert!(!lost_to_another(&Domain::from(DbErr::Custom("else".to_owned()))));
        assert!(!lost_to_another(&Domain::Rule));
    }
}
