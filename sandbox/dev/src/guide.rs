//! What `cargo dev` prints: what to open, and a first purchase to paste.

use super::{ADMIN_KEY, SERVICE_KEY};

/// Says something to whoever ran the command.
#[expect(clippy::print_stdout, reason = "said to whoever ran the command")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// Says what to open and what to try.
pub(crate) fn print(gudok: &str, toss: &str, plan_id: &str, checkout: &str) {
    say(&format!(
        r#"
gudok is ready.

  Buy something  {checkout}
                 (alice's order, good for half an hour; the sandbox shows the payment window)
  Dashboard      {gudok}/admin    (sign in with {ADMIN_KEY})
  API docs       {gudok}/docs     (press Authorize and give {ADMIN_KEY})
  Toss sandbox   {toss}
  its bank       {toss}/sandbox/bank     (pays virtual accounts, which sends the webhook)
  keys           {ADMIN_KEY} · {SERVICE_KEY}

A first purchase, to paste into another terminal:

  # 1. quote an order
  ORDER=$(curl -s {gudok}/v1/temp-orders -H 'Authorization: Bearer {SERVICE_KEY}' -H 'Content-Type: application/json' \
    -d '{{"planId":"{plan_id}","userId":"alice"}}' | sed 's/.*"orderId":"\([^"]*\)".*/\1/')

  # 2. the buyer pays in Toss's window (the sandbox stands in for it)
  KEY=$(curl -s {toss}/sandbox/payments -H 'Content-Type: application/json' \
    -d '{{"orderId":"'$ORDER'","amount":9900}}' | sed 's/.*"paymentKey":"\([^"]*\)".*/\1/')

  # 3. confirm: now the money is taken, once
  curl -s {gudok}/v1/payments/confirm -H 'Authorization: Bearer {SERVICE_KEY}' -H 'Content-Type: application/json' \
    -d '{{"paymentKey":"'$KEY'","orderId":"'$ORDER'","amount":9900}}'; echo

  # 4. what may alice use?
  curl -s {gudok}/v1/users/alice/subscription -H 'Authorization: Bearer {SERVICE_KEY}'; echo

  # 5. give the money back
  curl -s {gudok}/v1/payments/$ORDER/cancel -H 'Authorization: Bearer {SERVICE_KEY}' -H 'Content-Type: application/json' \
    -d '{{"cancelReason":"changed my mind"}}'; echo

  # move the time of both: see a subscription expire, or the refund window close
  curl -s {toss}/sandbox/clock -H 'Content-Type: application/json' -d '{{"advance":"4d"}}'; echo

  # what the sandbox told gudok by itself: Toss's webhooks
  curl -s {toss}/sandbox/webhooks/counts; echo

Ctrl-C stops both. The next start begins anew.
"#
    ));
}
