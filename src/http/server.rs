//! Listens, serves, and stops without cutting anything off.

use std::net::SocketAddr;
use std::time::Duration;

use poem::listener::{Acceptor, Listener, TcpListener};
use poem::web::{LocalAddr, RemoteAddr};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::app::App;

/// How long a stop may take before what still runs is left to the settle job.
const STOP_WITHIN: Duration = Duration::from_secs(18);
/// How long a silent connection is kept.
const IDLE: Duration = Duration::from_secs(75);

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    app: App,
    task: JoinHandle<std::io::Result<()>>,
}

/// Binds to the configured address and serves until `app.stopping` is cancelled.
///
/// # Errors
/// When the address cannot be bound.
pub async fn start(app: App) -> std::io::Result<Running> {
    let acceptor = TcpListener::bind(app.config.server.bind).into_acceptor().await?;
    let address = acceptor.local_addr().iter().find_map(|local| local.as_socket_addr().copied());
    let address = address.ok_or_else(|| std::io::Error::other("the listener has no address"))?;
    // A process serves once; a second address would not change where browsers were told to go.
    let address = *app.bound.get_or_init(|| address);
    let stop = app.stopping.clone().cancelled_owned();
    let server = poem::Server::new_with_acceptor(NoDelay(acceptor)).idle_timeout(IDLE);
    let serving = server.run_with_graceful_shutdown(super::routes(app.clone()), stop, Some(STOP_WITHIN));
    Ok(Running { address, app, task: tokio::spawn(serving) })
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
            Ok(served) => served.map_err(std::io::Error::other)?,
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

/// Answers are small and wanted at once.
struct NoDelay<A>(A);

impl<A: Acceptor<Io = TcpStream>> Acceptor for NoDelay<A> {
    type Io = TcpStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0.local_addr()
    }

    async fn accept(
        &mut self,
    ) -> std::io::Result<(Self::Io, LocalAddr, RemoteAddr, poem::http::uri::Scheme)> {
        let accepted = self.0.accept().await;
        if accepted.is_err() {
            // Out of descriptors, most likely: give the others a moment to close instead of spinning.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let accepted = accepted?;
        if let Err(error) = accepted.0.set_nodelay(true) {
            tracing::debug!(%error, "a connection closed before it was used");
        }
        Ok(accepted)
    }
}
