//! Pages of Toss's list that do not come: the run fails and nothing is concluded from what was not seen.

use std::sync::atomic::{AtomicBool, Ordering};

use gudok::app::App;
use gudok::reconcile::{Options, Progress, reconcile};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use toss_sandbox::{Fault, FaultKind, Operation};

use super::{buyer, compare, findings, lately};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    a_broken_page_fails_the_run_and_concludes_nothing,
    what_was_found_before_a_broken_page_stands,
    a_list_that_does_not_end_fails_the_run,
    a_wrong_key_of_ours_fails_the_run,
    a_stop_ends_the_run,
];

fn faults() -> [Fault; 7] {
    let fault = |kind| Fault::new(Operation::Transactions, kind);
    [
        fault(FaultKind::DropBefore),
        fault(FaultKind::DropAfter),
        fault(FaultKind::Html),
        fault(FaultKind::Html).status(200),
        fault(FaultKind::TruncatedJson),
        fault(FaultKind::RateLimited),
        fault(FaultKind::ErrorBefore),
    ]
}

async fn a_broken_page_fails_the_run_and_concludes_nothing(world: &World) {
    let plan = world.basic().await;
    for _ in 0..5 {
        buyer(world, &plan).await;
    }
    for fault in faults() {
        // The first rows come, and then this.
        let (waiting, asked) = (AtomicBool::new(true), world.calls_received(Operation::Get));
        let spoil = |progress: Progress| {
            if progress.compared > 0 && waiting.swap(false, Ordering::Relaxed) {
                world.toss.inject(fault.clone());
            }
        };
        let report = reconcile(&world.app, lately(world), Options { page_size: 2 }, &spoil).await;
        assert!(report.failure.is_some(), "{fault:?}: {report:?}");
        // Payments whose rows did not come are not missing.
        assert!((1..5).contains(&report.compared), "{fault:?}: {report:?}");
        assert_eq!((report.compared, report.open), (report.matched, 0), "{fault:?}: {report:?}");
        assert!(findings(world).await.is_empty());
        assert_eq!(world.calls_received(Operation::Get), asked);
        world.toss.clear_faults();
    }
    let report = compare(world, lately(world)).await;
    assert_eq!((report.failure, report.compared, report.matched), (None, 5, 5));
}

async fn what_was_found_before_a_broken_page_stands(world: &World) {
    let plan = world.basic().await;
    let order = buyer(world, &plan).await;
    let key = world.payment(&order).await["paymentKey"].as_str().expect("a key").to_owned();
    world.toss.console_cancel(&key, None, "고객 요청").expect("cancelled");
    for _ in 0..3 {
        buyer(world, &plan).await;
    }
    let spoil = |progress: Progress| {
        if progress.repaired == 1 {
            world.toss.inject(Fault::new(Operation::Transactions, FaultKind::DropAfter));
        }
    };
    let report = reconcile(&world.app, lately(world), Options { page_size: 2 }, &spoil).await;
    world.toss.clear_faults();
    assert_eq!((report.failure.is_some(), report.repaired), (true, 1), "{report:?}");
    assert_eq!(report.differences[0].order_id, order.order_id);
    assert_eq!(world.payment(&order).await["status"], "CANCELED");
}

/// A Toss whose every page is full and the same.
async fn endless() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let row = |key: &str| json!({"transactionKey": key, "paymentKey": key, "orderId": "order-0001", "status": "READY", "amount": 0});
    let body = json!([row("one"), row("two")]).to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    address
}

async fn a_list_that_does_not_end_fails_the_run(world: &World) {
    let address = endless().await;
    let (app, _client) = world.second_service_with(&[("GUDOK__TOSS__BASE_URL", &address)]).await;
    let report = reconcile(&app, lately(world), Options { page_size: 2 }, &|_| {}).await;
    assert!(report.failure.as_deref().is_some_and(|reason| reason.contains("does not end")), "{report:?}");
    assert_eq!(report.compared, 2, "no row counts twice");
}

async fn a_wrong_key_of_ours_fails_the_run(world: &World) {
    buyer(world, &world.basic().await).await;
    let wrong = [("GUDOK__TOSS__SECRET_KEY", "test_gsk_of_another_shop_00000000")];
    let (app, _client) = world.second_service_with(&wrong).await;
    let report = reconcile(&app, lately(world), Options::default(), &|_| {}).await;
    assert!(
        report.failure.as_deref().is_some_and(|reason| reason.contains("UNAUTHORIZED_KEY")),
        "{report:?}"
    );
    assert!(report.differences.is_empty() && findings(world).await.is_empty());
}

async fn a_stop_ends_the_run(world: &World) {
    buyer(world, &world.basic().await).await;
    let app = App::build(world.app.config.clone(), world.app.clock.clone()).await.expect("built");
    app.stopping.cancel();
    let report = reconcile(&app, lately(world), Options::default(), &|_| {}).await;
    assert_eq!(report.failure.as_deref(), Some("asked to stop"));
    assert!(report.differences.is_empty());
}
