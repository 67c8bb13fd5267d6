//! Listens, serves, and stops without cutting anything off.
//!
//! The accept loop is ours, because poem's knows no bound on connections, none on how long a request's head may take, and
//! none of hyper's settings for HTTP/1; what it serves is poem's endpoint all the same.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::app::App;

mod accept;
mod connection;
mod places;
mod tls;

/// How long a stop may take before what still runs is left to the settle job.
const STOP_WITHIN: Duration = Duration::from_secs(18);

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    app: App,
    task: JoinHandle<()>,
}

/// Binds to the configured address and serves until `app.stopping` is cancelled.
///
/// # Errors
/// When the address cannot be bound, or the certificate cannot be used.
pub async fn start(app: App) -> std::io::Result<Running> {
    let tls = tls::Tls::of(&app.config.server).map_err(std::io::Error::other)?;
    let listener = TcpListener::bind(app.config.server.bind).await?;
    // A process serves once; a second address would not change where browsers were told to go.
    let bound = listener.local_addr()?;
    let address = *app.bound.get_or_init(|| bound);
    let endpoint = super::routes(app.clone());
    let task = tokio::spawn(accept::serve(listener, tls, app.clone(), endpoint));
    Ok(Running { address, app, task })
}

impl Running {
    /// Waits until the server has been asked to stop and its work is done, at most 18 seconds after the wish.
    ///
    /// # Errors
    /// When the server broke.
    pub async fn finished(self) -> std::io::Result<()> {
        let Self { app, mut task, .. } = self;
        let served = tokio::select! {
            served = &mut task => Some(served),
            () = app.stopping.cancelled() => None,
        };
        app.stopping.cancel();
        app.tasks.close();
        let rest = async {
            let served = match served {
                Some(served) => served,
                None => task.await,
            };
            app.tasks.wait().await;
            served
        };
        match tokio::time::timeout(STOP_WITHIN, rest).await {
            Ok(served) => served.map_err(std::io::Error::other),
            Err(_) => {
                tracing::warn!(
                    open = app.tasks.len(),
                    "stopped before all work was done; settle will finish it"
                );
                Ok(())
            }
        }
    }
}
