//! Methods of payment, cards and wallets, as a payment shows them.

use serde_json::{Value, json};
use toss_sandbox::{Authenticate, PayMethod};

use crate::support::{Shop, said};

#[tokio::test]
async fn each_method_shows_its_own_object() {
    let shop = Shop::open().await;
    for (round, (method, label, object, status)) in [
        (PayMethod::Card, "카드", "card", "DONE"),
        (PayMethod::VirtualAccount, "가상계좌", "virtualAccount", "WAITING_FOR_DEPOSIT"),
        (PayMethod::EasyPay, "간편결제", "easyPay", "DONE"),
        (PayMethod::MobilePhone, "휴대폰", "mobilePhone", "DONE"),
        (PayMethod::Transfer, "계좌이체", "transfer", "DONE"),
        (PayMethod::CultureGiftCertificate, "문화상품권", "giftCertificate", "DONE"),
        (PayMethod::BookGiftCertificate, "도서문화상품권", "giftCertificate", "DONE"),
        (PayMethod::GameGiftCertificate, "게임문화상품권", "giftCertificate", "DONE"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = shop.customer(Authenticate::new(format!("order-{round:04}"), 1_000).method(method));
        let told = shop.confirm(&body).await;
        assert_eq!(told.told(), said(200, status));
        let payment = told.json();
        assert_eq!(payment["method"], label);
        for other in ["card", "virtualAccount", "easyPay", "mobilePhone", "transfer", "giftCertificate"] {
            assert_eq!(payment[other].is_object(), other == object, "{label}: {other}");
        }
    }
}

#[tokio::test]
async fn cards_show_their_issuer_and_decline_by_number() {
    let shop = Shop::open().await;
    let confirm = async |order: &str, number: &str| {
        let body = shop.customer(Authenticate::new(order, 1_000).card(number));
        shop.confirm(&body).await
    };
    let card = confirm("order-0001", "9420 1901 2345 6789").await.json()["card"].clone();
    assert_eq!(card["number"], "94201901****678*");
    assert_eq!((&card["issuerCode"], &card["cardType"]), (&json!("61"), &json!("체크")));
    for (order, number, status, code) in [
        ("order-0002", "4000000000000001", 403, "REJECT_CARD_PAYMENT"),
        ("order-0003", "4000000000000003", 400, "INVALID_CARD_EXPIRATION"),
        ("order-0004", "4000000000000004", 400, "INVALID_STOPPED_CARD"),
        ("order-0005", "4000000000000006", 400, "EXCEED_MAX_AMOUNT"),
    ] {
        assert_eq!(confirm(order, number).await.told(), said(status, code));
    }
    assert!(shop.toss.authenticate(Authenticate::new("order-0006", 1_000).card("1234")).is_err());
}

#[tokio::test]
async fn a_wallet_may_pay_by_card() {
    let shop = Shop::open().await;
    let mut buyer = Authenticate::new("order-0001", 1_000).method(PayMethod::EasyPay);
    buyer.easy_pay_provider = Some("KAKAOPAY".into());
    let wallet = shop.confirm(&shop.customer(buyer.clone())).await.json();
    assert_eq!(wallet["easyPay"], json!({"provider": "카카오페이", "amount": 1_000, "discountAmount": 0}));
    assert_eq!(wallet["card"], Value::Null);
    buyer.order_id = "order-0002".into();
    let carded = shop.confirm(&shop.customer(buyer.clone().card("9410000000000000"))).await.json();
    assert_eq!((&carded["easyPay"]["amount"], &carded["card"]["amount"]), (&json!(0), &json!(1_000)));
    assert_eq!(carded["card"]["issuerCode"], "21");
    buyer.easy_pay_provider = Some("NOPAY".into());
    assert_eq!(shop.toss.authenticate(buyer).unwrap_err().code(), "INVALID_EASY_PAY");
}

#[tokio::test]
async fn amounts_have_a_minimum_by_method() {
    let shop = Shop::open().await;
    let small = shop.buyer("order-0001", 99);
    assert_eq!(shop.confirm(&small).await.told(), said(400, "BELOW_MINIMUM_AMOUNT"));
    let account = shop.customer(Authenticate::new("order-0002", 199).method(PayMethod::Transfer));
    assert_eq!(shop.confirm(&account).await.told(), said(400, "BELOW_MINIMUM_AMOUNT"));
}
