//! What is for sale: made, changed and taken off sale by admins, readable by everybody.

use serde_json::json;

use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_plan_is_made_and_read_by_anybody,
    a_change_touches_only_what_it_names,
    a_code_names_one_plan,
    an_event_sells_no_time_and_the_others_do,
    an_inactive_plan_takes_no_orders_but_honours_quotes,
    an_unknown_plan_is_404,
    plans_are_listed_by_whether_they_are_for_sale,
    a_new_price_and_name_hold_for_later_orders,
];

async fn a_plan_is_made_and_read_by_anybody(world: &World) {
    let body = json!({
        "code": "BASIC-3", "name": "베이직 3개월", "type": "BASIC", "price": 27_000, "intervalMonths": 3,
    });
    let reply = world.admin().post("/v1/plans", body.clone()).await;
    let plan = reply.expect(201);
    for member in ["code", "name", "type", "price", "intervalMonths"] {
        assert_eq!(plan[member], body[member], "{member}");
    }
    assert_eq!((&plan["currency"], &plan["isActive"]), (&"KRW".into(), &true.into()));
    let id = plan["id"].as_str().expect("an id");
    assert_eq!(world.stranger().get(&format!("/v1/plans/{id}")).await.expect(200), plan);
    let listed = world.stranger().get("/v1/plans").await;
    assert_eq!(listed.expect(200)["items"], json!([plan]));
}

async fn a_change_touches_only_what_it_names(world: &World) {
    let id = world.basic().await;
    let path = format!("/v1/plans/{id}");
    let before = world.admin().get(&path).await.expect(200).clone();
    world.advance(chrono::Duration::minutes(1));
    let after = world.admin().patch(&path, json!({"price": 12_000})).await.expect(200).clone();
    assert_eq!(after["price"], 12_000);
    assert_ne!(after["updatedAt"], before["updatedAt"]);
    for member in ["id", "code", "name", "type", "intervalMonths", "isActive", "createdAt"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert_eq!(world.admin().get(&path).await.expect(200), &after);
}

async fn a_code_names_one_plan(world: &World) {
    let id = world.basic().await;
    let twin = json!({"code": "BASIC", "name": "x", "type": "BASIC", "price": 100, "intervalMonths": 1});
    world.admin().post("/v1/plans", twin).await.expect_field("code");
    let listed = world.admin().get("/v1/plans").await;
    assert_eq!(listed.expect(200)["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed.body["items"][0]["id"], id);
}

async fn an_event_sells_no_time_and_the_others_do(world: &World) {
    let event = json!({"code": "E", "name": "x", "type": "EVENT", "price": 100, "intervalMonths": 1});
    world.admin().post("/v1/plans", event).await.expect_field("intervalMonths");
    for kind in ["BASIC", "PREMIUM"] {
        let timeless = json!({"code": "T", "name": "x", "type": kind, "price": 100});
        world.admin().post("/v1/plans", timeless).await.expect_field("intervalMonths");
    }
    let event = world.event().await;
    let path = format!("/v1/plans/{event}");
    assert!(world.admin().get(&path).await.expect(200)["intervalMonths"].is_null());
    world.admin().patch(&path, json!({"intervalMonths": 1})).await.expect_field("intervalMonths");
}

async fn an_inactive_plan_takes_no_orders_but_honours_quotes(world: &World) {
    let plan = world.basic().await;
    let path = format!("/v1/plans/{plan}");
    let quoted = world.order("u1", &plan).await;
    world.buy("u2", &plan).await;
    world.admin().patch(&path, json!({"isActive": false})).await.expect(200);
    let refused = world.service().post("/v1/temp-orders", json!({"planId": plan, "userId": "u1"})).await;
    refused.expect_problem(409, "PLAN_INACTIVE");
    let key = world.authenticate(&quoted);
    world.confirm(&quoted, &key).await.expect(200);
    assert_eq!(world.subscription("u2").await["isActive"], true);
    world.admin().patch(&path, json!({"isActive": true})).await.expect(200);
    world.buy("u1", &plan).await;
}

async fn an_unknown_plan_is_404(world: &World) {
    let unknown = "0198c1b2-0000-7000-8000-000000000000";
    let path = format!("/v1/plans/{unknown}");
    world.stranger().get(&path).await.expect_problem(404, "PLAN_NOT_FOUND");
    world.admin().patch(&path, json!({"price": 100})).await.expect_problem(404, "PLAN_NOT_FOUND");
    let order = world.service().post("/v1/temp-orders", json!({"planId": unknown, "userId": "u1"})).await;
    order.expect_problem(404, "PLAN_NOT_FOUND");
}

async fn plans_are_listed_by_whether_they_are_for_sale(world: &World) {
    let (sold, gone) = (world.basic().await, world.premium().await);
    world.admin().patch(&format!("/v1/plans/{gone}"), json!({"isActive": false})).await.expect(200);
    for (query, expected) in
        [("", vec![&gone, &sold]), ("?isActive=true", vec![&sold]), ("?isActive=false", vec![&gone])]
    {
        let reply = world.stranger().get(&format!("/v1/plans{query}")).await;
        let items = reply.expect(200)["items"].as_array().expect("items").clone();
        let ids: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
}

async fn a_new_price_and_name_hold_for_later_orders(world: &World) {
    let plan = world.basic().await;
    let paid = world.buy("u1", &plan).await;
    let change = json!({"price": 11_000, "name": "새 이름", "intervalMonths": 2});
    world.admin().patch(&format!("/v1/plans/{plan}"), change).await.expect(200);
    assert_eq!(world.payment(&paid).await["amount"], 9_900);
    let body = json!({"planId": plan, "userId": "u2"});
    let quote = world.service().post("/v1/temp-orders", body).await;
    let quote = quote.expect(201);
    assert_eq!((&quote["totalAmount"], &quote["orderName"]), (&11_000.into(), &"새 이름".into()));
}
