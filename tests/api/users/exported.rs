//! Exports: everything that the books hold about one user, and nothing about another.

use gudok::users::{ExportError, export};
use serde_json::Value;

use super::{ALICE, Life, REASON, alice};
use crate::support::scenario::scenarios;
use crate::support::world::World;

scenarios![an_export_holds_all_about_its_user_and_nothing_about_others, nobody_has_no_export];

async fn exported(world: &World) -> (Value, String) {
    let mut out = Vec::new();
    export(&world.app, &alice(), &mut out, world.app.clock.now()).await.expect("exported");
    let text = String::from_utf8(out).expect("text");
    (serde_json::from_str(&text).expect("one JSON document"), text)
}

async fn an_export_holds_all_about_its_user_and_nothing_about_others(world: &World) {
    let life = Life::lived(world).await;
    let (document, text) = exported(world).await;
    assert_eq!(document["userId"], ALICE);
    assert_eq!(document["subscription"]["status"], "ACTIVE");
    let payments = document["payments"].as_array().expect("payments");
    assert_eq!(payments.len(), 4);
    let of = |order: &str| payments.iter().find(|row| row["orderId"] == order).expect("the order").clone();
    let bought = of(&life.bought.order_id);
    assert_eq!((&bought["amount"], &bought["balanceAmount"]), (&9_900.into(), &8_900.into()));
    assert_eq!(bought["refunds"][0]["reason"], REASON);
    assert_eq!(bought["periods"].as_array().map(Vec::len), Some(1));
    assert_eq!(bought["events"].as_array().map(Vec::len), Some(3));
    assert!(bought["webhooks"].as_array().is_some_and(|hints| !hints.is_empty()), "{bought}");
    let deposited = of(&life.deposited.order_id);
    assert_eq!(deposited["virtualAccount"]["accountNumber"], life.account_number.as_str());
    assert!(of(&life.failed.order_id)["failureMessage"].as_str().is_some_and(|words| words.contains(ALICE)));
    assert!(payments.iter().any(|row| row["eventEntries"][0]["amount"] == 5_000), "{text}");
    let quotes = document["tempOrders"].as_array().expect("quotes");
    let quoted =
        quotes.iter().find(|row| row["orderId"] == life.quoted.order_id.as_str()).expect("the quote");
    assert!(quoted["checkout"]["successUrl"].is_string());
    assert_eq!(document["requests"][0]["idempotencyKey"], "alice-2");
    assert!(!text.contains("bob") && !text.contains("secret"), "{text}");
}

async fn nobody_has_no_export(world: &World) {
    let mut out = Vec::new();
    let refused = export(&world.app, &alice(), &mut out, world.app.clock.now()).await.expect_err("nobody");
    assert!(matches!(refused, ExportError::NoSuchUser) && out.is_empty(), "{refused}");
}
