//! What the fail URL brings is written down, and can undo nothing.

use serde_json::{Value, json};
use toss_sandbox::{Fault, FaultKind, Operation};

use crate::support::client::{Client, Reply};
use crate::support::scenario::scenarios;
use crate::support::world::{Order, World};

scenarios![
    a_failed_window_is_recorded_with_its_reason,
    a_failed_order_can_still_be_paid,
    a_failure_of_an_unknown_or_foreign_order_is_404,
    a_failure_never_undoes_an_approval,
    a_failure_never_ends_an_open_confirmation,
    a_failure_and_a_confirmation_at_once_leave_the_money_booked,
];

async fn fail(client: &Client, order: &Order, code: &str) -> Reply {
    let body = json!({"orderId": order.order_id, "code": code, "message": "사용자가 결제를 취소하였습니다"});
    client.post("/v1/payments/fail", body).await
}

async fn a_failed_window_is_recorded_with_its_reason(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let reply = fail(&world.user("u1"), &order, "PAY_PROCESS_CANCELED").await;
    let payment = reply.expect(200);
    assert_eq!(payment["status"], "ABORTED");
    let failure = json!({"code": "PAY_PROCESS_CANCELED", "message": "사용자가 결제를 취소하였습니다"});
    assert_eq!(payment["failure"], failure);
    assert_eq!(payment["paymentKey"], Value::Null);
    assert_eq!(&world.payment(&order).await, payment);
    // The last reason counts, and saying it twice changes nothing.
    fail(&world.service(), &order, "PAY_PROCESS_ABORTED").await.expect(200);
    let twice = fail(&world.service(), &order, "PAY_PROCESS_ABORTED").await;
    assert_eq!(twice.expect(200)["failure"]["code"], "PAY_PROCESS_ABORTED");
    assert_eq!(world.toss.received(), []);
}

async fn a_failed_order_can_still_be_paid(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    fail(&world.service(), &order, "PAY_PROCESS_CANCELED").await.expect(200);
    let key = world.authenticate(&order);
    let reply = world.confirm(&order, &key).await;
    assert_eq!(reply.expect(200)["payment"]["status"], "DONE");
    assert!(reply.body["payment"]["failure"].is_null());
    assert_eq!(world.ledger_of(&order), (1, 9_900));
}

async fn a_failure_of_an_unknown_or_foreign_order_is_404(world: &World) {
    let unknown = Order { order_id: "order-nobody-quoted".to_owned(), amount: 9_900 };
    fail(&world.service(), &unknown, "X").await.expect_problem(404, "ORDER_NOT_FOUND");
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    fail(&world.user("u2"), &order, "X").await.expect_problem(404, "ORDER_NOT_FOUND");
    let reply = world.service().get(&format!("/v1/payments/{}", order.order_id)).await;
    reply.expect_problem(404, "PAYMENT_NOT_FOUND");
    fail(&world.user("u1"), &order, "X").await.expect(200);
    fail(&world.user("u2"), &order, "Y").await.expect_problem(404, "ORDER_NOT_FOUND");
    assert_eq!(world.payment(&order).await["failure"]["code"], "X");
}

async fn a_failure_never_undoes_an_approval(world: &World) {
    let plan = world.basic().await;
    let order = world.buy("u1", &plan).await;
    let before = world.payment(&order).await;
    let reply = fail(&world.service(), &order, "PAY_PROCESS_CANCELED").await;
    assert_eq!(reply.expect(200), &before);
    assert_eq!(before["status"], "DONE");
    assert_eq!(world.subscription("u1").await["isActive"], true);
}

async fn a_failure_never_ends_an_open_confirmation(world: &World) {
    let plan = world.basic().await;
    let order = world.order("u1", &plan).await;
    let key = world.authenticate(&order);
    world.toss.inject(Fault::new(Operation::Confirm, FaultKind::DropAfter));
    world.confirm(&order, &key).await.expect(202);
    let reply = fail(&world.service(), &order, "PAY_PROCESS_CANCELED").await;
    assert_eq!(reply.expect(200)["status"], "IN_PROGRESS");
    assert_eq!(world.settle().await, 1);
    assert_eq!(world.payment(&order).await["status"], "DONE");
    assert!(world.payment(&order).await["failure"].is_null());
}

async fn a_failure_and_a_confirmation_at_once_leave_the_money_booked(world: &World) {
    let plan = world.basic().await;
    let client = world.service();
    for user in ["u1", "u2", "u3", "u4", "u5"] {
        let order = world.order(user, &plan).await;
        let key = world.authenticate(&order);
        let (confirmed, failed) =
            tokio::join!(world.confirm(&order, &key), fail(&client, &order, "PAY_PROCESS_CANCELED"));
        confirmed.expect(200);
        failed.expect(200);
        assert_eq!(world.payment(&order).await["status"], "DONE");
        assert_eq!(world.ledger_of(&order), (1, 9_900));
    }
}
