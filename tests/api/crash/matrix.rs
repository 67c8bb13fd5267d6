//! Every request to Toss, with every fault, killed at every point: nobody is charged twice, nobody goes unserved, and the
//! books agree. The cells are generated; each is an order of its own.

use std::collections::HashMap;

use entity::payment::{self, PaymentStatus};
use entity::refund::{self, RefundStatus};
use futures_util::StreamExt;
use gudok::crash::{Point, VARIABLE};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;

use super::cells::{Ask, Trouble};
use crate::support::client::SERVICE_KEY;
use crate::support::process::{Serving, eventually};
use crate::support::scenario::Scenario;
use crate::support::world::{Order, World};

/// One request with all its faults, killed at one point or at none.
macro_rules! cells {
    ($($name:ident: $ask:expr, $point:expr;)+) => {
        /// One scenario per request and point; its faults are gone through inside.
        pub(crate) fn scenarios() -> Vec<Scenario> {
            vec![$(Scenario {
                path: concat!(module_path!(), "::", stringify!($name)),
                run: |world| Box::pin(row(world, $ask, $point)),
            }),+]
        }

        /// What the list above covers, to be compared with what there is.
        const COVERED: &[(Ask, Option<Point>)] = &[$(($ask, $point)),+];
    };
}

cells! {
    confirm_without_a_crash: Ask::Confirm, None;
    confirm_claim_written: Ask::Confirm, Some(Point::ClaimWritten);
    confirm_claimed: Ask::Confirm, Some(Point::Claimed);
    confirm_send: Ask::Confirm, Some(Point::ConfirmSend);
    confirm_answered: Ask::Confirm, Some(Point::ConfirmAnswered);
    confirm_truth_written: Ask::Confirm, Some(Point::TruthWritten);
    confirm_truth_recorded: Ask::Confirm, Some(Point::TruthRecorded);
    confirm_look_up_send: Ask::Confirm, Some(Point::LookUpSend);
    confirm_look_up_answered: Ask::Confirm, Some(Point::LookUpAnswered);
    confirm_take_written: Ask::Confirm, Some(Point::TakeWritten);
    confirm_taken: Ask::Confirm, Some(Point::Taken);
    confirm_webhook_stored: Ask::Confirm, Some(Point::WebhookStored);
    cancel_without_a_crash: Ask::Cancel, None;
    cancel_reserve_written: Ask::Cancel, Some(Point::ReserveWritten);
    cancel_reserved: Ask::Cancel, Some(Point::Reserved);
    cancel_send: Ask::Cancel, Some(Point::CancelSend);
    cancel_answered: Ask::Cancel, Some(Point::CancelAnswered);
    cancel_truth_written: Ask::Cancel, Some(Point::TruthWritten);
    cancel_truth_recorded: Ask::Cancel, Some(Point::TruthRecorded);
    cancel_look_up_send: Ask::Cancel, Some(Point::LookUpSend);
    cancel_look_up_answered: Ask::Cancel, Some(Point::LookUpAnswered);
    cancel_take_written: Ask::Cancel, Some(Point::TakeWritten);
    cancel_taken: Ask::Cancel, Some(Point::Taken);
    cancel_webhook_stored: Ask::Cancel, Some(Point::WebhookStored);
}

/// Points that one request passes and the other never comes to.
const ONLY_CONFIRM: [Point; 4] =
    [Point::ClaimWritten, Point::Claimed, Point::ConfirmSend, Point::ConfirmAnswered];
const ONLY_CANCEL: [Point; 4] =
    [Point::ReserveWritten, Point::Reserved, Point::CancelSend, Point::CancelAnswered];

/// Points that only the settle job passes: it must find one order alone to die over.
const SETTLING: [Point; 4] = [Point::LookUpSend, Point::LookUpAnswered, Point::TakeWritten, Point::Taken];

/// Cells under way at once: most of a cell is waiting for a process to start.
const AT_ONCE: usize = 4;

async fn row(world: &World, ask: Ask, point: Option<Point>) {
    every_pair_is_covered();
    let plan = world.basic().await;
    let settling = point.is_some_and(|point| SETTLING.contains(&point));
    let cells = Trouble::ALL.map(|trouble| {
        let plan = plan.clone();
        async move {
            let order = world.order(&format!("{trouble:?}"), &plan).await;
            let key = world.authenticate(&order);
            let cell = Cell { ask, point, trouble, order, key };
            cell.prepare(world).await;
            cell.suffer(world, settling).await;
            if settling {
                world.toss.clear_faults();
                heal(world).await;
            }
            cell
        }
    });
    let at_once = if settling { 1 } else { AT_ONCE };
    let suffered: Vec<Cell> = futures_util::stream::iter(cells).buffer_unordered(at_once).collect().await;
    world.toss.clear_faults();
    heal(world).await;
    for cell in &suffered {
        cell.serve(world).await;
    }
    heal(world).await;
    for cell in &suffered {
        cell.verify(world).await;
    }
}

/// Another process takes over what the dead have left, for as long as anything is open.
async fn heal(world: &World) {
    for _ in 0..20 {
        world.advance(chrono::Duration::seconds(15));
        // Not by the job, whose run may be a dead process's for a while yet.
        gudok::payments::settle_due(&world.app).await.expect("payments");
        gudok::refunds::settle_due(&world.app).await.expect("refunds");
        gudok::webhooks::work_off(&world.app).await.expect("webhooks");
        if nothing_is_open(world).await {
            return;
        }
    }
    panic!("something stays open");
}

async fn nothing_is_open(world: &World) -> bool {
    let db = world.app.db.read();
    let payments = payment::Entity::find().filter(payment::Column::Status.eq(PaymentStatus::InProgress));
    let refunds = refund::Entity::find().filter(refund::Column::Status.eq(RefundStatus::Pending));
    payments.count(db).await.expect("payments") == 0 && refunds.count(db).await.expect("refunds") == 0
}

fn every_pair_is_covered() {
    for ask in Ask::ALL {
        let foreign = if ask == Ask::Confirm { ONLY_CANCEL } else { ONLY_CONFIRM };
        let points = Point::ALL.into_iter().filter(|point| !foreign.contains(point)).map(Some);
        for point in points.chain([None]) {
            assert!(COVERED.contains(&(ask, point)), "{ask:?} is not killed at {point:?}");
        }
    }
}

/// One order, one request, one fault, one crash.
#[derive(Debug)]
struct Cell {
    ask: Ask,
    point: Option<Point>,
    trouble: Trouble,
    order: Order,
    key: String,
}

impl Cell {
    /// What must be there before: for a refund, something to give back.
    async fn prepare(&self, world: &World) {
        if self.ask == Ask::Cancel {
            world.confirm(&self.order, &self.key).await.expect(200);
        }
    }

    /// The request meets its fault in a process that dies at the point, or soon after.
    async fn suffer(&self, world: &World, settling: bool) {
        if let Some(fault) = self.trouble.fault(self.ask, &self.order.order_id) {
            world.toss.inject(fault);
        }
        let mut serving = Serving::start(&self.variables(world, settling)).await;
        let client = serving.client(Some(SERVICE_KEY));
        let post = |path: &str, body: String| {
            client.request("POST", path).header("content-type", "application/json").body(body)
        };
        let asked = tokio::spawn(post(&self.path(), self.body().to_string()).send());
        if self.point == Some(Point::WebhookStored) {
            let told =
                json!({"eventType": "PAYMENT_STATUS_CHANGED", "data": {"orderId": self.order.order_id}});
            // Nobody lives to answer it.
            post("/v1/webhooks/toss", told.to_string()).send().await.expect_err("it dies");
        }
        eventually("the process dies, or the caller is answered", async || {
            (serving.has_ended() || asked.is_finished()).then_some(())
        })
        .await;
        if settling {
            eventually("settle dies, or nothing is left to settle", async || {
                (serving.has_ended() || nothing_is_open(world).await).then_some(())
            })
            .await;
        }
        serving.kill();
        serving.ended().await;
    }

    /// The caller, who may have heard nothing, asks again until it hears how it ended.
    async fn serve(&self, world: &World) {
        let reply = world.service().post(&self.path(), self.body()).await;
        let named = format!("{self:?}: {} {}", reply.status, reply.text);
        match (self.ask, self.trouble, reply.status) {
            (Ask::Confirm, _, 200) | (Ask::Cancel, _, 200 | 202) => {}
            (Ask::Confirm, Trouble::Declined, 402) => assert_eq!(reply.code(), "PAYMENT_REJECTED", "{named}"),
            (Ask::Cancel, _, 409) => {
                assert!(["ALREADY_REFUNDED", "PAYMENT_NOT_REFUNDABLE"].contains(&reply.code()), "{named}");
            }
            _ => panic!("{named}"),
        }
    }

    async fn verify(&self, world: &World) {
        let payment = world.payment(&self.order).await;
        let (ledger, active) = (world.ledger_of(&self.order), self.is_active(world).await);
        let named = format!("{self:?}: {payment}, Toss {ledger:?}");
        match (self.ask, self.trouble) {
            (Ask::Confirm, Trouble::Declined) if payment["status"] == "ABORTED" => {
                assert_eq!((ledger, active), ((0, 0), false), "{named}");
            }
            (Ask::Confirm, _) => {
                assert_eq!(payment["status"], "DONE", "{named}");
                assert_eq!((ledger, active), ((1, self.order.amount), true), "{named}");
            }
            (Ask::Cancel, _) => {
                assert_eq!(payment["status"], "CANCELED", "{named}");
                assert_eq!((ledger, active), ((1, 0), false), "{named}");
            }
        }
    }

    async fn is_active(&self, world: &World) -> bool {
        let path = format!("/v1/users/{:?}/subscription", self.trouble);
        let reply = world.service().get(&path).await;
        reply.status == 200 && reply.body["isActive"] == true
    }

    fn variables(&self, world: &World, settling: bool) -> HashMap<String, String> {
        let mut variables = world.variables.clone();
        let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
        if let Some(point) = self.point {
            set(VARIABLE, point.name());
        }
        set("GUDOK__TOSS__REQUEST_TIMEOUT_MS", "1500");
        set("GUDOK__SERVER__ANSWER_WITHIN_MS", "5000");
        set("GUDOK__SCHEDULER__ENABLED", if settling { "true" } else { "false" });
        set("GUDOK__SCHEDULER__SETTLE_INTERVAL_SECS", "1");
        set("GUDOK__DATABASE__MAX_CONNECTIONS", "4");
        variables
    }

    fn path(&self) -> String {
        match self.ask {
            Ask::Confirm => "/v1/payments/confirm".to_owned(),
            Ask::Cancel => format!("/v1/payments/{}/cancel", self.order.order_id),
        }
    }

    fn body(&self) -> serde_json::Value {
        match self.ask {
            Ask::Confirm => self.order.confirmation(&self.key),
            Ask::Cancel => json!({"cancelReason": "변심"}),
        }
    }
}
