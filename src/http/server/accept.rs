//! The accept loop: a place for each connection, or none; and the end of them all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::STOP_WITHIN;
use super::connection::{self, Connection, End};
use super::places::{Place, Places};
use super::tls::Tls;
use crate::app::App;

/// How long no connection is accepted after one could not be.
const BREATHER: Duration = Duration::from_millis(20);

/// Serves until `app.stopping` is cancelled, and then what is under way, but no longer than [`STOP_WITHIN`].
pub(super) async fn serve<E>(listener: TcpListener, tls: Option<Tls>, app: App, endpoint: E)
where
    E: Endpoint<Output = Response> + 'static,
{
    let endpoint = Arc::new(endpoint);
    let config = &app.config.server;
    let places = Places::new(config.max_connections, config.max_connections_per_address);
    let (connections, cut) = (TaskTracker::new(), CancellationToken::new());
    if let Some(tls) = &tls {
        tls.keep_fresh(app.stopping.clone());
    }
    let accepting = async {
        while let Some(place) = places.place().await {
            let Some((stream, peer)) = accept(&listener).await else { continue };
            // Proxies stand for many: they are bounded by the whole alone.
            let share = if config.trusted_proxies.contains(peer.ip()) {
                None
            } else {
                let Some(share) = places.share(peer.ip()) else {
                    app.metrics.http.connection_refused();
                    continue;
                };
                Some(share)
            };
            let counted = app.metrics.http.connected();
            let connection = Connection {
                stream,
                peer,
                tls: tls.as_ref().map(Tls::acceptor),
                crowded: places.crowded(),
                end: End { draining: app.draining.clone(), stopping: app.stopping.clone() },
            };
            let (endpoint, cut) = (Arc::clone(&endpoint), cut.clone());
            connections.spawn(async move {
                tokio::select! {
                    () = connection::serve(connection, endpoint) => {}
                    () = cut.cancelled() => tracing::debug!(%peer, "a connection was cut off by the stop"),
                }
                let held: (Place, _, _) = (place, share, counted);
                drop(held);
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        () = app.stopping.cancelled() => {}
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(STOP_WITHIN, connections.wait()).await.is_err() {
        cut.cancel();
        connections.wait().await;
    }
}

async fn accept(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small and wanted at once.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection closed before it was used");
            }
            Some((stream, peer))
        }
        Err(error) => {
            // Out of descriptors, most likely: give the others a moment to close instead of spinning.
            tracing::debug!(%error, "a connection could not be accepted");
            tokio::time::sleep(BREATHER).await;
            None
        }
    }
}
