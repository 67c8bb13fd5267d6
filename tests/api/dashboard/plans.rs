//! Plans at the dashboard, by the rules of the API.

use super::{Desk, text_of, value_of};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![a_plan_is_made_and_changed_by_forms, a_plan_that_makes_no_sense_is_told_by_field];

async fn a_plan_is_made_and_changed_by_forms(world: &World) {
    let desk = Desk::open(world).await;
    let fields = [
        ("code", "PRO"),
        ("name", "프로"),
        ("type", "PREMIUM"),
        ("price", "29,900"),
        ("months", "12"),
        ("active", "on"),
    ];
    let reply = desk.post("/admin/plans", &fields).await;
    assert_eq!((reply.status, reply.header("location")), (303, "/admin/plans?notice=made"), "{}", reply.text);
    let listed = world.admin().get("/v1/plans").await;
    let plan = listed.expect(200)["items"][0].clone();
    assert_eq!((&plan["code"], &plan["price"]), (&"PRO".into(), &29_900.into()));
    let id = plan["id"].as_str().expect("an id").to_owned();
    let quoted = world.order("u1", &id).await;
    let path = format!("/admin/plans/{id}");
    let html = desk.page(&path).await;
    assert!(html.contains("id=\"price-note\""));
    let seen = value_of(&html, "updatedAt").expect("when it changed");
    let fields = [("name", "프로 2"), ("price", "39900"), ("months", "12"), ("updatedAt", seen.as_str())];
    let reply = desk.post(&path, &fields).await;
    assert_eq!((reply.status, reply.header("location")), (303, "/admin/plans?notice=changed"));
    let plan = world.admin().get(&format!("/v1/plans/{id}")).await.expect(200).clone();
    assert_eq!(
        (&plan["price"], &plan["isActive"], &plan["name"]),
        (&39_900.into(), &false.into(), &"프로 2".into())
    );
    // Somebody else's form is still about the plan as it was, and would undo all this.
    let old =
        [("name", "프로"), ("price", "29900"), ("months", "12"), ("active", "on"), ("updatedAt", &seen)];
    let reply = desk.post(&path, &old).await;
    assert_eq!(reply.status, 409, "{}", reply.text);
    assert!(reply.text.contains("id=\"outdated\"") && reply.text.contains("프로 2"), "{}", reply.text);
    assert_eq!(world.admin().get(&format!("/v1/plans/{id}")).await.expect(200)["price"], 39_900);
    let key = world.authenticate(&quoted);
    assert_eq!(world.confirm(&quoted, &key).await.expect(200)["payment"]["amount"], 29_900, "as quoted");
}

async fn a_plan_that_makes_no_sense_is_told_by_field(world: &World) {
    world.basic().await;
    let desk = Desk::open(world).await;
    let good = [("code", "PRO"), ("name", "프로"), ("type", "BASIC"), ("price", "9900"), ("months", "1")];
    for (field, value, label) in [
        ("code", "가나다", "코드:"),
        ("code", "BASIC", "코드:"),
        ("name", "", "이름:"),
        ("type", "GOLD", "종류:"),
        ("price", "99", "가격:"),
        ("price", "viel", "가격:"),
        ("months", "0", "개월 수:"),
        ("months", "", "개월 수:"),
        ("type", "EVENT", "개월 수:"),
    ] {
        let fields = good.map(|(name, kept)| (name, if name == field { value } else { kept }));
        let reply = desk.post("/admin/plans", &fields).await;
        assert_eq!(reply.status, 400, "{field}={value}: {}", reply.text);
        assert!(
            text_of(&reply.text, "faults").starts_with(label),
            "{field}={value}: {}",
            text_of(&reply.text, "faults")
        );
    }
    let listed = world.admin().get("/v1/plans").await;
    assert_eq!(listed.expect(200)["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(desk.post("/admin/plans/no-id", &good).await.status, 400);
}
