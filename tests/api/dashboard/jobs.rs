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
    assert_eq!(reply.status, 303);
    let id = reply.header("location").strip_prefix("/admin/jobs?run=").expect("the run").to_owned();
    let html = desk.page(reply.header("location")).await;
    assert_eq!(super::text_of(&html, "notice"), "purge-temp-orders: 실행했습니다. 바꾼 행: 1");
    let (_, card) = html.split_once("id=\"job-purge-temp-orders\"").expect("the job");
    assert!(
        card.split("</li>").next().is_some_and(|card| card.contains("<dd class=\"affected\">1</dd>")),
        "{card}"
    );
    let runs = desk.page("/admin/jobs/purge-temp-orders").await;
    assert!(runs.contains("id=\"runs\"") && runs.contains("성공"));
    // The run itself says how it went, not the link.
    for (status, words) in
        [("'FAILED'", "실패했습니다"), ("'RUNNING', finished_at = NULL", "아직 실행 중입니다")]
    {
        let sql = format!("UPDATE job_run SET status = {status} WHERE name = 'purge-temp-orders'");
        world.app.db.read().execute_unprepared(&sql).await.expect("written");
        let html = desk.page(&format!("/admin/jobs?run={id}")).await;
        assert!(super::text_of(&html, "notice").contains(words), "{status}");
    }
    let stranger = format!("/admin/jobs?run={}", entity::JobRunId::new());
    assert!(!desk.page(&stranger).await.contains("id=\"notice\""));
    assert_eq!(desk.post("/admin/jobs/no-such-job/run", &[]).await.status, 404);
}

async fn a_job_that_runs_already_is_not_run_twice(world: &World) {
    let begins = world.app.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let lease = world.app.clock.now() + Duration::minutes(1);
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
