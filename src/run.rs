//! The running service: the server and the heartbeat of the jobs, from start to graceful stop.

use std::time::Duration;

use crate::app::App;
use crate::auth::Jwks;
use crate::db::Database;
use crate::{http, jobs};

/// How long the database's connections may take to close.
const CLOSES_WITHIN: Duration = Duration::from_secs(1);

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The address cannot be bound, or the server broke.
    #[error("server: {0}")]
    Server(#[from] std::io::Error),
    /// The scheduler does not tick.
    #[error("scheduler: {0}")]
    Heartbeat(#[from] jobs::HeartbeatError),
}

/// A service that answers.
pub struct Service {
    db: Database,
    running: http::Running,
    heartbeat: Option<jobs::Heartbeat>,
}

/// Starts to serve `app`, and its jobs where the settings want them.
///
/// # Errors
/// [`ServiceError`].
pub async fn start(app: &App) -> Result<Service, ServiceError> {
    let running = http::start(app.clone()).await?;
    tracing::info!(address = %running.address, "serving");
    Jwks::keep_fresh(app);
    let heartbeat =
        if app.config.scheduler.enabled { Some(jobs::Heartbeat::start(app).await?) } else { None };
    Ok(Service { db: app.db.clone(), running, heartbeat })
}

impl Service {
    /// Where it listens.
    pub fn address(&self) -> std::net::SocketAddr {
        self.running.address
    }

    /// Waits until `app.stopping` has been cancelled and the work under way is done.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn finished(self) -> Result<(), ServiceError> {
        let served = self.running.finished().await;
        if let Some(heartbeat) = self.heartbeat {
            heartbeat.stop().await;
        }
        // SQLite folds its log into the file; a connection that still works is not waited for.
        if tokio::time::timeout(CLOSES_WITHIN, self.db.close()).await.is_err() {
            tracing::debug!("a connection was still at work");
        }
        tracing::info!("stopped");
        Ok(served?)
    }
}
