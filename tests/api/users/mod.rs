//! Scenarios about a user's data: given out as a whole, and taken out of the books.

mod command;
mod erased;
mod exported;

use entity::UserId;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;
use toss_sandbox::{Authenticate, PayMethod};

use crate::support::client::send;
use crate::support::scenario::Scenario;
use crate::support::world::{Order, World};

/// The scenarios of this folder.
pub(crate) fn scenarios() -> Vec<Scenario> {
    [command::scenarios(), erased::scenarios(), exported::scenarios()].into_iter().flatten().collect()
}

/// Users are often called by their address, which in itself tells who they are.
const ALICE: &str = "alice_k@mail.example";
/// Words of hers, and her bank account.
const REASON: &str = "앨리스가 이사합니다";
const ACCOUNT: &str = "110123456789";
const HOLDER: &str = "김앨리스";

fn alice() -> UserId {
    ALICE.parse().expect("an id")
}

/// What Alice has done, so that every table has something of hers.
struct Life {
    /// A month that she has paid for and that was given back in part.
    bought: Order,
    /// A month that she paid by a deposit, and got back to her own account.
    deposited: Order,
    /// A purchase that her browser reported as failed.
    failed: Order,
    /// A quote that she has not paid.
    quoted: Order,
    /// The number of the account that she paid into.
    account_number: String,
}

impl Life {
    async fn lived(world: &World) -> Self {
        world.listen_to_webhooks();
        let (basic, event) = (world.basic().await, world.event().await);
        world.buy("bob", &basic).await;
        let bought = world.buy(ALICE, &basic).await;
        let part = json!({"cancelReason": REASON, "cancelAmount": 1_000});
        let cancel = format!("/v1/payments/{}/cancel", bought.order_id);
        let keyed = world.service().request("POST", &cancel).header("idempotency-key", "alice-1");
        send(keyed.header("content-type", "application/json").body(part.to_string())).await.expect(200);
        world.buy(ALICE, &event).await;
        let (deposited, account_number) = Self::deposited(world, &basic).await;
        let failed = world.order(ALICE, &basic).await;
        let told = json!({"orderId": failed.order_id, "code": "PAY_PROCESS_CANCELED", "message": format!("{ALICE} 취소")});
        world.user(ALICE).post("/v1/payments/fail", told).await.expect(200);
        let quote = json!({"planId": basic, "successUrl": format!("https://saas.test/{ALICE}/done")});
        let keyed = world.user(ALICE).request("POST", "/v1/temp-orders").header("idempotency-key", "alice-2");
        let quoted = send(keyed.header("content-type", "application/json").body(quote.to_string())).await;
        let order_id = quoted.expect(201)["orderId"].as_str().expect("an id").to_owned();
        let quoted = Order { order_id, amount: 9_900 };
        world.work_webhooks_off().await;
        Self { bought, deposited, failed, quoted, account_number }
    }

    async fn deposited(world: &World, plan: &str) -> (Order, String) {
        let order = world.order(ALICE, plan).await;
        let buyer = Authenticate::new(order.order_id.clone(), order.amount).method(PayMethod::VirtualAccount);
        let key = world.authenticate_with(buyer);
        let body = world.confirm(&order, &key).await.expect(200).clone();
        let number =
            body["payment"]["virtualAccount"]["accountNumber"].as_str().expect("a number").to_owned();
        world.toss.deposit(&key).expect("paid");
        world.work_webhooks_off().await;
        world.await_status(&order, "DONE").await;
        let account = json!({"bank": "88", "accountNumber": ACCOUNT, "holderName": HOLDER});
        let back = json!({"cancelReason": REASON, "refundReceiveAccount": account});
        world.service().post(&format!("/v1/payments/{}/cancel", order.order_id), back).await.expect(200);
        (order, number)
    }
}

/// Every column of every table in which `needle` stands, as `table.column`.
async fn places(world: &World, needle: &str) -> Vec<String> {
    let db = world.app.db.read();
    let sqlite = db.get_database_backend() == DbBackend::Sqlite;
    let columns = if sqlite {
        "SELECT m.name AS t, c.name AS c FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
    } else {
        "SELECT table_name::text AS t, column_name::text AS c FROM information_schema.columns WHERE table_schema = 'public'"
    };
    let of = |sql: String, values: Vec<sea_orm::Value>| {
        Statement::from_sql_and_values(db.get_database_backend(), sql, values)
    };
    let mut found = Vec::new();
    for column in db.query_all_raw(of(columns.to_owned(), Vec::new())).await.expect("columns") {
        let (table, name): (String, String) =
            (column.try_get("", "t").expect("a table"), column.try_get("", "c").expect("a column"));
        let looked = if sqlite { "instr" } else { "strpos" };
        let sql =
            format!("SELECT COUNT(*) AS n FROM \"{table}\" WHERE {looked}(CAST(\"{name}\" AS text), $1) > 0");
        // Statements may be logged, and what is looked for may not.
        let count = db.query_one_raw(of(sql, vec![needle.into()])).await.expect("counted").expect("a row");
        if count.try_get::<i64>("", "n").expect("a number") > 0 {
            found.push(format!("{table}.{name}"));
        }
    }
    found.sort();
    found
}
