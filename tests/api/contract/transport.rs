//! How requests travel: size, type, encoding, and what can be accepted in return.

use serde_json::json;

use super::rows::rows;
use crate::support::client::{ADMIN_KEY, send};
use crate::support::raw;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_body_announced_as_3_megabytes_is_refused_before_it_is_read,
    a_body_in_chunks_is_refused_where_it_becomes_too_large,
    a_client_that_sends_3_megabytes_all_the_same_is_answered,
    a_body_of_another_type_is_refused,
    a_json_body_with_a_charset_is_taken,
    an_answer_that_cannot_be_accepted_is_refused,
    any_way_to_accept_json_is_served,
    a_request_that_is_no_http_breaks_nothing,
];

async fn a_body_announced_as_3_megabytes_is_refused_before_it_is_read(world: &World) {
    for path in ["/v1/plans", "/v1/temp-orders", "/v1/payments/confirm", "/v1/payments/fail"] {
        let length = (3 * 1024 * 1024).to_string();
        let headers = [("Content-Type", "application/json"), ("Content-Length", length.as_str())];
        let request = raw::head("POST", path, ADMIN_KEY, &headers);
        raw::exchange(&world.base, &request).await.expect_problem(413, "PAYLOAD_TOO_LARGE");
    }
    assert!(rows(world).await.iter().all(|(_, count)| *count == 0));
}

async fn a_body_in_chunks_is_refused_where_it_becomes_too_large(world: &World) {
    let headers = [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")];
    let mut request = raw::head("POST", "/v1/plans", ADMIN_KEY, &headers);
    request.extend_from_slice(b"1\r\n{\r\n");
    // One more than fits. The end is never sent, so that only the size can be the reason.
    for _ in 0..65 {
        request.extend_from_slice(b"400\r\n");
        request.extend_from_slice(&[b' '; 1024]);
        request.extend_from_slice(b"\r\n");
    }
    raw::exchange(&world.base, &request).await.expect_problem(413, "PAYLOAD_TOO_LARGE");
    assert!(rows(world).await.iter().all(|(_, count)| *count == 0));
}

async fn a_client_that_sends_3_megabytes_all_the_same_is_answered(world: &World) {
    for path in ["/v1/plans", "/v1/temp-orders", "/v1/payments/confirm"] {
        for _ in 0..5 {
            let reply = world.admin().send_json("POST", path, vec![b' '; 3 * 1024 * 1024]).await;
            reply.expect_problem(413, "PAYLOAD_TOO_LARGE");
        }
    }
}

async fn a_body_of_another_type_is_refused(world: &World) {
    let body = json!({"code": "X", "name": "x", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonp",
        "json",
        "*/*",
    ] {
        let request = world.admin().request("POST", "/v1/plans").header("content-type", kind);
        let reply = send(request.body(body.to_string())).await;
        assert_eq!(reply.status, 415, "{kind}: {}", reply.text);
        reply.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let reply = send(world.admin().request("POST", "/v1/plans").body(body.to_string())).await;
    reply.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    assert!(rows(world).await.iter().all(|(_, count)| *count == 0));
}

async fn a_json_body_with_a_charset_is_taken(world: &World) {
    for (code, kind) in [
        ("A", "application/json; charset=utf-8"),
        ("B", "Application/JSON"),
        ("C", "application/json;charset=UTF-8"),
    ] {
        let body = json!({"code": code, "name": "x", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
        let request = world.admin().request("POST", "/v1/plans").header("content-type", kind);
        send(request.body(body.to_string())).await.expect(201);
    }
}

async fn an_answer_that_cannot_be_accepted_is_refused(world: &World) {
    for accept in
        ["application/xml", "text/html", "image/png, text/plain;q=0.5", "application/vnd.gudok+json"]
    {
        for path in ["/v1/plans", "/v1/payments", "/v1/no-such-path"] {
            let reply = send(world.admin().request("GET", path).header("accept", accept)).await;
            assert_eq!(reply.status, 406, "{accept} {path}: {}", reply.text);
            reply.expect_problem(406, "NOT_ACCEPTABLE");
        }
        let body = json!({"code": "X", "name": "x", "type": "BASIC", "price": 9_900, "intervalMonths": 1});
        let request = world.admin().request("POST", "/v1/plans").header("accept", accept);
        let request = request.header("content-type", "application/json").body(body.to_string());
        send(request).await.expect_problem(406, "NOT_ACCEPTABLE");
    }
    assert!(rows(world).await.iter().all(|(_, count)| *count == 0), "refused, yet carried out");
}

async fn any_way_to_accept_json_is_served(world: &World) {
    for accept in [
        "*/*",
        "application/*",
        "application/json",
        "text/html, application/json;q=0.9",
        "APPLICATION/JSON",
        "text/html,*/*;q=0.1",
    ] {
        let reply = send(world.stranger().request("GET", "/v1/plans").header("accept", accept)).await;
        reply.expect(200);
        assert_eq!(reply.header("content-type").split(';').next(), Some("application/json"), "{accept}");
    }
}

async fn a_request_that_is_no_http_breaks_nothing(world: &World) {
    for bytes in [
        &b"GET /v1/plans\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /v1/plans HTTP/1.1\r\nHost x\r\n\r\n",
    ] {
        let reply = raw::exchange(&world.base, bytes).await;
        assert_eq!(reply.status, 400, "{:?}", String::from_utf8_lossy(bytes));
    }
    world.stranger().get("/v1/plans").await.expect(200);
}
