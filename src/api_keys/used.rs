//! Writes down when a key was last used: to the minute, beside the request, and never so that somebody waits for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use entity::{ApiKeyId, api_key};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::db::transact;

/// How often a process writes for one key at most.
const EVERY: Duration = Duration::seconds(60);
/// Writes under way at once; a use beyond that is noted by the next one.
const AT_ONCE: usize = 4;
/// Keys whose last note is remembered.
const MOST: usize = 1_024;

/// When the use of each key was last noted by this process.
pub(super) struct Uses {
    noted: Mutex<HashMap<ApiKeyId, DateTime<Utc>>>,
    writing: Semaphore,
}

impl Default for Uses {
    fn default() -> Self {
        Self { noted: Mutex::default(), writing: Semaphore::new(AT_ONCE) }
    }
}

impl Uses {
    /// The key is used at `now`; that is written down in the background, unless it was within the last minute.
    pub(super) fn note(app: &App, id: ApiKeyId, now: DateTime<Utc>) {
        if !app.api_keys.uses.is_due(id, now) {
            return;
        }
        let writer = app.clone();
        app.tasks.spawn(async move {
            let Ok(_turn) = writer.api_keys.uses.writing.try_acquire() else {
                return writer.api_keys.uses.forget(id);
            };
            if let Err(error) = write(&writer, id, now).await {
                tracing::debug!(%error, "the use of an API key could not be noted; the next one will be");
            }
        });
    }

    fn is_due(&self, id: ApiKeyId, now: DateTime<Utc>) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = noted.get(&id).is_some_and(|at| *at <= now && now - *at < EVERY);
        if recent {
            return false;
        }
        if noted.len() >= MOST {
            noted.clear();
        }
        noted.insert(id, now);
        true
    }

    fn forget(&self, id: ApiKeyId) {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

async fn write(app: &App, id: ApiKeyId, now: DateTime<Utc>) -> Result<(), DbErr> {
    use api_key::Column;
    transact!(app.db, |tx| {
        // Another process may have noted a later use.
        let earlier = Column::LastUsedAt.is_null().or(Column::LastUsedAt.lt(now));
        let noted = api_key::Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::value(now))
            .filter(Column::Id.eq(id))
            .filter(earlier);
        noted.exec(tx).await.map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let (uses, id) = (Uses::default(), ApiKeyId::new());
        let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).expect("in range");
        assert!(uses.is_due(id, at(100)));
        assert!(!uses.is_due(id, at(100)) && !uses.is_due(id, at(159)));
        assert!(uses.is_due(ApiKeyId::new(), at(159)));
        assert!(uses.is_due(id, at(160)) && !uses.is_due(id, at(161)));
        uses.forget(id);
        assert!(uses.is_due(id, at(161)));
    }
}
