//! Clients that send too much, or come in too great a number.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Target, pour, rest, target};
use crate::support::client::{ADMIN_KEY, SERVICE_KEY};
use crate::support::raw;
use crate::support::say;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_megabyte_of_headers_is_refused,
    bodies_without_end_are_refused,
    ten_thousand_open_connections_keep_nobody_out,
    one_address_cannot_take_all_connections,
    idle_connections_give_way_when_all_places_are_taken,
];

async fn a_megabyte_of_headers_is_refused(world: &World) {
    let target = target(world, &[]).await;
    let one = format!("GET /v1/plans HTTP/1.1\r\nHost: localhost\r\nX-A: {}\r\n\r\n", "a".repeat(1 << 20));
    let line = format!("X-A: {}\r\n", "a".repeat(100));
    let many = format!("GET /v1/plans HTTP/1.1\r\nHost: localhost\r\n{}\r\n", line.repeat(10_000));
    let path = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(1 << 20));
    for request in [one, many, path] {
        assert!(request.len() > 1_000_000);
        for _ in 0..20 {
            let mut stream = target.connect(2).await;
            let sent = pour(&mut stream, request.as_bytes(), request.len()).await;
            assert!(sent > 32 * 1024, "only {sent} bytes were sent");
            let answer = rest(&mut stream).await;
            // A client that still writes may see the connection break before it sees the answer.
            let refused = ["", "HTTP/1.1 431 ", "HTTP/1.1 414 "];
            assert!(refused.iter().any(|refused| answer.starts_with(refused)), "{answer}");
            assert!(!answer.contains("200 OK"), "{answer}");
        }
        target.answers_others().await;
    }
}

async fn bodies_without_end_are_refused(world: &World) {
    let target = target(world, &[]).await;
    let mut piece = b"8000\r\n".to_vec();
    piece.extend_from_slice(&[b' '; 0x8000]);
    piece.extend_from_slice(b"\r\n");
    for (path, token) in [
        ("/v1/payments/confirm", SERVICE_KEY),
        ("/v1/payments/confirm", "nobody"),
        ("/v1/webhooks/toss", ""),
        ("/v1/no-such-path", ""),
    ] {
        let headers = [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")];
        let mut stream = target.connect(2).await;
        stream.write_all(&raw::head("POST", path, token, &headers)).await.expect("sent");
        let most = 256 << 20;
        let sent = pour(&mut stream, &piece, most).await;
        assert!(sent < most, "{path}: all of it was taken");
        assert!(sent >= piece.len(), "{path}: only {sent} bytes were sent");
        target.answers_others().await;
    }
}

/// A connection that has been used once, and is kept.
async fn kept(target: &Target, last: u8) -> TcpStream {
    let mut stream = target.connect(last).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
    stream
}

/// How many connections the process says are open.
async fn open(target: &Target) -> usize {
    let metrics = target.serving.client(Some(ADMIN_KEY)).get("/metrics").await.text;
    let count = metrics.lines().find_map(|line| line.strip_prefix("gudok_http_connections "));
    count.and_then(|count| count.parse().ok()).expect("a count")
}

async fn ten_thousand_open_connections_keep_nobody_out(world: &World) {
    // Both backends' scenarios run in one process, whose descriptors they share.
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = TURN.lock().await;
    let files = can_open();
    // Both sides need a descriptor for each, and some for other things.
    let wanted = usize::min(10_000, files.saturating_sub(1_500));
    assert!(wanted >= 500, "this machine allows only {files} open files");
    let target = target(world, &[("GUDOK__SERVER__MAX_CONNECTIONS", "11000")]).await;
    let before = target.serving.memory();
    let mut streams = Vec::with_capacity(wanted);
    for number in 0..wanted {
        // No more from one address than it may have.
        let last = u8::try_from(2 + number / 900).expect("few addresses");
        streams.push(kept(&target, last).await);
    }
    assert!(open(&target).await > wanted, "they are not all open");
    target.answers_others().await;
    let memory = target.serving.memory();
    say(&format!("{wanted} connections were held open: {before} MiB before, {memory} MiB with them"));
    drop(streams);
    target.answers_others().await;
}

/// How many files this process may open; as many as the system lets it ask for.
fn can_open() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    current.map_or(usize::MAX, |current| usize::try_from(current).unwrap_or(usize::MAX))
}

async fn one_address_cannot_take_all_connections(world: &World) {
    let settings = [("GUDOK__SERVER__MAX_CONNECTIONS_PER_ADDRESS", "20")];
    let target = target(world, &settings).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(kept(&target, 2).await);
    }
    for _ in 0..100 {
        let mut stream = target.connect(2).await;
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(rest(&mut stream).await, "", "it was let in");
    }
    kept(&target, 3).await;
    target.answers_others().await;
    drop(streams.pop());
    let metrics = target.serving.client(Some(ADMIN_KEY)).get("/metrics").await.text;
    assert!(metrics.contains("gudok_http_connections_refused_total 100\n"), "{metrics}");
}

async fn idle_connections_give_way_when_all_places_are_taken(world: &World) {
    let settings =
        [("GUDOK__SERVER__MAX_CONNECTIONS", "50"), ("GUDOK__SERVER__MAX_CONNECTIONS_PER_ADDRESS", "0")];
    let target = target(world, &settings).await;
    let mut streams = Vec::new();
    // Each of these is answered, although those before it are kept open.
    for _ in 0..500 {
        streams.push(kept(&target, 2).await);
    }
    target.answers_others().await;
    assert!(open(&target).await <= 50);
}
