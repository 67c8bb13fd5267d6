//! Clients that take their time.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{rest, target};
use crate::support::client::SERVICE_KEY;
use crate::support::process::eventually;
use crate::support::raw;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    heads_that_never_end_are_given_up,
    connections_that_say_nothing_are_given_up,
    bodies_that_never_come_take_nobodys_place,
    a_body_that_comes_in_drops_is_given_up,
];

const HALF: &[u8] = b"GET /v1/plans HTTP/1.1\r\nHost: localhost\r\nX-A: ";

async fn heads_that_never_end_are_given_up(world: &World) {
    let target = target(world, &[]).await;
    let mut streams = Vec::new();
    for _ in 0..900 {
        let mut stream = target.connect(2).await;
        stream.write_all(HALF).await.expect("sent");
        streams.push(stream);
    }
    target.answers_others().await;
    for mut stream in streams {
        assert_eq!(rest(&mut stream).await, "", "given up without a word");
    }
    target.answers_others().await;
}

async fn connections_that_say_nothing_are_given_up(world: &World) {
    let target = target(world, &[]).await;
    let mut streams = Vec::new();
    for _ in 0..900 {
        streams.push(target.connect(2).await);
    }
    // The beginning of HTTP/2's greeting is no more than that.
    let mut greeting = target.connect(3).await;
    greeting.write_all(b"PRI * HTT").await.expect("sent");
    streams.push(greeting);
    target.answers_others().await;
    for mut stream in streams {
        assert_eq!(rest(&mut stream).await, "");
    }
}

async fn bodies_that_never_come_take_nobodys_place(world: &World) {
    // Far fewer places than slow clients.
    let target = target(world, &[("GUDOK__SERVER__MAX_IN_FLIGHT", "40")]).await;
    let mut streams = Vec::new();
    for (path, token, last) in [("/v1/webhooks/toss", "", 2), ("/v1/payments/confirm", SERVICE_KEY, 3)] {
        for _ in 0..35 {
            let headers = [("Content-Type", "application/json"), ("Content-Length", "1000")];
            let mut stream = target.connect(last).await;
            stream.write_all(&raw::head("POST", path, token, &headers)).await.expect("sent");
            stream.write_all(b"{").await.expect("sent");
            streams.push(stream);
        }
    }
    let admin = target.serving.client(Some(crate::support::client::ADMIN_KEY));
    eventually("all of them are being waited for", async || {
        let metrics = admin.get("/metrics").await.text;
        metrics.contains("gudok_http_requests_in_flight 71\n").then_some(())
    })
    .await;
    target.answers_others().await;
    for mut stream in streams {
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
}

async fn a_body_that_comes_in_drops_is_given_up(world: &World) {
    let target = target(world, &[]).await;
    let headers = [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")];
    let mut stream = target.connect(2).await;
    stream.write_all(&raw::head("POST", "/v1/webhooks/toss", "", &headers)).await.expect("sent");
    let (mut reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        let mut drops = 0;
        while writing.write_all(b"1\r\n{\r\n").await.is_ok() {
            drops += 1;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        drops
    });
    let mut answer = [0; 12];
    reading.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 400");
    assert!(!dripping.is_finished() || dripping.await.expect("not cut off") > 1);
    target.answers_others().await;
}
