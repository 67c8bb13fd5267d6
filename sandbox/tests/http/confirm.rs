//! Confirm: what is bound to a payment key, what a second confirm hears, and who wins a race.

use serde_json::json;
use toss_sandbox::{Authenticate, LedgerKind, Options};

use crate::support::{CONFIRM, Shop, path, said, send};

#[tokio::test]
async fn an_approved_payment_is_complete() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 9_900);
    let told = shop.confirm(&body).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.header("content-type"), "application/json;charset=UTF-8");
    let payment = told.json();
    for field in [
        "version",
        "paymentKey",
        "type",
        "orderId",
        "orderName",
        "mId",
        "currency",
        "method",
        "totalAmount",
        "balanceAmount",
        "status",
        "requestedAt",
        "approvedAt",
        "useEscrow",
        "lastTransactionKey",
        "suppliedAmount",
        "vat",
        "cultureExpense",
        "taxFreeAmount",
        "taxExemptionAmount",
        "isPartialCancelable",
        "cancels",
        "card",
        "virtualAccount",
        "transfer",
        "mobilePhone",
        "giftCertificate",
        "easyPay",
        "easyPayAmount",
        "easyPayDiscountAmount",
        "cashReceipt",
        "cashReceipts",
        "discount",
        "secret",
        "metadata",
        "receipt",
        "checkout",
        "country",
        "failure",
    ] {
        assert!(payment.get(field).is_some(), "{field} is missing");
    }
    assert_eq!(payment["totalAmount"], 9_900);
    assert_eq!((&payment["suppliedAmount"], &payment["vat"]), (&json!(9_000), &json!(900)));
    assert_eq!(payment["card"]["issuerCode"], "51");
    assert_eq!(payment["card"]["approveNo"], "00000000");
    let approved = payment["approvedAt"].as_str().unwrap();
    assert!(approved.len() == 25 && approved.ends_with("+09:00"), "{approved}");
    assert_eq!(shop.get(&path(&body)).await.json(), payment);
    assert_eq!(shop.toss.payment("order-0001").unwrap(), payment);
    let ledger = shop.toss.ledger();
    assert_eq!(ledger.len(), 1);
    assert_eq!((ledger[0].kind, ledger[0].amount), (LedgerKind::Approval, 9_900));
    assert_eq!(payment["lastTransactionKey"], ledger[0].transaction_key.as_str());
}

#[tokio::test]
async fn order_and_amount_must_be_those_of_the_payment() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    for (field, value) in [
        ("amount", json!(999)),
        ("amount", json!(1_000.0)),
        ("amount", json!("1000")),
        ("orderId", json!("order-0002")),
        ("orderId", json!("short")),
    ] {
        let mut wrong = body.clone();
        wrong[field] = value.clone();
        assert_eq!(shop.confirm(&wrong).await.told(), said(400, "INVALID_REQUEST"), "{field} {value}");
    }
    let unknown = json!({"paymentKey": "none", "orderId": "order-0001", "amount": 1_000});
    assert_eq!(shop.confirm(&unknown).await.told(), said(404, "NOT_FOUND_PAYMENT"));
    assert_eq!(shop.confirm(&body).await.told(), said(200, "DONE"));
}

#[tokio::test]
async fn a_second_confirm_is_refused() {
    let shop = Shop::open().await;
    let body = shop.buyer("order-0001", 1_000);
    assert_eq!(send(shop.keyed(CONFIRM, "one", &body)).await.unwrap().told(), said(200, "DONE"));
    let second = send(shop.keyed(CONFIRM, "two", &body)).await.unwrap();
    assert_eq!(second.told(), said(400, "ALREADY_PROCESSED_PAYMENT"));
    let again = shop.buyer("order-0001", 1_000);
    assert_eq!(shop.confirm(&again).await.told(), said(400, "ALREADY_PROCESSED_PAYMENT"));
    assert_eq!(shop.toss.ledger().len(), 1);
}

#[tokio::test]
async fn an_order_can_be_paid_twice_when_that_is_asked_for() {
    let options =
        Options { one_approval_per_order: false, consecutive_cancel_limit: false, ..Options::default() };
    let shop = Shop::open_with(options).await;
    let (first, second) = (shop.buyer("order-0001", 1_000), shop.buyer("order-0001", 1_000));
    let by_order = async || shop.get("/v1/payments/orders/order-0001").await.json()["paymentKey"].clone();
    for body in [&second, &first] {
        assert_eq!(shop.confirm(body).await.told(), said(200, "DONE"));
        assert_eq!(by_order().await, body["paymentKey"]);
    }
    assert_eq!(shop.toss.ledger().iter().map(|entry| entry.amount).sum::<i64>(), 2_000);
    // The shop makes up for it: the one it did not want goes back, and the other stays.
    assert_eq!(shop.cancel(&path(&first), json!({})).await.told(), said(200, "CANCELED"));
    let states: Vec<_> = shop.toss.payments("order-0001").iter().map(|one| one["status"].clone()).collect();
    assert_eq!(states, ["DONE", "CANCELED"]);
    shop.toss.one_approval_per_order(true);
    let third = shop.buyer("order-0001", 1_000);
    assert_eq!(shop.confirm(&third).await.told(), said(400, "ALREADY_PROCESSED_PAYMENT"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_confirms_that_race_one_wins() {
    let shop = Shop::open().await;
    for round in 0..20 {
        let body = shop.buyer(&format!("order-{round:04}"), 1_000);
        let (one, two) = tokio::join!(
            send(shop.keyed(CONFIRM, &format!("a{round}"), &body)),
            send(shop.keyed(CONFIRM, &format!("b{round}"), &body))
        );
        let mut told = [one.unwrap().told(), two.unwrap().told()];
        told.sort();
        assert_eq!(told, [said(200, "DONE"), said(400, "ALREADY_PROCESSED_PAYMENT")]);
        assert_eq!(shop.toss.ledger().len(), round + 1);
    }
}

#[tokio::test]
async fn a_declined_order_can_be_paid_with_a_new_payment() {
    let shop = Shop::open().await;
    let declined = shop.customer(Authenticate::new("order-0001", 1_000).card("4000 0000 0000 0002"));
    assert_eq!(shop.confirm(&declined).await.told(), said(403, "REJECT_CARD_COMPANY"));
    let looked = shop.get("/v1/payments/orders/order-0001").await.json();
    assert_eq!(
        (&looked["status"], &looked["failure"]["code"]),
        (&json!("ABORTED"), &json!("REJECT_CARD_COMPANY"))
    );
    assert_eq!(looked["approvedAt"], json!(null));
    assert_eq!(shop.confirm(&declined).await.told(), said(400, "ALREADY_PROCESSED_PAYMENT"));
    assert_eq!(shop.toss.ledger().len(), 0);
    let body = shop.buyer("order-0001", 1_000);
    assert_eq!(shop.confirm(&body).await.told(), said(200, "DONE"));
    let looked = shop.get("/v1/payments/orders/order-0001").await.json();
    assert_eq!(looked["paymentKey"], body["paymentKey"]);
}
