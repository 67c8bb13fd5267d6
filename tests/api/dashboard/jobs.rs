//! Jobs at the dashboard: run by a button, once at a time.

use chrono::Duration;
use sea_orm::ConnectionTrait;

use super::Desk;
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![a_job_runs_by_its_button, a_job_that_runs_already_is_not_run_twice];

async fn a_job_runs_by_its_button(world: &World) {
    let plan = world.basic().await;
    world.order("u1", &plan).await;
    world.advance(Duration::days(1));
    let desk = Desk::open(world).await;
    assert!(!desk.page("/admin/jobs/purge-temp-orders").await.contains("id=\"runs\""));
    let reply = desk.post("/admin/jobs/purge-temp-orders/run", &[]).await;
    assert_eq!((reply.status, reply.header("location")), (303, "/admin/jobs?ran=purge-temp-orders"));
    let html = desk.page(reply.header("location")).await;
    let (_, card) = html.split_once("id=\"job-purge-temp-orders\"").expect("the job");
    assert!(
        card.split("</li>").next().is_some_and(|card| card.contains("<dd class=\"affected\">1</dd>")),
        "{card}"
    );
    let runs = desk.page("/admin/jobs/purge-temp-orders").await;
    assert!(runs.contains("id=\"runs\"") && runs.contains("성공"));
    assert_eq!(desk.post("/admin/jobs/no-such-job/run", &[]).await.status, 404);
}

async fn a_job_that_runs_already_is_not_run_twice(world: &World) {
    let begins = world.app.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let lease = world.app.clock.now() + Duration::minutes(5);
    let lease = lease.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let sql = format!(
        "INSERT INTO job_run (id, name, scheduled_for, started_at, status, affected, lease_until)
        VALUES ('{}', 'check', '{begins}', '{begins}', 'RUNNING', 0, '{lease}')",
        entity::JobRunId::new()
    );
    world.app.db.read().execute_unprepared(&sql).await.expect("written");
    let desk = Desk::open(world).await;
    let reply = desk.post("/admin/jobs/check/run", &[]).await;
    assert_eq!(reply.status, 409);
    assert!(super::text_of(&reply.text, "notice").contains("이미 실행 중"), "{}", reply.text);
}
