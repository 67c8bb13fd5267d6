//! What Prometheus is shown: readable, true, and no larger for strangers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use toss_sandbox::{Fault, FaultKind, Operation};

use super::settle::{lost, settle_by};
use crate::support::client::{ADMIN_KEY, Client, send};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    metrics_are_for_operators,
    every_sample_belongs_to_a_family_with_a_type_and_words,
    a_purchase_a_decline_and_a_loss_are_counted,
    refunds_are_counted_by_how_they_ended,
    webhooks_are_counted_by_what_became_of_them,
    what_is_open_is_shown_with_its_age_until_it_is_settled,
    what_people_must_look_at_is_shown_by_kind,
    jobs_are_shown_with_their_last_success,
    requests_are_counted_by_route_and_strangers_add_none,
    two_services_count_apart,
];

/// Samples by name and labels, as one scrape shows them.
type Samples = BTreeMap<String, f64>;

async fn scrape(client: &Client) -> Samples {
    let reply = client.get("/metrics").await;
    reply.expect(200);
    parse(&reply.text).0
}

fn of(samples: &Samples, series: &str) -> f64 {
    *samples.get(series).unwrap_or_else(|| panic!("no {series} in {samples:#?}"))
}

/// Reads the text as strictly as its specification, and gives the samples and the families' types.
fn parse(text: &str) -> (Samples, BTreeMap<String, String>) {
    let (mut samples, mut types, mut helped) = (Samples::new(), BTreeMap::new(), BTreeSet::new());
    let body = text.strip_suffix("# EOF\n").expect("the text ends with # EOF");
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (word, name) = (words.next().expect("a word"), words.next().expect("a name"));
            let rest = words.next().expect("more");
            match word {
                "HELP" => assert!(rest.len() > 10 && helped.insert(name.to_owned()), "{line}"),
                "TYPE" => assert!(types.insert(name.to_owned(), rest.to_owned()).is_none(), "{line}"),
                "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().expect("a name");
        let labels = &series[name.len()..];
        assert!(labels.is_empty() || labels.starts_with('{') && labels.ends_with("\"}"), "{line}");
        let value: f64 = value.parse().expect("a number");
        assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
        let family = types.iter().find(|(family, kind)| {
            let suffixes: &[&str] = match kind.as_str() {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_count", "_sum"],
                "info" => &["_info"],
                _ => &[""],
            };
            suffixes.iter().any(|suffix| name.strip_prefix(family.as_str()) == Some(suffix))
        });
        assert!(family.is_some(), "no family for {line}");
    }
    assert_eq!(types.keys().cloned().collect::<BTreeSet<_>>(), helped, "a family without words or type");
    (samples, types)
}

async fn metrics_are_for_operators(world: &World) {
    for token in [None, Some("garbage")] {
        let reply = world.stranger().with_token(token).get("/metrics").await;
        reply.expect_problem(401, "UNAUTHENTICATED");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    for client in [world.service(), world.user("u1")] {
        client.get("/metrics").await.expect_problem(403, "FORBIDDEN");
    }
    let reply = world.admin().get("/metrics").await;
    reply.expect(200);
    assert_eq!(reply.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    world.admin().post("/metrics", json!({})).await.expect_problem(405, "METHOD_NOT_ALLOWED");
}

async fn every_sample_belongs_to_a_family_with_a_type_and_words(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.refund(&order, None).await.expect(200);
    world.run_job("settle-payments").await;
    let (samples, types) = parse(&world.admin().get("/metrics").await.text);
    for (name, kind) in &types {
        assert!(name.starts_with("gudok_"), "{name}");
        assert!(["counter", "gauge", "histogram", "info"].contains(&kind.as_str()), "{name}: {kind}");
    }
    let version = format!("gudok_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(of(&samples, &version), 1.0);
    assert_eq!(of(&samples, "gudok_database_up"), 1.0);
    let secrets = [world.toss.secret_key(), ADMIN_KEY, &order.order_id];
    assert!(samples.keys().all(|series| secrets.iter().all(|secret| !series.contains(secret))));
}

async fn a_purchase_a_decline_and_a_loss_are_counted(world: &World) {
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    let declined = world.order("u2", &plan).await;
    let key = world.authenticate(&declined);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::Reject));
    world.confirm(&declined, &key).await.expect_problem(402, "PAYMENT_REJECTED");
    let (open, _key) = lost(world, "u3", &plan, FaultKind::DropAfter).await;
    world.confirm(&open, "another-key").await.expect_problem(409, "PAYMENT_KEY_CONFLICT");
    let samples = scrape(&world.admin()).await;
    for (result, number) in [("approved", 1.0), ("declined", 1.0), ("unknown", 1.0), ("refused", 1.0)] {
        let series = format!("gudok_confirmations_total{{result=\"{result}\"}}");
        assert_eq!(of(&samples, &series), number, "{series}");
    }
    for (class, number) in [("payment", 1.0), ("declined", 1.0), ("unknown", 1.0)] {
        let series = format!("gudok_toss_calls_total{{operation=\"confirm\",class=\"{class}\"}}");
        assert_eq!(of(&samples, &series), number, "{series}");
    }
    assert_eq!(of(&samples, "gudok_toss_call_duration_seconds_count{operation=\"confirm\"}"), 3.0);
    let slowest = "gudok_toss_call_duration_seconds_bucket{le=\"65.0\",operation=\"confirm\"}";
    assert_eq!(of(&samples, slowest), 3.0);
    assert_eq!((of(&samples, "gudok_toss_slots_used"), of(&samples, "gudok_toss_slots")), (0.0, 128.0));
    assert_eq!((of(&samples, "gudok_toss_circuit_open"), of(&samples, "gudok_toss_paused")), (0.0, 0.0));
}

async fn refunds_are_counted_by_how_they_ended(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::Reject).code("NOT_CANCELABLE_PAYMENT"));
    world.refund(&order, None).await.expect_problem(409, "PAYMENT_NOT_REFUNDABLE");
    world.refund(&order, Some(9_901)).await.expect_problem(409, "REFUND_EXCEEDS_BALANCE");
    world.refund(&order, Some(900)).await.expect(200);
    world.toss.inject(Fault::new(Operation::Cancel, FaultKind::DropAfter));
    world.refund(&order, None).await.expect(202);
    let samples = scrape(&world.admin()).await;
    for (result, number) in [("done", 1.0), ("declined", 1.0), ("unknown", 1.0), ("refused", 1.0)] {
        let series = format!("gudok_refunds_total{{result=\"{result}\"}}");
        assert_eq!(of(&samples, &series), number, "{series}");
    }
    assert_eq!(of(&samples, "gudok_refunds_pending"), 1.0);
}

async fn webhooks_are_counted_by_what_became_of_them(world: &World) {
    let webhook = json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": "order-0001"}});
    for _ in 0..2 {
        world.stranger().post("/v1/webhooks/toss", webhook.clone()).await.expect(200);
    }
    world.stranger().send_json("POST", "/v1/webhooks/toss", "[]").await.expect(400);
    world.advance(chrono::Duration::minutes(5));
    let samples = scrape(&world.admin()).await;
    for result in ["stored", "repeated", "refused"] {
        let series = format!("gudok_webhooks_received_total{{result=\"{result}\"}}");
        assert_eq!(of(&samples, &series), 1.0, "{series}");
    }
    assert_eq!(of(&samples, "gudok_webhooks_pending"), 1.0);
    assert!((300.0..400.0).contains(&of(&samples, "gudok_webhooks_pending_oldest_age_seconds")));
    world.run_job("process-webhooks").await;
    let samples = scrape(&world.admin()).await;
    assert_eq!(of(&samples, "gudok_webhooks_pending"), 0.0);
}

async fn what_is_open_is_shown_with_its_age_until_it_is_settled(world: &World) {
    let open = async || {
        let samples = scrape(&world.admin()).await;
        let number = of(&samples, "gudok_payments_unknown");
        (number, of(&samples, "gudok_payments_unknown_oldest_age_seconds"))
    };
    let plan = world.basic().await;
    assert_eq!(open().await, (0.0, 0.0));
    lost(world, "u1", &plan, FaultKind::DropAfter).await;
    world.advance(chrono::Duration::minutes(5));
    lost(world, "u2", &plan, FaultKind::DropAfter).await;
    world.advance(chrono::Duration::minutes(5));
    let (number, age) = open().await;
    assert_eq!(number, 2.0);
    assert!((600.0..700.0).contains(&age), "{age}");
    world.run_job("settle-payments").await;
    assert_eq!(open().await, (0.0, 0.0));
}

async fn what_people_must_look_at_is_shown_by_kind(world: &World) {
    let series = "gudok_findings_open{kind=\"MISCONFIGURED\"}";
    assert_eq!(of(&scrape(&world.admin()).await, series), 0.0);
    let wrong = [("GUDOK__TOSS__SECRET_KEY", "test_gsk_of_another_shop_00000000")];
    let (_app, misconfigured) = world.second_service_with(&wrong).await;
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    settle_by(&misconfigured, &order).await.expect_problem(503, "PG_UNAVAILABLE");
    assert_eq!(of(&scrape(&world.admin()).await, series), 1.0, "it is in the books, so everybody shows it");
    settle_by(&world.admin(), &order).await.expect(200);
    assert_eq!(of(&scrape(&world.admin()).await, series), 0.0);
}

async fn jobs_are_shown_with_their_last_success(world: &World) {
    let of_job = |name: &str| format!("gudok_{name}{{name=\"purge-temp-orders\"}}");
    let (finished, succeeded) =
        (of_job("job_last_finished_timestamp_seconds"), of_job("job_last_success_timestamp_seconds"));
    let samples = scrape(&world.admin()).await;
    assert!(!samples.contains_key(&finished) && !samples.contains_key(&succeeded), "it never ran");
    world.run_job("purge-temp-orders").await;
    let now = world.app.clock.now().timestamp();
    let samples = scrape(&world.admin()).await;
    for series in [&finished, &succeeded] {
        assert!((now - 60..=now).contains(&(of(&samples, series) as i64)), "{series}");
    }
    assert_eq!(of(&samples, &of_job("job_running")), 0.0);
    let runs =
        |status: &str| format!("gudok_job_runs_total{{name=\"purge-temp-orders\",status=\"{status}\"}}");
    assert_eq!((of(&samples, &runs("done")), of(&samples, &runs("failed"))), (1.0, 0.0));
}

async fn requests_are_counted_by_route_and_strangers_add_none(world: &World) {
    let plan = world.basic().await;
    world.stranger().get(&format!("/v1/plans/{plan}")).await.expect(200);
    for (method, path) in [("GET", "/.env"), ("BREW", "/.env")] {
        send(world.stranger().request(method, path)).await;
    }
    let first = scrape(&world.admin()).await;
    let read = "gudok_http_requests_total{route=\"/v1/plans/{id}\",method=\"GET\",status=\"200\"}";
    assert_eq!(of(&first, read), 1.0);
    let duration = "gudok_http_request_duration_seconds_count{route=\"/v1/plans/{id}\",method=\"GET\"}";
    assert_eq!(of(&first, duration), 1.0);
    let other = "gudok_http_requests_total{route=\"other\",method=\"GET\",status=\"404\"}";
    assert_eq!(of(&first, other), 1.0);
    for n in 0..30 {
        let (path, method) = (format!("/wp-{n}/{plan}?n={n}"), format!("BREW{n}"));
        send(world.stranger().request("GET", &path)).await;
        send(world.stranger().request(&method, &path)).await;
        world.stranger().get(&format!("/v1/plans/{plan}")).await.expect(200);
    }
    let second = scrape(&world.admin()).await;
    assert_eq!((of(&second, read), of(&second, other)), (31.0, 31.0));
    let grown: Vec<&String> = second.keys().filter(|series| !first.contains_key(*series)).collect();
    // The first scrape could not show itself.
    assert!(grown.iter().all(|series| series.contains("route=\"/metrics\"")), "{grown:?}");
}

async fn two_services_count_apart(world: &World) {
    let (_app, other) = world.second_service().await;
    let plan = world.basic().await;
    world.buy("u1", &plan).await;
    let series = "gudok_confirmations_total{result=\"approved\"}";
    assert_eq!(of(&scrape(&world.admin()).await, series), 1.0);
    assert_eq!(of(&scrape(&other).await, series), 0.0);
    assert_eq!(of(&scrape(&other).await, "gudok_payments_unknown"), 0.0);
}
