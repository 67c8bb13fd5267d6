//! Attacks that only HTTP/2 knows.

use poem::http::Request;
use tokio::io::AsyncWriteExt;

use super::{pour, rest, target};
use crate::support::say;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    streams_that_are_reset_at_once_end_the_connection,
    headers_that_go_on_without_end_are_cut_off,
    too_many_headers_are_refused,
    one_connection_has_a_hundred_requests_at_once_and_no_more,
];

const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).expect("small").to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `GET /v1/plans`, by HPACK's static table and literals.
fn headers() -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x04, 9];
    block.extend(b"/v1/plans");
    block.extend([0x01, 9]);
    block.extend(b"localhost");
    block
}

async fn streams_that_are_reset_at_once_end_the_connection(world: &World) {
    let target = target(world, &[]).await;
    let (mut connections, mut streams) = (0, 0_usize);
    while connections < 10 {
        let mut stream = target.connect(2).await;
        let mut attack = GREETING.to_vec();
        attack.extend(frame(4, 0, 0, &[]));
        stream.write_all(&attack).await.expect("sent");
        let mut id = 1;
        // The resets come in the same segments as the requests.
        let sent = loop {
            let mut piece = Vec::new();
            for _ in 0..500 {
                piece.extend(frame(1, 0x5, id, &headers()));
                piece.extend(frame(3, 0, id, &8_u32.to_be_bytes()));
                id += 2;
            }
            if stream.write_all(&piece).await.is_err() || id > 1_000_000 {
                break id / 2;
            }
        };
        assert!(sent < 500_000, "500,000 resets were taken");
        streams += usize::try_from(sent).expect("a number");
        connections += 1;
        target.answers_others().await;
    }
    say(&format!("HTTP/2: {connections} connections ended after {streams} resets in all"));
}

async fn headers_that_go_on_without_end_are_cut_off(world: &World) {
    let target = target(world, &[]).await;
    // A header of 16 KiB in each frame, small ones, and none at all.
    let mut long = vec![0x00, 1, b'a', 0x7f, 0x81, 0x7e];
    long.extend([b'a'; 16_256]);
    for piece in [long, vec![0x00, 1, b'a', 1, b'b'], Vec::new()] {
        let mut stream = target.connect(2).await;
        let mut attack = GREETING.to_vec();
        attack.extend(frame(4, 0, 0, &[]));
        attack.extend(frame(1, 0x1, 1, &headers()));
        stream.write_all(&attack).await.expect("sent");
        let more = frame(9, 0, 1, &piece).repeat(if piece.len() > 100 { 1 } else { 1_000 });
        let most = 64 << 20;
        let sent = pour(&mut stream, &more, most).await;
        assert!(sent < most, "{} bytes a frame: all of it was taken", piece.len());
        rest(&mut stream).await;
        target.answers_others().await;
    }
}

async fn too_many_headers_are_refused(world: &World) {
    let target = target(world, &[]).await;
    let stream = target.connect(2).await;
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    for _ in 0..20 {
        let mut request = Request::get("http://localhost/v1/plans");
        for number in 0..40 {
            request = request.header(format!("x-{number}"), "a".repeat(1_000));
        }
        let (answer, _) = client.send_request(request.body(()).expect("a request"), true).expect("sent");
        match answer.await {
            Ok(answer) => assert_eq!(answer.status(), 431),
            Err(refused) => assert!(refused.is_reset() || refused.is_go_away(), "{refused}"),
        }
        target.answers_others().await;
        match client.clone().ready().await {
            Ok(ready) => client = ready,
            Err(_) => return,
        }
    }
}

async fn one_connection_has_a_hundred_requests_at_once_and_no_more(world: &World) {
    let target = target(world, &[]).await;
    let stream = target.connect(2).await;
    let (mut client, mut connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let most = std::future::poll_fn(|context| {
        use std::future::Future;
        use std::task::Poll;
        let _ = std::pin::Pin::new(&mut connection).poll(context);
        match connection.max_concurrent_send_streams() {
            usize::MAX => Poll::Pending,
            most => Poll::Ready(most),
        }
    })
    .await;
    assert_eq!(most, 100);
    tokio::spawn(connection);
    let request = Request::get("http://localhost/v1/plans").body(()).expect("a request");
    let (answer, _) = client.send_request(request, true).expect("sent");
    assert_eq!(answer.await.expect("an answer").status(), 200);
}
