//! Sockets that can be cut: a call can end with its connection closed and no answer written.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use poem::{
    http::uri::Scheme,
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// The switches of the open connections, by the client's address. It holds no more than is open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switches(Arc<Mutex<HashMap<SocketAddr, Arc<AtomicBool>>>>);

impl Switches {
    /// Cuts a connection: from now on nothing is read from it and nothing is written.
    ///
    /// The server finds out when it writes the answer, and closes the socket.
    pub(crate) fn cut(&self, peer: SocketAddr) {
        if let Some(switch) = self.lock().get(&peer) {
            switch.store(true, Ordering::SeqCst);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Arc<AtomicBool>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections and gives each its switch.
pub(crate) struct Cuttable {
    listener: TcpListener,
    local: SocketAddr,
    switches: Switches,
}

impl Cuttable {
    pub(crate) fn new(listener: TcpListener, local: SocketAddr, switches: Switches) -> Self {
        Self { listener, local, switches }
    }
}

impl Acceptor for Cuttable {
    type Io = Connection;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![LocalAddr(self.local.into())]
    }

    async fn accept(&mut self) -> io::Result<(Connection, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, peer) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // The server asks again at once; without a pause it would spin while files are short.
                tokio::time::sleep(Duration::from_millis(20)).await;
                return Err(error);
            }
        };
        stream.set_nodelay(true)?;
        let cut = Arc::new(AtomicBool::new(false));
        self.switches.lock().insert(peer, Arc::clone(&cut));
        let connection = Connection { stream, peer, cut, switches: self.switches.clone() };
        Ok((connection, LocalAddr(self.local.into()), RemoteAddr(peer.into()), Scheme::HTTP))
    }
}

/// One client's connection.
pub(crate) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    cut: Arc<AtomicBool>,
    switches: Switches,
}

impl Connection {
    fn check(&self) -> io::Result<()> {
        if self.cut.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut switches = self.switches.lock();
        // The client may have come back from the same port already: that switch is not ours.
        if switches.get(&self.peer).is_some_and(|switch| Arc::ptr_eq(switch, &self.cut)) {
            switches.remove(&self.peer);
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
