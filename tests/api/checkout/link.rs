//! The link to an order's page: signed, for one order, and good for a while.

use chrono::Duration;

use super::{Page, visit};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    the_link_is_the_same_whenever_the_order_is_read,
    nobody_sees_an_order_without_its_own_link,
    the_link_ends_and_so_do_the_pages_behind_it,
    another_replica_with_the_same_settings_honours_the_link,
];

async fn the_link_is_the_same_whenever_the_order_is_read(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    world.advance(Duration::minutes(5));
    let read = world.service().get(&format!("/v1/temp-orders/{}", page.order.order_id)).await;
    assert_eq!(read.expect(200)["checkoutUrl"], page.url.as_str());
    assert!(page.url.starts_with(&format!("{}/checkout/{}?", world.base, page.order.order_id)));
}

async fn nobody_sees_an_order_without_its_own_link(world: &World) {
    let plan = world.basic().await;
    let (page, other) = (Page::of(world, "u1", &plan).await, Page::of(world, "u2", &plan).await);
    let (token, id) = (page.token(), &page.order.order_id);
    let (expires, signature) = token.split_once('.').expect("two parts");
    let later = expires.parse::<i64>().expect("seconds") + 1;
    let forged = [
        String::new(),
        "token=".to_owned(),
        "token=x".to_owned(),
        format!("token={}", other.token()),
        format!("token={later}.{signature}"),
        format!("token={expires}."),
        format!("token={expires}.{}", &signature[1..]),
        format!("token={token}x"),
    ];
    for query in forged {
        for path in [format!("{id}?{query}"), format!("{id}/state?{query}")] {
            let reply = visit(&format!("{}/checkout/{path}", world.base)).await;
            assert_eq!(reply.status, 404, "{path}");
            assert!(!reply.text.contains("BASIC"), "{path}");
        }
        let key = world.authenticate(&page.order);
        let rest = format!("orderId={id}&paymentKey={key}&amount=9900&{query}");
        assert_eq!(visit(&format!("{}/checkout/success?{rest}", world.base)).await.status, 404, "{query}");
        let rest = format!("order={id}&code=X&message=x&{query}");
        assert_eq!(visit(&format!("{}/checkout/fail?{rest}", world.base)).await.status, 404, "{query}");
    }
    assert_eq!(world.confirms_received(&page.order), 0);
    assert_eq!(page.look().await.status, 200);
}

async fn the_link_ends_and_so_do_the_pages_behind_it(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    page.pay(world).await;
    world.advance(Duration::hours(336) - Duration::minutes(1));
    assert!(page.look().await.text.contains("결제가 완료되었습니다"));
    world.advance(Duration::minutes(2));
    let late = page.look().await;
    assert_eq!(late.status, 410, "{}", late.text);
    assert!(late.text.contains("주문 페이지가 닫혔습니다") && !late.text.contains("BASIC"), "{}", late.text);
    let state = format!("{}/checkout/{}/state?token={}", world.base, page.order.order_id, page.token());
    assert_eq!(visit(&state).await.status, 404);
}

async fn another_replica_with_the_same_settings_honours_the_link(world: &World) {
    let page = Page::of(world, "u1", &world.basic().await).await;
    let (other, _client) = world.second_service().await;
    let there = page.url.replace(&world.base, &other.public_url());
    assert_ne!(there, page.url);
    assert_eq!(visit(&there).await.status, 200);
    other.stopping.cancel();
    let secret = "another secret of thirty-two characters";
    let (stranger, _client) = world.second_service_with(&[("GUDOK__AUTH__SIGNING_SECRET", secret)]).await;
    let there = page.url.replace(&world.base, &stranger.public_url());
    assert_eq!(visit(&there).await.status, 404);
    stranger.stopping.cancel();
}
