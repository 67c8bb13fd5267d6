//! The payment window over HTTP: what its page shows, where it leads, and what it lets go wrong.

use reqwest::{Method, Url};
use serde_json::{Value, json};
use toss_sandbox::{FaultKind, Operation};

use crate::support::{CONFIRM, Shop, Told, said, send};

/// What a checkout page asks the window for.
fn ask<'a>(shop: &'a Shop, order_id: &'a str, method: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("clientKey", shop.toss.client_key()),
        ("customerKey", "user-1"),
        ("orderId", order_id),
        ("orderName", "한 달 <script>alert(1)</script>"),
        ("amount", "9900"),
        ("method", method),
        ("successUrl", "https://shop.example/ok?from=window&x=%26"),
        ("failUrl", "https://shop.example/no?from=window"),
        ("origin", "https://shop.example"),
    ]
}

fn query(fields: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://shop.example/").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap().to_owned()
}

async fn open(shop: &Shop, fields: &[(&str, &str)]) -> Told {
    send(shop.bare(Method::GET, &format!("/sandbox/window?{}", query(fields)))).await.unwrap()
}

async fn end(shop: &Shop, event: &str, fields: &[(&str, &str)]) -> Told {
    shop.control(Method::POST, &format!("window/{event}"), &query(fields)).await
}

/// The query of the address to which a window leads.
fn led(told: &Told) -> Vec<(String, String)> {
    assert_eq!(told.status, 200, "{}", told.text);
    let url = Url::parse(told.json()["location"].as_str().unwrap()).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn pairs(told: &[(&str, &str)]) -> Vec<(String, String)> {
    told.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The confirm that a shop sends when its success page was called like this.
fn confirm(told: &[(String, String)]) -> Value {
    let of = |name: &str| told.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let amount: i64 = of("amount").parse().unwrap();
    json!({"paymentKey": of("paymentKey"), "orderId": of("orderId"), "amount": amount})
}

async fn pay(shop: &Shop, fields: &[(&str, &str)]) -> Value {
    confirm(&led(&end(shop, "pay", fields).await))
}

#[tokio::test]
async fn the_script_is_served_to_any_shop() {
    let shop = Shop::open().await;
    let script = send(shop.bare(Method::GET, "/v2/standard")).await.unwrap();
    assert_eq!(script.status, 200);
    assert!(script.header("content-type").starts_with("application/javascript"));
    assert_eq!(script.header("cross-origin-resource-policy"), "cross-origin");
    assert!(script.text.contains("window.TossPayments"));
    for (file, kind) in [
        ("sandbox.css", "text/css"),
        ("widget.js", "application/javascript"),
        ("window.js", "application/javascript"),
        ("refused.js", "application/javascript"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let file = shop.control(Method::GET, &format!("window/{file}"), "").await;
        assert!(file.status == 200 && file.header("content-type").starts_with(kind));
    }
    assert_eq!(shop.control(Method::GET, "window/other.js", "").await.told(), said(404, "NOT_FOUND"));
}

#[tokio::test]
async fn paying_leads_to_the_success_page_and_to_a_payment_that_can_be_confirmed() {
    let shop = Shop::open().await;
    let told = end(&shop, "pay", &ask(&shop, "order-0001", "CARD")).await;
    let result = &told.json()["result"];
    assert_eq!(result["amount"], json!({"currency": "KRW", "value": 9_900}));
    let key = result["paymentKey"].as_str().unwrap();
    let expected = pairs(&[
        ("from", "window"),
        ("x", "&"),
        ("paymentType", "NORMAL"),
        ("orderId", "order-0001"),
        ("paymentKey", key),
        ("amount", "9900"),
    ]);
    assert_eq!(led(&told), expected);
    assert_eq!(shop.toss.payment("order-0001").unwrap()["status"], "IN_PROGRESS");
    let payment = shop.confirm(&confirm(&expected)).await;
    assert_eq!(payment.told(), said(200, "DONE"));
    assert_eq!(payment.json()["card"]["issuerCode"], "61");
}

#[tokio::test]
async fn each_method_and_each_choice_arrives_in_the_payment() {
    let shop = Shop::open().await;
    let chosen = async |order_id: &str, method: &str, choice: (&str, &str)| {
        let mut fields = ask(&shop, order_id, method);
        fields.push(choice);
        shop.confirm(&pay(&shop, &fields).await).await
    };
    for (order, card, status, code) in [
        ("order-0001", "check", 200, "DONE"),
        ("order-0002", "insufficient", 403, "REJECT_CARD_PAYMENT"),
        ("order-0003", "declined", 403, "REJECT_CARD_COMPANY"),
        ("order-0004", "stopped", 400, "INVALID_STOPPED_CARD"),
    ] {
        assert_eq!(chosen(order, "CARD", ("card", card)).await.told(), said(status, code));
    }
    let wallet = chosen("order-0005", "KAKAOPAY", ("x", "")).await.json();
    assert_eq!(wallet["easyPay"]["provider"], "카카오페이");
    let wallet = chosen("order-0006", "EASY_PAY", ("wallet", "NAVERPAY")).await.json();
    assert_eq!(wallet["easyPay"]["provider"], "네이버페이");
    let account = chosen("order-0007", "VIRTUAL_ACCOUNT", ("bank", "06")).await.json();
    assert_eq!(
        (&account["status"], &account["virtualAccount"]["bankCode"]),
        (&json!("WAITING_FOR_DEPOSIT"), &json!("06"))
    );
    let phone = chosen("order-0008", "MOBILE_PHONE", ("carrier", "KT")).await.json();
    assert_eq!(phone["method"], "휴대폰");
    for (method, choice) in [
        ("CARD", ("card", "gold")),
        ("CARD", ("fault", "fire")),
        ("EASY_PAY", ("wallet", "NOPAY")),
        ("VIRTUAL_ACCOUNT", ("bank", "ZZ")),
    ] {
        let mut fields = ask(&shop, "order-0009", method);
        fields.push(choice);
        assert_eq!(end(&shop, "pay", &fields).await.status, 400, "{choice:?}");
    }
    assert_eq!(shop.toss.payments("order-0009"), Vec::<Value>::new());
}

#[tokio::test]
async fn a_closed_window_names_no_order_and_a_refused_payment_does() {
    let shop = Shop::open().await;
    let mut fields = ask(&shop, "order-0001", "CARD");
    fields.push(("lang", "en"));
    let closed = led(&end(&shop, "close", &fields).await);
    let message = "The buyer closed the window.";
    assert_eq!(closed, pairs(&[("from", "window"), ("code", "PAY_PROCESS_CANCELED"), ("message", message)]));
    let refused = led(&end(&shop, "refuse", &ask(&shop, "order-0001", "CARD")).await);
    assert_eq!(refused[1], ("code".to_owned(), "PAY_PROCESS_ABORTED".to_owned()));
    assert_eq!(refused[3], ("orderId".to_owned(), "order-0001".to_owned()));
    assert!(!refused[2].1.is_ascii(), "Korean unless told otherwise");
    assert_eq!(shop.toss.payments("order-0001"), Vec::<Value>::new());
}

#[tokio::test]
async fn what_should_go_wrong_strikes_this_order_once() {
    let shop = Shop::open().await;
    for (order, fault, kind) in [
        ("order-0001", "answer-lost", FaultKind::DropAfter),
        ("order-0002", "request-lost", FaultKind::DropBefore),
    ] {
        let mut fields = ask(&shop, order, "CARD");
        fields.push(("fault", fault));
        let body = pay(&shop, &fields).await;
        // Another order's confirm goes first, and is spared.
        shop.sell(&format!("{order}-other"), 1_000).await;
        assert!(send(shop.request(Method::POST, CONFIRM).body(body.to_string())).await.is_err());
        assert_eq!(shop.toss.faults_struck()[&kind], 1);
        let paid = shop.toss.payment(order).unwrap()["status"] == "DONE";
        assert_eq!(paid, kind == FaultKind::DropAfter);
        let again = shop.confirm(&body).await.told();
        assert_eq!(again, if paid { said(400, "ALREADY_PROCESSED_PAYMENT") } else { said(200, "DONE") });
    }
    let mut fields = ask(&shop, "order-0003", "CARD");
    fields.push(("fault", "slow"));
    pay(&shop, &fields).await;
    let waiting = shop.control(Method::GET, "faults", "").await.json();
    let told = &waiting["faults"][0];
    let expected = (json!(Operation::Confirm), json!(FaultKind::Delay), json!("order-0003"), json!(5_000));
    let seen = (&told["operation"], &told["fault"], &told["orderId"], &told["delayMs"]);
    assert_eq!(seen, (&expected.0, &expected.1, &expected.2, &expected.3));
}

#[tokio::test]
async fn the_page_escapes_what_a_shop_says_and_runs_nothing_but_its_own() {
    let shop = Shop::open().await;
    let page = open(&shop, &ask(&shop, "order-0001", "CARD")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("9,900원") && page.text.contains(r#"<html lang="ko""#));
    assert!(!page.text.contains("<script>alert") && page.text.contains("alert(1)"));
    assert!(!page.text.contains("style=") && !page.text.contains("<style"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors *"), "{policy}");
    let mut english = ask(&shop, "order-0001", "VIRTUAL_ACCOUNT");
    english.push(("lang", "en"));
    let page = open(&shop, &english).await;
    assert!(page.text.contains("₩9,900") && page.text.contains(r#"<html lang="en""#));
}

#[tokio::test]
async fn a_shop_with_a_foreign_key_or_a_wrong_wish_sees_no_window() {
    let shop = Shop::open().await;
    let secret = shop.toss.secret_key().to_owned();
    for (name, value, code) in [
        ("clientKey", "test_ck_foreign", "INVALID_CLIENT_KEY"),
        ("clientKey", secret.as_str(), "INSECURE_KEY_USAGE"),
        ("orderId", "short", "INVALID_REQUEST"),
        ("amount", "9900.5", "INVALID_REQUEST"),
        ("amount", "-1", "INVALID_REQUEST"),
        ("orderName", "", "INVALID_REQUEST"),
        ("method", "PAYPAL", "NOT_SUPPORTED_METHOD"),
        ("successUrl", "javascript:alert(1)", "INCORRECT_SUCCESS_URL_FORMAT"),
        ("failUrl", "/no", "INCORRECT_FAIL_URL_FORMAT"),
        ("origin", "javascript:alert(1)", "INVALID_PARAMETERS"),
    ] {
        let mut fields = ask(&shop, "order-0001", "CARD");
        fields.retain(|(known, _)| *known != name);
        fields.push((name, value));
        let page = open(&shop, &fields).await;
        assert!(page.status >= 400 && page.text.contains(code), "{name}={value}: {}", page.text);
        assert_eq!(end(&shop, "pay", &fields).await.json()["code"], code, "{name}={value}");
    }
    let mut alone = ask(&shop, "order-0001", "CARD");
    alone.retain(|(name, _)| !["origin", "successUrl"].contains(name));
    assert!(open(&shop, &alone).await.text.contains("NOT_SUPPORTED_PROMISE"));
    assert_eq!(shop.toss.payments("order-0001"), Vec::<Value>::new());
    for widget in ["methods", "agreement"] {
        let of = |key: &str| format!("window/{widget}?origin=https%3A%2F%2Fshop.example&clientKey={key}");
        let page = shop.control(Method::GET, &of(shop.toss.client_key()), "").await;
        assert!(page.status == 200 && page.text.contains(r#"data-origin="https://shop.example""#));
        assert_eq!(shop.control(Method::GET, &of("test_ck_foreign"), "").await.status, 401);
    }
}
