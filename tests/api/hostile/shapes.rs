//! Requests that two servers in a row could read differently (request smuggling).

use tokio::io::AsyncWriteExt;

use super::{rest, target};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_request_of_two_meanings_is_refused,
    nothing_is_hidden_behind_a_length_and_chunks,
    what_follows_a_broken_request_is_not_answered,
    a_foreign_host_in_the_request_line_changes_nothing,
];

/// What must never be answered: it hides in the body of another request.
const HIDDEN: &str = "GET /v1/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The statuses of all answers to `request`, in order.
fn statuses(answers: &str) -> Vec<&str> {
    let lines = answers.split("HTTP/1.1 ").skip(1);
    lines.map(|answer| answer.split(' ').next().unwrap_or_default()).collect()
}

async fn a_request_of_two_meanings_is_refused(world: &World) {
    let target = target(world, &[]).await;
    let post = "POST /v1/webhooks/toss HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for headers in [
        "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "Content-Length: 2, 3\r\n\r\n{}",
        "Content-Length: +2\r\n\r\n{}",
        "Content-Length: 0x2\r\n\r\n{}",
        "Content-Length: 99999999999999999999\r\n\r\n{}",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Content-Length : 2\r\n\r\n{}",
        "X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        "X-A: b\0\r\nContent-Length: 2\r\n\r\n{}",
        "X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
    ] {
        let mut stream = target.connect(2).await;
        stream.write_all(format!("{post}{headers}{HIDDEN}").as_bytes()).await.expect("sent");
        let answers = rest(&mut stream).await;
        assert_eq!(statuses(&answers), ["400"], "{headers:?}: {answers}");
        target.answers_others().await;
    }
    let old = "POST /v1/webhooks/toss HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let mut stream = target.connect(2).await;
    stream.write_all(format!("{old}{HIDDEN}").as_bytes()).await.expect("sent");
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("400 Bad Request").count(), 1, "{answers}");
}

async fn nothing_is_hidden_behind_a_length_and_chunks(world: &World) {
    let target = target(world, &[]).await;
    let post = "POST /v1/webhooks/toss HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for headers in [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "transfer-encoding: Chunked\r\n",
    ] {
        let mut stream = target.connect(2).await;
        // The chunks end at once; by the length, what follows would belong to the body.
        stream.write_all(format!("{post}{headers}\r\n0\r\n\r\n{HIDDEN}").as_bytes()).await.expect("sent");
        let answers = rest(&mut stream).await;
        assert_eq!(statuses(&answers), ["400"], "{headers:?}: {answers}");
        target.answers_others().await;
    }
}

async fn what_follows_a_broken_request_is_not_answered(world: &World) {
    let target = target(world, &[]).await;
    for garbage in [
        "\0\0\0\0",
        "GET\r\n\r\n",
        "GET /v1/plans HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        "GET /v1/plans HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET /v1/plans  HTTP/1.1 x\r\nHost: localhost\r\n\r\n",
        "0\r\n\r\n",
    ] {
        let mut stream = target.connect(2).await;
        let sound = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(format!("{sound}{garbage}{HIDDEN}").as_bytes()).await.expect("sent");
        let answers = rest(&mut stream).await;
        assert_eq!(statuses(&answers), ["200", "400"], "{garbage:?}: {answers}");
        target.answers_others().await;
    }
}

async fn a_foreign_host_in_the_request_line_changes_nothing(world: &World) {
    let target = target(world, &[]).await;
    for request in [
        "GET http://evil.test/v1/payments HTTP/1.1\r\nHost: localhost\r\n",
        "GET /v1/payments HTTP/1.1\r\nHost: evil.test\r\nHost: localhost\r\n",
        "GET /v1/payments HTTP/1.1\r\nHost: evil.test\r\nX-Forwarded-Host: evil.test\r\n",
    ] {
        let mut stream = target.connect(2).await;
        stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).await.expect("sent");
        let answers = rest(&mut stream).await;
        assert_eq!(statuses(&answers), ["401"], "{answers}");
        assert!(!answers.contains("evil.test"), "{answers}");
    }
    // Bare line feeds are lines, to us as to the proxies that let them through; nothing is answered twice.
    let mut stream = target.connect(2).await;
    stream
        .write_all(b"GET /v1/payments HTTP/1.1\nHost: localhost\nConnection: close\n\n")
        .await
        .expect("sent");
    let answers = rest(&mut stream).await;
    assert!(["400", "401"].contains(&statuses(&answers)[0]) && statuses(&answers).len() == 1, "{answers}");
}
