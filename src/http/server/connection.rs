//! One connection: HTTP/1.1 or HTTP/2, by TLS or in the clear, with a bound on all that a slow or greedy client can take.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use poem::http::uri::Scheme;
use poem::http::{HeaderValue, Request, Version, header};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// From the connection to its first request, TLS included.
const FIRST_WITHIN: Duration = Duration::from_secs(10);
/// From an answer to the next request's head. Longer than common proxies keep connections, so that they close first.
const IDLE: Duration = Duration::from_secs(75);
/// From the wish that a connection ends to its being cut off, once nothing is worked on.
const ENDS_WITHIN: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
const HEAD: usize = 32 * 1024;
/// The same for the parts of HTTP/2 that count it so.
const HEAD_HTTP2: u32 = 32 * 1024;
/// Requests at once on one connection of HTTP/2.
const STREAMS: u32 = 100;
/// Requests of HTTP/2 that a client may take back before they are looked at, and faults it may make, before the
/// connection ends.
const RESETS: usize = 20;
/// What is kept of answers that a client of HTTP/2 does not read, for each of them, in bytes.
const UNREAD: usize = 64 * 1024;

/// A connection that was accepted.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    /// None where TLS is not ours to do.
    pub(super) tls: Option<TlsAcceptor>,
    /// True while others wait for a place.
    pub(super) crowded: watch::Receiver<bool>,
    pub(super) end: End,
}

/// When the process ends.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// Cancelled when clients should go elsewhere, answer by answer.
    pub(super) draining: CancellationToken,
    /// Cancelled when what is under way is to be finished, and no more.
    pub(super) stopping: CancellationToken,
}

/// What a connection's requests do.
#[derive(Debug)]
struct Activity {
    opened: Instant,
    under_way: AtomicUsize,
    /// Milliseconds from the opening to when a request last ended, or its answer last moved; 0 before the first.
    last: AtomicU64,
    /// True while others wait for a place.
    crowded: watch::Receiver<bool>,
    /// Told when a request ends while others wait for a place: nobody else needs to know at once.
    ended: Notify,
}

/// A request under way.
struct UnderWay(Arc<Activity>);

/// An answer's body: a download may take its time for as long as it moves.
struct Watched<B> {
    body: B,
    activity: Arc<Activity>,
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.activity.touch();
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl UnderWay {
    fn of(activity: &Arc<Activity>) -> Self {
        activity.under_way.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(activity))
    }
}

impl Activity {
    /// When the connection is idle for too long, unless something happens before: then it is later. What is under way now
    /// leaves as much time when it ends.
    fn deadline(&self) -> Instant {
        if self.under_way.load(Ordering::Acquire) > 0 {
            return Instant::now() + IDLE;
        }
        match self.last.load(Ordering::Acquire) {
            0 => self.opened + FIRST_WITHIN,
            last => self.opened + Duration::from_millis(last) + IDLE,
        }
    }

    fn touch(&self) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(since.max(1), Ordering::Release);
    }

    /// Whether nothing is worked on, and no answer has moved for as long as a connection may take to end.
    fn is_stuck(&self) -> bool {
        let moved = self.opened + Duration::from_millis(self.last.load(Ordering::Acquire));
        self.under_way.load(Ordering::Acquire) == 0 && moved.elapsed() >= ENDS_WITHIN
    }

    fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Acquire) == 0 && self.last.load(Ordering::Acquire) > 0
    }

    /// Ends when the connection should.
    async fn outlived(&self) {
        tokio::select! {
            () = self.idles_too_long() => {}
            () = self.gives_way() => {}
        }
    }

    /// Looks when it may be so and not at every request, which would cost each of them.
    async fn idles_too_long(&self) {
        loop {
            let at = self.deadline();
            if at <= Instant::now() {
                return;
            }
            sleep_until(at).await;
        }
    }

    /// Whoever only waits gives way to those who cannot get in.
    async fn gives_way(&self) {
        let mut crowded = self.crowded.clone();
        loop {
            if crowded.wait_for(|crowded| *crowded).await.is_err() {
                return std::future::pending().await;
            }
            if self.is_idle() {
                return;
            }
            tokio::select! {
                () = self.ended.notified() => {}
                _ = crowded.changed() => {}
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.touch();
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
        if *self.0.crowded.borrow() {
            self.0.ended.notify_one();
        }
    }
}

/// Serves a connection to its end.
pub(super) async fn serve<E>(connection: Connection, endpoint: Arc<E>)
where
    E: Endpoint<Output = Response> + 'static,
{
    let Connection { stream, peer, tls, crowded, end } = connection;
    let opened = Instant::now();
    let Ok(local) = stream.local_addr() else { return };
    let ends = Ends { local, peer, opened };
    let Some(tls) = tls else {
        return talk(stream, Scheme::HTTP, ends, endpoint, crowded, end).await;
    };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(FIRST_WITHIN, tls.accept(stream)) => shaken,
        () = end.stopping.cancelled() => return,
    };
    match shaken {
        Ok(Ok(stream)) => talk(stream, Scheme::HTTPS, ends, endpoint, crowded, end).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS"),
        Err(_) => tracing::debug!(%peer, "no TLS in time"),
    }
}

/// The two ends of a connection, and its beginning.
struct Ends {
    local: SocketAddr,
    peer: SocketAddr,
    opened: Instant,
}

async fn talk<S, E>(
    stream: S,
    scheme: Scheme,
    ends: Ends,
    endpoint: Arc<E>,
    crowded: watch::Receiver<bool>,
    end: End,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    E: Endpoint<Output = Response> + 'static,
{
    let Ends { local, peer, opened } = ends;
    let activity = Arc::new(Activity {
        opened,
        under_way: AtomicUsize::new(0),
        last: AtomicU64::new(0),
        crowded,
        ended: Notify::new(),
    });
    let service = hyper::service::service_fn({
        let (activity, draining) = (Arc::clone(&activity), end.draining.clone());
        move |request: Request<Incoming>| {
            let (endpoint, activity, scheme) = (Arc::clone(&endpoint), Arc::clone(&activity), scheme.clone());
            let draining = draining.clone();
            async move {
                let under_way = UnderWay::of(&activity);
                let (once, old) = (is_ambiguous(&request), request.version() < Version::HTTP_2);
                let ends = (LocalAddr(Addr::socket(local)), RemoteAddr(Addr::socket(peer)));
                let request = poem::Request::from((request, ends.0, ends.1, scheme));
                let mut response = endpoint.get_response(request).await;
                if once || (old && draining.is_cancelled()) {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                drop(under_way);
                let response = poem::http::Response::from(response);
                Ok::<_, Infallible>(response.map(|body| Watched { body, activity }))
            }
        }
    });
    let builder = protocols();
    let served = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    tokio::select! {
        ended = &mut served => return told(peer, ended),
        () = activity.outlived() => tracing::debug!(%peer, "a connection was idle for too long"),
        () = end.stopping.cancelled() => {}
    }
    served.as_mut().graceful_shutdown();
    loop {
        // What is worked on is finished, however long that takes; what only does not go away is cut off.
        let patience = tokio::time::sleep(ENDS_WITHIN);
        tokio::select! {
            ended = &mut served => return told(peer, ended),
            () = patience => {
                if activity.is_stuck() {
                    return tracing::debug!(%peer, "a connection did not end by itself");
                }
            }
        }
    }
}

fn told(peer: SocketAddr, ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%peer, error, "a connection ended badly");
    }
}

/// Whether a proxy in front may have seen another end of the message than we do. hyper lets `Transfer-Encoding` win over
/// a `Content-Length` without a word, and RFC 9112 (6.1) wants such a connection closed; since the length is no longer
/// seen here, every message in chunks is the last one of its connection.
fn is_ambiguous(request: &Request<Incoming>) -> bool {
    request.version() < Version::HTTP_2 && request.headers().contains_key(header::TRANSFER_ENCODING)
}

/// HTTP/1.1 and HTTP/2 (by ALPN or by prior knowledge), within bounds.
fn protocols() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE).max_buf_size(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_HTTP2)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .max_send_buf_size(UNREAD)
        .keep_alive_interval(IDLE)
        .keep_alive_timeout(ENDS_WITHIN);
    builder
}
