//! Log lines: enough to follow a request by its id, and no secret in any.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use toss_sandbox::Authenticate;

use crate::support::client::{ADMIN_KEY, Client, JWT_SECRET, Reply, SERVICE_KEY, send, user_token};
use crate::support::process::{Serving, eventually};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![
    no_secret_is_in_any_line_of_a_purchase_a_decline_and_a_refund,
    every_line_about_a_request_carries_its_id,
    of_many_callers_at_once_each_has_a_whole_line_as_soon_as_there_is_no_more_to_do,
];

const CARD: &str = "9410001234567890";
const DECLINED_CARD: &str = "4000000000000001";

async fn post(client: &Client, id: &str, path: &str, body: &Value) -> Reply {
    let request = client.request("POST", path).header("x-request-id", id);
    send(request.header("content-type", "application/json").body(body.to_string())).await
}

/// A purchase, a decline and a refund through `serving`; gives the payment keys.
async fn business(world: &World, serving: &Serving, token: &str) -> Vec<String> {
    let client = serving.client(Some(token));
    let plan = world.basic().await;
    let mut keys = Vec::new();
    for (number, card, status) in [("1", CARD, 200), ("2", DECLINED_CARD, 402)] {
        let quoted = post(
            &client,
            &format!("quote-{number}"),
            "/v1/temp-orders",
            &json!({"planId": plan, "userId": "u1"}),
        )
        .await;
        let order = quoted.expect(201)["orderId"].as_str().expect("an order id").to_owned();
        let key = world.authenticate_with(Authenticate::new(&order, 9_900).card(card));
        let body = json!({"paymentKey": key, "orderId": order, "amount": 9_900});
        post(&client, &format!("confirm-{number}"), "/v1/payments/confirm", &body).await.expect(status);
        keys.push(key);
        if status == 200 {
            let path = format!("/v1/payments/{order}/cancel");
            post(&client, "cancel-1", &path, &json!({"cancelReason": "변심"})).await.expect(200);
        }
    }
    keys
}

async fn no_secret_is_in_any_line_of_a_purchase_a_decline_and_a_refund(world: &World) {
    let mut variables = world.variables.clone();
    // Even an operator who hunts a bug sees none.
    variables.insert("RUST_LOG".to_owned(), "debug,gudok=trace".to_owned());
    let mut serving = Serving::start(&variables).await;
    let token = user_token("u1", &world.app.clock);
    let keys = business(world, &serving, &token).await;
    let wrong = "wrong-api-key-0123456789";
    for key in [ADMIN_KEY, SERVICE_KEY] {
        serving.client(Some(key)).get("/v1/payments?userId=u1").await.expect(200);
    }
    serving.client(Some(wrong)).get("/v1/payments").await.expect(401);
    let forged = format!("{token}x");
    serving.client(Some(&forged)).get("/v1/payments").await.expect(401);
    // A client that mixes up where things belong: a key in a body that is refused.
    let body =
        json!({"paymentKey": keys[0], "orderId": "short", "amount": 1, "secretKey": world.toss.secret_key()});
    serving.client(Some(SERVICE_KEY)).post("/v1/payments/confirm", body).await.expect(400);
    serving.terminate();
    assert_eq!(serving.ended().await, Some(0));
    let said = serving.said();
    assert!(said.contains("confirm-1") && said.contains("toss answered"), "nothing was logged: {said}");
    let secret = world.toss.secret_key();
    let basic = STANDARD.encode(format!("{secret}:"));
    let secrets = [secret, &basic, ADMIN_KEY, SERVICE_KEY, JWT_SECRET, &token, wrong, CARD, DECLINED_CARD];
    for secret in secrets.into_iter().chain(keys.iter().map(String::as_str)) {
        let line = said.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret:?} is in {}", line.unwrap_or_default());
    }
}

/// The request id that a line carries.
fn id_of(line: &Value) -> Option<&str> {
    let spans = line["spans"].as_array()?;
    spans.iter().find_map(|span| span["request_id"].as_str())
}

async fn every_line_about_a_request_carries_its_id(world: &World) {
    let mut serving = Serving::start(&world.variables).await;
    let token = user_token("u1", &world.app.clock);
    business(world, &serving, &token).await;
    serving.client(None).get("/v1/payments").await.expect(401);
    serving.terminate();
    assert_eq!(serving.ended().await, Some(0));
    let said = serving.said();
    let lines = serving.lines();
    assert_eq!(lines.len(), said.lines().count(), "a line is no JSON: {said}");
    let calls = ["quote-1", "confirm-1", "cancel-1", "quote-2", "confirm-2"];
    for id in calls {
        let answered = |line: &&Value| line["message"] == "answered" && id_of(line) == Some(id);
        assert_eq!(lines.iter().filter(answered).count(), 1, "{id}: {said}");
    }
    // The second confirmation is declined, and a look-up goes behind that.
    for (id, times) in [("confirm-1", 1), ("cancel-1", 1), ("confirm-2", 2)] {
        let toss = |line: &&Value| line["message"] == "toss answered" && id_of(line) == Some(id);
        assert_eq!(lines.iter().filter(toss).count(), times, "{id}: {said}");
    }
    // Everything else is about the process itself.
    let own = ["starting", "serving", "asked to stop", "stopped"];
    for line in lines.iter().filter(|line| id_of(line).is_none()) {
        let message = line["message"].as_str().unwrap_or_default();
        let framework = line["target"].as_str().is_some_and(|target| !target.starts_with("gudok"));
        assert!(framework || own.contains(&message), "{line}");
    }
}

async fn of_many_callers_at_once_each_has_a_whole_line_as_soon_as_there_is_no_more_to_do(world: &World) {
    let serving = Serving::start(&world.variables).await;
    let client = serving.client(Some(SERVICE_KEY));
    let callers = (0..32).map(async |caller| {
        for call in 0..40 {
            let request = client.request("GET", "/v1/users/nobody/subscription");
            send(request.header("x-request-id", format!("many-{caller}-{call}"))).await.expect(404);
        }
    });
    join_all(callers).await;
    // It goes on serving, and nothing else comes that would push lines out.
    let ids = eventually("all lines are written", async || {
        let lines = serving.lines();
        let ids = lines.iter().filter_map(id_of).filter(|id| id.starts_with("many-")).map(str::to_owned);
        let ids: HashSet<String> = ids.collect();
        (ids.len() == 32 * 40).then_some(ids)
    })
    .await;
    let said = serving.said();
    let mixed = said.lines().find(|line| serde_json::from_str::<Value>(line).is_err());
    assert_eq!(mixed, None, "lines are mixed");
    let answered =
        said.lines().filter(|line| line.contains("\"answered\"") && line.contains("\"many-")).count();
    assert_eq!(answered, ids.len(), "a line came twice");
}
