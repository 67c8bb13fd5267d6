//! Every other list, the metrics and what is done every few minutes cost the same with big tables around them: whatever is
//! rare is found without a walk past what is not.

use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::client::Client;
use crate::support::counts::{MANY, alone, connection, rows_read, scans, text};
use crate::support::crowd;
use crate::support::scenario::{Backend, scenarios};
use crate::support::world::World;

scenarios![lists_and_jobs_read_what_they_give_of_big_tables_and_no_more];

/// Tables that grow with the business, or with what is done about it.
const BIG: [&str; 13] = [
    "admin_session",
    "audit_event",
    "checkout",
    "compensation",
    "event_amount",
    "finding",
    "idempotency_key",
    "job_run",
    "payment",
    "payment_event",
    "refund",
    "temp_order",
    "webhook",
];

/// Jobs that are due every few seconds or minutes.
pub(super) const JOBS: [&str; 5] =
    ["settle-payments", "process-webhooks", "purge-temp-orders", "purge-webhooks", "purge-idempotency-keys"];

/// Rows of the tables that a crowd of buyers leaves empty, `{many}` each and over, but for a few. `{now}` is an instant.
const FILLED: [&str; 17] = [
    // Nearly all have got their money back.
    "INSERT INTO refund (id, order_id, amount, reason, status, transaction_key, expected_balance, settle_tries, created_at,
            refunded_at)
        SELECT '01990010-0000-7000-8000-' || (100000000000 + n), order_id, amount, '변심', 'DONE', 't-' || order_id, amount, 0,
            now - (n || ' seconds')::interval, now - (n || ' seconds')::interval
        FROM (SELECT p.*, row_number() OVER (ORDER BY order_id) AS n, {now} AS now FROM payment p
            WHERE user_id NOT IN ('u1-77', 'u1-78') AND user_id LIKE 'u1-%') p",
    "UPDATE refund SET status = 'PENDING', next_settle_at = {now} + INTERVAL '1 day', transaction_key = NULL,
            refunded_at = NULL
        WHERE order_id IN (SELECT order_id FROM payment WHERE user_id IN ('u1-79', 'u1-80'))",
    // Seven other plans, which half of all buy.
    "INSERT INTO plan (id, code, name, type, price, currency, interval_months, is_active, created_at, updated_at)
        SELECT '01990019-0000-7000-8000-' || (100000000000 + n), code || n, name, type, price, currency, interval_months, is_active,
            created_at, updated_at FROM plan, generate_series(0, 6) n",
    "UPDATE payment SET plan_id = '01990019-0000-7000-8000-' || (100000000000 + n % 7)
        FROM (SELECT order_id AS id, row_number() OVER (ORDER BY order_id) AS n FROM payment) numbered
        WHERE id = order_id AND n % 2 = 0 AND user_id NOT IN ('u1-77', 'u1-81', 'u1-82', 'u1-83')",
    // A plan that half of all buy, of whose payments two failed, one waits for a transfer, and none is being approved.
    "UPDATE payment SET status = 'ABORTED', balance_amount = 0, approved_at = NULL,
            created_at = created_at - INTERVAL '300 days' WHERE user_id IN ('u1-81', 'u1-82')",
    "UPDATE payment SET status = 'WAITING_FOR_DEPOSIT', balance_amount = 0, approved_at = NULL,
            created_at = created_at - INTERVAL '300 days' WHERE user_id = 'u1-83'",
    "INSERT INTO event_amount (id, order_id, payment_event_id, amount, created_at)
        SELECT '01990011-0000-7000-8000-' || (100000000000 + n), order_id, id, 5000,
            {now} - INTERVAL '60 days' + (n || ' minutes')::interval
        FROM (SELECT order_id, id, row_number() OVER () AS n FROM payment_event WHERE to_status = 'DONE') moves",
    "INSERT INTO event_total (ends_at, amount) SELECT {now} - INTERVAL '3 hours', SUM(amount) FROM event_amount",
    "INSERT INTO audit_event (id, at, actor_kind, actor, action, subject_kind, subject)
        SELECT '01990012-0000-7000-8000-' || (100000000000 + n), {now} - (n || ' seconds')::interval, 'api_key', 'key', 'refund.request', 'payment', 'order-' || n
        FROM generate_series(1, {many}) n
        UNION ALL SELECT '01990013-0000-7000-8000-' || (100000000000 + n), {now} - INTERVAL '300 days', 'dashboard', 'boss', 'plan.change', 'plan', 'plan-' || n
        FROM generate_series(1, 3) n",
    "INSERT INTO temp_order (order_id, user_id, plan_id, order_name, total_amount, currency, created_at, expires_at)
        SELECT 'temp-' || n, 'u1-' || n, '{plan}', 'BASIC', 9900, 'KRW', {now} - INTERVAL '1 minute',
            {now} + CASE WHEN n <= 3 THEN INTERVAL '-1 second' ELSE INTERVAL '1 day' END FROM generate_series(1, {many}) n",
    "INSERT INTO checkout (order_id, expires_at)
        SELECT 'temp-' || n, {now} + CASE WHEN n <= 3 THEN INTERVAL '-1 day' ELSE INTERVAL '1 day' END
        FROM generate_series(1, {many}) n",
    "INSERT INTO webhook (id, dedupe_key, event_type, body, status, outcome, tries, received_at, finished_at)
        SELECT '01990014-0000-7000-8000-' || (100000000000 + n), 'w-' || n, 'PAYMENT_STATUS_CHANGED', '{}', 'DONE', 'READ', 0, {now}, {now}
        FROM generate_series(1, {many}) n",
    "INSERT INTO idempotency_key (id, caller, key, fingerprint, claim, lease_until, created_at, expires_at)
        SELECT '01990015-0000-7000-8000-' || (100000000000 + n), 'caller', 'key-' || n, 'f', 'c', {now}, {now} - INTERVAL '1 day',
            {now} + CASE WHEN n <= 3 THEN INTERVAL '-1 second' ELSE INTERVAL '1 day' END FROM generate_series(1, {many}) n",
    "INSERT INTO compensation (payment_key, order_id, amount, reason, status, idempotency_key, settle_tries, created_at,
            finished_at)
        SELECT 'c-' || order_id, order_id, amount, 'late', 'DONE', order_id, 0, {now} - INTERVAL '90 days',
            {now} - INTERVAL '90 days' FROM payment",
    "INSERT INTO finding (id, kind, subject, source, detail, first_seen_at, last_seen_at, resolved_at)
        SELECT '01990016-0000-7000-8000-' || (100000000000 + n), 'AMOUNT', 's-' || n, 'CHECK', 'd', {now}, {now}, {now} FROM generate_series(1, {many}) n",
    // A job that failed again and again, and one whose last run is long ago.
    "INSERT INTO job_run (id, name, scheduled_for, started_at, finished_at, status, affected, lease_until)
        SELECT '01990017-0000-7000-8000-' || (100000000000 + n), 'process-webhooks', {now} - (n * 5 || ' seconds')::interval, {now}, {now},
            CASE WHEN n <= 3 THEN 'FAILED' ELSE 'DONE' END, 0, {now} FROM generate_series(1, {many}) n
        UNION ALL SELECT '01990018-0000-7000-8000-' || (100000000000 + n), 'expire-subscriptions', {now} - (200 + n || ' days')::interval, {now}, {now},
            'DONE', 0, {now} FROM generate_series(1, 3) n",
    "INSERT INTO admin_session (id, credential, created_at, expires_at)
        SELECT lpad(n::text, 64, '0'), 'boss', {now} - INTERVAL '1 day',
            {now} + CASE WHEN n <= 3 THEN INTERVAL '-1 second' ELSE INTERVAL '1 day' END FROM generate_series(1, {many}) n",
];

/// Lists by their filters, and whether there is anything on them.
pub(super) fn lists(plan: &str) -> [(String, bool); 20] {
    [
        ("/v1/refunds?".to_owned(), true),
        ("/v1/refunds?userId=u1-77&".to_owned(), false),
        ("/v1/refunds?userId=u1-500&".to_owned(), true),
        (format!("/v1/payments?planId={plan}&status=ABORTED&"), true),
        (format!("/v1/payments?planId={plan}&status=WAITING_FOR_DEPOSIT&"), true),
        (format!("/v1/payments?planId={plan}&status=IN_PROGRESS&"), false),
        (format!("/v1/payments?planId={plan}&status=DONE&"), true),
        ("/v1/payments?userId=u1-77&status=DONE&".to_owned(), true),
        (format!("/v1/payments?userId=u1-77&planId={plan}&status=CANCELED&"), false),
        ("/v1/payments?status=WAITING_FOR_DEPOSIT&from=2020-01-01T00:00:00Z&".to_owned(), true),
        ("/v1/event-amounts?".to_owned(), true),
        ("/v1/admin/audit?".to_owned(), true),
        ("/v1/admin/audit?action=plan.change&".to_owned(), true),
        ("/v1/admin/audit?action=api_key.create&".to_owned(), false),
        ("/v1/admin/audit?actor=boss&".to_owned(), true),
        ("/v1/admin/audit?actor=boss&action=plan.change&".to_owned(), true),
        ("/v1/admin/audit?actor=key&subject=order-7&".to_owned(), true),
        ("/v1/admin/attention?".to_owned(), true),
        ("/v1/jobs/process-webhooks/runs?".to_owned(), true),
        ("/v1/jobs/expire-subscriptions/runs?".to_owned(), true),
    ]
}

/// Every list by its filters, the metrics, and what is asked every few seconds; first pages and next ones.
async fn look_at_everything(client: &Client, plan: &str) {
    for (list, has_items) in lists(plan) {
        let first = client.get(&format!("{list}limit=2")).await;
        let first = first.expect(200);
        assert_eq!(first["items"].as_array().is_some_and(|items| !items.is_empty()), has_items, "{list}");
        if let Some(next) = first["nextCursor"].as_str() {
            client.get(&format!("{list}limit=2&cursor={next}")).await.expect(200);
        }
    }
    for page in ["/v1/jobs", "/metrics", "/readyz", "/v1/temp-orders/temp-7"] {
        client.get(page).await.expect(200);
    }
}

async fn lists_and_jobs_read_what_they_give_of_big_tables_and_no_more(world: &World) {
    // SQLite keeps no such count.
    if world.backend == Backend::Sqlite {
        return;
    }
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    crowd::copy(world, &order, MANY).await;
    world.stop().await;
    let preparing = connection(world).await;
    let now = format!("TIMESTAMPTZ '{}'", world.app.clock.now().to_rfc3339());
    for filled in FILLED {
        let sql = filled.replace("{many}", &MANY.to_string()).replace("{now}", &now).replace("{plan}", &plan);
        preparing.execute_unprepared(&sql).await.expect("filled");
    }
    preparing.execute_unprepared("VACUUM ANALYZE").await.expect("analyzed");
    preparing.close().await.expect("closed");
    // As long as plans are made for the values at hand, and when one plan serves all of them, as it may for those who call often.
    for (mode, and_jobs) in [("force_custom_plan", true), ("force_generic_plan", false)] {
        let db = &connection(world).await;
        let sets = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET plan_cache_mode = {mode}', current_database()); END $$"
        );
        db.execute_unprepared(&sets).await.expect("set");
        alone(db).await;
        let before = (scans(db, &BIG).await, rows_read(db, &BIG).await);
        let (app, client) = world.second_service().await;
        look_at_everything(&client, &plan).await;
        if and_jobs {
            for job in JOBS {
                client.post(&format!("/v1/jobs/{job}/run"), json!({})).await.expect(200);
            }
        }
        let keyed = (0..2).map(|_| {
            let body = json!({"planId": plan, "userId": "u1-77"}).to_string();
            let request = client.request("POST", "/v1/temp-orders").header("idempotency-key", "mine");
            request.header("content-type", "application/json").body(body).send()
        });
        for reply in join_all(keyed).await {
            assert!(reply.expect("an answer").status().as_u16() < 500);
        }
        app.stopping.cancel();
        alone(db).await;
        assert_eq!(scans(db, &BIG).await, before.0, "{mode}: somebody read a big table as a whole");
        let read = rows_read(db, &BIG).await - before.1;
        let most = text(
            db,
            "SELECT string_agg(indexrelname || ' ' || idx_tup_read, ', ' ORDER BY idx_tup_read DESC)
                FROM pg_stat_user_indexes WHERE idx_tup_read > 2000",
        );
        assert!(read < 4_000, "{mode}: {read} entries were read; {:?}", most.await);
    }
}
