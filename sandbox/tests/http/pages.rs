//! The pages beside the window: the bank that pays virtual accounts, receipts, and the index.

use reqwest::Method;
use serde_json::json;
use toss_sandbox::{Authenticate, PayMethod};

use crate::{
    receiver::{self, idle},
    support::{Shop, Told, said, send},
};

/// A page as a browser asks for it.
async fn browse(shop: &Shop, path: &str) -> Told {
    let ask = shop.bare(Method::GET, path).header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    send(ask).await.unwrap()
}

fn named(order_id: &str, method: PayMethod) -> Authenticate {
    let mut buyer = Authenticate::new(order_id, 9_900).method(method);
    buyer.order_name = Some("<img src=x onerror=alert(1)> & 한 달".to_owned());
    buyer.customer_name = Some("\"><script>alert(2)</script>".to_owned());
    buyer
}

fn escaped(page: &Told) {
    assert_eq!(page.status, 200);
    assert!(page.text.contains("한 달"), "{}", page.text);
    assert!(!page.text.contains("<img") && !page.text.contains("<script>alert"), "{}", page.text);
}

#[tokio::test]
async fn a_deposit_at_the_bank_sends_the_webhook() {
    let (shop, receiver) = receiver::open().await;
    let told = shop.confirm(&shop.customer(named("order-0001", PayMethod::VirtualAccount))).await;
    let payment = told.json();
    shop.issue("order-0002", 5_000).await;
    let all = browse(&shop, "/sandbox/bank").await;
    escaped(&all);
    assert!(
        all.text.contains(r#"data-order="order-0001""#) && all.text.contains(r#"data-order="order-0002""#)
    );
    let one = browse(&shop, "/sandbox/bank/order-0001").await;
    assert!(one.text.contains(payment["virtualAccount"]["accountNumber"].as_str().unwrap()));
    assert!(!one.text.contains("order-0002"));
    idle(&shop.toss).await;
    let before = receiver.told().len();
    let form = format!("paymentKey={}&lang=ko", payment["paymentKey"].as_str().unwrap());
    // The client follows the redirect to the list, which says what was paid.
    let after = shop.control(Method::POST, "bank", &form).await;
    assert!(after.status == 200 && after.text.contains("입금했습니다") && after.text.contains("order-0001"));
    assert!(!after.text.contains(r#"data-order="order-0001""#));
    idle(&shop.toss).await;
    let came = receiver.told();
    assert_eq!(came[before..].len(), 2, "{came:?}");
    assert!(
        came[before..].contains(&"deposit DONE".to_owned())
            && came[before..].contains(&"payment DONE".to_owned())
    );
    assert_eq!(shop.toss.ledger()[0].amount, 9_900);
    assert_eq!(shop.control(Method::POST, "bank", &form).await.status, 400);
    assert_eq!(shop.toss.ledger().len(), 1);
}

#[tokio::test]
async fn an_account_whose_term_has_passed_has_no_button() {
    let shop = Shop::open().await;
    shop.issue("order-0001", 5_000).await;
    shop.toss.clock().advance(chrono::Duration::days(8));
    let page = browse(&shop, "/sandbox/bank").await;
    assert!(page.text.contains("order-0001") && !page.text.contains("<button"));
}

#[tokio::test]
async fn a_receipt_is_html_for_browsers_and_json_for_others() {
    let shop = Shop::open().await;
    let payment = shop.confirm(&shop.customer(named("order-0001", PayMethod::Card))).await.json();
    let key = payment["paymentKey"].as_str().unwrap();
    shop.cancel(&format!("/v1/payments/{key}"), json!({"cancelAmount": 1_900})).await;
    let path = payment["receipt"]["url"].as_str().unwrap().replace(&shop.toss.url(), "");
    let page = browse(&shop, &path).await;
    escaped(&page);
    for part in ["9,900원", "-1,900원", "8,000원", "변심", "부분 취소", "order-0001"] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    let english = browse(&shop, &format!("{path}?lang=en")).await;
    assert!(english.text.contains("Receipt") && english.text.contains("Partly refunded"));
    assert_eq!(send(shop.bare(Method::GET, &path)).await.unwrap().json()["orderId"], "order-0001");
    let none = browse(&shop, "/sandbox/receipts/none").await;
    assert!(none.status == 404 && none.text.contains("NOT_FOUND_PAYMENT"));
    let none = send(shop.bare(Method::GET, "/sandbox/receipts/none")).await.unwrap();
    assert_eq!(none.told(), said(404, "NOT_FOUND_PAYMENT"));
}

#[tokio::test]
async fn the_index_is_html_for_browsers_and_text_for_curl() {
    let shop = Shop::open().await;
    let page = browse(&shop, "/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text.contains(r#"href="/sandbox/bank""#) && page.text.contains(shop.toss.client_key()));
    let text = send(shop.bare(Method::GET, "/").header("accept", "*/*")).await.unwrap();
    assert!(text.header("content-type").starts_with("text/plain"));
    assert!(text.text.contains("/v2/standard") && text.text.contains("/sandbox/bank"));
}
