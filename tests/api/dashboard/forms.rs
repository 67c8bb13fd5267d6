//! Forms: only our own pages' are taken, and no others change anything.

use super::Desk;
use crate::support::client::send;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_form_without_its_sessions_token_changes_nothing,
    a_form_from_another_site_changes_nothing,
    a_form_of_another_kind_or_size_is_refused,
    looking_changes_nothing,
];

async fn plans(world: &World) -> usize {
    world.admin().get("/v1/plans").await.expect(200)["items"].as_array().expect("plans").len()
}

const PLAN: [(&str, &str); 5] =
    [("code", "NEW"), ("name", "새 요금제"), ("type", "BASIC"), ("price", "9900"), ("months", "1")];

async fn a_form_without_its_sessions_token_changes_nothing(world: &World) {
    let (desk, other) = (Desk::open(world).await, Desk::open(world).await);
    let (csrf, others) = (desk.csrf().await, other.csrf().await);
    assert_ne!(csrf, others, "each session has its own");
    let flipped: String = csrf.chars().rev().collect();
    for token in [None, Some(""), Some("x"), Some(flipped.as_str()), Some(others.as_str())] {
        let token: Vec<(&str, &str)> = token.into_iter().map(|token| ("csrf", token)).collect();
        let reply = desk.submit("/admin/plans", &[&token, PLAN.as_slice()].concat()).await;
        assert_eq!(reply.status, 403, "{token:?}: {}", reply.text);
        let reply = desk.submit("/admin/sign-out", &token).await;
        assert_eq!(reply.status, 403);
    }
    assert_eq!(plans(world).await, 0);
    desk.page("/admin").await;
}

async fn a_form_from_another_site_changes_nothing(world: &World) {
    let desk = Desk::open(world).await;
    let csrf = desk.csrf().await;
    let fields = [&[("csrf", csrf.as_str())], PLAN.as_slice()].concat();
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let reply = send(desk.form("/admin/plans", &fields).header(header, value)).await;
        assert_eq!(reply.status, 403, "{header}: {value}");
    }
    assert_eq!(plans(world).await, 0);
    let foreign = desk.form("/admin/sign-in", &[("key", "x")]).header("origin", "https://evil.example");
    assert_eq!(send(foreign).await.status, 403);
    let own = desk
        .form("/admin/plans", &fields)
        .header("origin", &world.base)
        .header("sec-fetch-site", "same-origin");
    assert_eq!(send(own).await.status, 303);
    assert_eq!(plans(world).await, 1);
}

async fn a_form_of_another_kind_or_size_is_refused(world: &World) {
    let desk = Desk::open(world).await;
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        let request = desk.request("POST", "/admin/plans").header("content-type", kind).body("{}");
        assert_eq!(send(request).await.status, 415, "{kind}");
    }
    let long = "x".repeat(70_000);
    assert_eq!(desk.submit("/admin/plans", &[("name", &long)]).await.status, 413);
    let twice = [("csrf", desk.csrf().await), ("csrf", "x".to_owned())];
    let twice: Vec<(&str, &str)> = twice.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(desk.submit("/admin/plans", &twice).await.status, 400);
}

async fn looking_changes_nothing(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let desk = Desk::open(world).await;
    assert_eq!(desk.get("/admin/sign-out").await.header("location"), "/admin");
    for path in ["settle", "refund"] {
        desk.get(&format!("/admin/payments/{}/{path}?step=confirm", order.order_id)).await;
    }
    desk.get("/admin/jobs/check/run").await;
    assert_eq!(world.payment(&order).await["status"], "DONE");
    let runs = world.admin().get("/v1/jobs/check/runs").await;
    assert_eq!(runs.expect(200)["items"].as_array().map(Vec::len), Some(0));
    desk.page("/admin").await;
}
