//! Keys, paths and headers: what is judged before any payment is looked at.

use reqwest::Method;
use serde_json::json;

use crate::support::{CONFIRM, Shop, path, said, send};

#[tokio::test]
async fn each_mistake_with_the_key_has_its_code() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    let ask = || shop.bare(Method::POST, CONFIRM).body(body.to_string());
    let told = async |request| send(request).await.unwrap().told();
    let client_key = shop.toss.client_key();
    assert_eq!(told(ask()).await, said(403, "INCORRECT_BASIC_AUTH_FORMAT"));
    assert_eq!(told(ask().bearer_auth("test_sk_x")).await, said(403, "INCORRECT_BASIC_AUTH_FORMAT"));
    // "test_sk_x" without its colon.
    let colonless = ask().header("Authorization", "Basic dGVzdF9za194");
    assert_eq!(told(colonless).await, said(403, "INCORRECT_BASIC_AUTH_FORMAT"));
    assert_eq!(told(ask().basic_auth("test_sk_other", Some(""))).await, said(401, "UNAUTHORIZED_KEY"));
    assert_eq!(told(ask().basic_auth(client_key, Some(""))).await, said(400, "INVALID_API_KEY"));
    assert_eq!(shop.toss.ledger().len(), 0);
    assert_eq!(shop.confirm(&body).await.told(), said(200, "DONE"));
}

#[tokio::test]
async fn a_key_error_is_not_bound_to_the_idempotency_key() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    let wrong = shop
        .bare(Method::POST, CONFIRM)
        .basic_auth("test_sk_other", Some(""))
        .header("Idempotency-Key", "one")
        .body(body.to_string());
    assert_eq!(send(wrong).await.unwrap().told(), said(401, "UNAUTHORIZED_KEY"));
    let right = send(shop.keyed(CONFIRM, "one", &body)).await.unwrap();
    assert_eq!(right.told(), said(200, "DONE"));
}

#[tokio::test]
async fn unknown_paths_and_malformed_bodies() {
    let shop = Shop::open().await;
    assert_eq!(shop.get("/v1/nothing").await.told(), said(404, "NOT_FOUND"));
    assert_eq!(shop.get("/v1/payments/x/").await.told(), said(404, "NOT_FOUND"));
    assert_eq!(shop.get(CONFIRM).await.told(), said(404, "NOT_FOUND_HTTP_METHOD"));
    for bad in ["", "{", "[]", "1", "null", "{\"paymentKey\":\"x\"}"] {
        let told = send(shop.request(Method::POST, CONFIRM).body(bad)).await.unwrap();
        assert_eq!(told.told(), said(400, "INVALID_REQUEST"), "{bad}");
    }
    let long = "x".repeat(100_000);
    let told = send(shop.request(Method::POST, CONFIRM).body(long)).await.unwrap();
    assert_eq!(told.told(), said(400, "INVALID_REQUEST"));
}

#[tokio::test]
async fn messages_are_korean_unless_english_is_asked_for() {
    let shop = Shop::open().await;
    let ask = || shop.request(Method::GET, "/v1/payments/none");
    let korean = send(ask()).await.unwrap();
    assert_eq!(korean.json()["message"], "존재하지 않는 결제 정보 입니다.");
    let english = send(ask().header("Accept-Language", "en-US")).await.unwrap();
    assert_eq!(english.json()["message"], "The payment does not exist.");
    assert_eq!(english.json().as_object().unwrap().len(), 2);
    let (one, two) = (korean.header("x-tosspayments-trace-id"), english.header("x-tosspayments-trace-id"));
    assert!(!one.is_empty() && one != two);
}

#[tokio::test]
async fn a_test_code_fails_a_post_before_anything_happens() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    let ask = |code: &str| {
        shop.request(Method::POST, CONFIRM).header("TossPayments-Test-Code", code).body(body.to_string())
    };
    for (code, status, answered) in [
        ("REJECT_CARD_PAYMENT", 403, "REJECT_CARD_PAYMENT"),
        ("PROVIDER_ERROR", 400, "PROVIDER_ERROR"),
        ("UNKNOWN_PAYMENT_ERROR", 500, "UNKNOWN_PAYMENT_ERROR"),
        ("IDEMPOTENT_REQUEST_PROCESSING", 409, "IDEMPOTENT_REQUEST_PROCESSING"),
        ("NO_SUCH_CODE", 400, "INVALID_TEST_CODE"),
    ] {
        assert_eq!(send(ask(code)).await.unwrap().told(), said(status, answered));
    }
    let looked = shop.request(Method::GET, &path(&body)).header("TossPayments-Test-Code", "COMMON_ERROR");
    assert_eq!(send(looked).await.unwrap().told(), said(200, "IN_PROGRESS"));
    assert_eq!(shop.confirm(&body).await.told(), said(200, "DONE"));
    let cancel = shop
        .request(Method::POST, &format!("{}/cancel", path(&body)))
        .header("TossPayments-Test-Code", "FAILED_REFUND_PROCESS")
        .body(json!({"cancelReason": "변심"}).to_string());
    assert_eq!(send(cancel).await.unwrap().told(), said(500, "FAILED_REFUND_PROCESS"));
    assert_eq!(shop.toss.ledger().len(), 1);
}
