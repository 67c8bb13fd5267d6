//! Where a buyer is sent back to: only where the operator allows, and once it is decided.

use chrono::Duration;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use super::{Page, assert_sent_to, visit};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_paid_order_sends_its_buyer_back_to_the_shop,
    a_buyer_who_gives_up_finds_the_way_back,
    only_urls_of_allowed_origins_are_taken,
    where_buyers_go_is_forgotten_with_the_page,
];

async fn with_returns(world: &World) -> Page {
    let plan = world.basic().await;
    let (success, fail) = ("https://saas.test/done?a=b", "https://saas.test/back");
    let body = json!({"planId": plan, "userId": "u1", "successUrl": success, "failUrl": fail});
    Page::quoted(world, body).await
}

async fn a_paid_order_sends_its_buyer_back_to_the_shop(world: &World) {
    let page = with_returns(world).await;
    assert_eq!(page.state(world).await, json!({"state": "OPEN", "next": Value::Null}));
    let back = page.pay(world).await;
    let shop = format!("https://saas.test/done?a=b&orderId={}", page.order.order_id);
    assert_eq!((back.status, back.header("location")), (303, shop.as_str()));
    assert_eq!(page.state(world).await, json!({"state": "PAID", "next": shop}));
    // Whoever opens the page again sees the receipt and finds the way on.
    let receipt = page.look().await;
    assert!(
        receipt.text.contains("계속하기") && receipt.text.contains("https://saas.test/done"),
        "{}",
        receipt.text
    );
    world.refund(&page.order, None).await.expect(200);
    assert_eq!(page.state(world).await["next"], Value::Null);
    // What was given back is nothing that a shop should take for a payment.
    assert!(!page.look().await.text.contains("https://saas.test/done"));
}

async fn a_buyer_who_gives_up_finds_the_way_back(world: &World) {
    let page = with_returns(world).await;
    assert!(page.look().await.text.contains("https://saas.test/back?"));
    let failed = visit(&page.fail(world, "code=PAY_PROCESS_CANCELED&message=m")).await;
    let link = format!("https://saas.test/back?orderId={}", page.order.order_id);
    assert!(
        failed.text.contains(&link) && failed.text.contains("code=PAY_PROCESS_CANCELED"),
        "{}",
        failed.text
    );
    world.advance(Duration::minutes(31));
    assert!(page.look().await.text.contains("https://saas.test/back?"));
    let plain = Page::of(world, "u2", &world.premium().await).await;
    assert_sent_to(&plain.pay(world).await, &plain);
}

async fn only_urls_of_allowed_origins_are_taken(world: &World) {
    let plan = world.basic().await;
    let long = format!("https://saas.test/{}", "x".repeat(2_000));
    for url in [
        "https://evil.test/",
        "http://saas.test/",
        "https://saas.test.evil/",
        "https://saas.test@evil.test/",
        "//saas.test/",
        "/relative",
        "javascript:alert(1)",
        "",
        &long,
    ] {
        for field in ["successUrl", "failUrl"] {
            let mut body = json!({"planId": plan, "userId": "u1"});
            body[field] = url.into();
            world.service().post("/v1/temp-orders", body).await.expect_field(field);
        }
    }
}

async fn where_buyers_go_is_forgotten_with_the_page(world: &World) {
    let page = with_returns(world).await;
    let kept = async || entity::checkout::Entity::find().count(world.app.db.read()).await.expect("a count");
    page.pay(world).await;
    world.run_job("purge-temp-orders").await;
    assert_eq!(kept().await, 1);
    world.advance(Duration::hours(337));
    world.run_job("purge-temp-orders").await;
    assert_eq!(kept().await, 0);
}
