//! The control calls under `/sandbox/webhooks`: where webhooks go, how they stand, and what goes wrong with them.

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{nothing_here, read, told};
use crate::{
    refusal::Refusal,
    state::{Shared, State},
    webhooks::{
        Webhooks,
        faults::{WebhookChaos, WebhookFault},
    },
};

/// `POST /sandbox/webhooks`: what is absent stays as it is, and a URL of `null` ends the sending.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Subscribe {
    #[serde(default, deserialize_with = "given")]
    url: Option<Option<String>>,
    payment_status_changed: Option<bool>,
    deposit_callback: Option<bool>,
}

/// `POST /sandbox/webhooks/send`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Send {
    body: Value,
    transmission_id: Option<String>,
}

/// `POST /sandbox/webhooks/resend`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Resend {
    transmission_id: Option<String>,
}

/// Tells `null` from absent.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(value).map(Some)
}

/// Serves one control call; `parts` is what follows `/sandbox/webhooks`.
pub(super) fn route(
    shared: &Shared,
    state: &mut State,
    method: &str,
    parts: &[&str],
    body: &[u8],
) -> Result<Value, Refusal> {
    let now = shared.options.clock.now();
    let webhooks = &mut state.webhooks;
    match (method, parts) {
        ("GET", []) => {
            let mut shown = settings(webhooks);
            shown["counts"] = told(&webhooks.queue.counts(now))?;
            shown["webhooks"] = told(&webhooks.queue.log(None))?;
            Ok(shown)
        }
        ("POST", []) => {
            let asked: Subscribe = read(body)?;
            if let Some(url) = asked.url {
                webhooks.set_url(url)?;
            }
            let on = &mut webhooks.subscriptions;
            on.payment_status_changed = asked.payment_status_changed.unwrap_or(on.payment_status_changed);
            on.deposit_callback = asked.deposit_callback.unwrap_or(on.deposit_callback);
            Ok(settings(webhooks))
        }
        ("GET", ["counts"]) => told(&webhooks.queue.counts(now)),
        ("POST", ["send"]) => {
            let asked: Send = read(body)?;
            Ok(json!({"transmissionId": webhooks.send(&asked.body, asked.transmission_id, now)?}))
        }
        ("POST", ["resend"]) => {
            let asked: Resend = if body.is_empty() { Resend::default() } else { read(body)? };
            Ok(json!({"resent": webhooks.resend(asked.transmission_id.as_deref(), now)}))
        }
        ("GET", ["faults"]) => Ok(faults(webhooks)),
        ("POST", ["faults"]) => {
            let fault: WebhookFault = read(body)?;
            fault.check()?;
            let echo = told(&fault);
            webhooks.inject(fault);
            echo
        }
        ("POST", ["faults", "random"]) => {
            let chaos: WebhookChaos = read(body)?;
            chaos.check()?;
            let echo = told(&chaos);
            webhooks.faults.by_chance(chaos);
            echo
        }
        ("DELETE", ["faults"]) => Ok(json!({"cleared": webhooks.clear_faults(now)})),
        _ => Err(nothing_here()),
    }
}

fn settings(webhooks: &Webhooks) -> Value {
    json!({
        "url": webhooks.url,
        "paymentStatusChanged": webhooks.subscriptions.payment_status_changed,
        "depositCallback": webhooks.subscriptions.deposit_callback,
    })
}

fn faults(webhooks: &Webhooks) -> Value {
    json!({
        "faults": webhooks.faults.waiting().collect::<Vec<_>>(),
        "random": webhooks.faults.chaos(),
        "struck": webhooks.faults.struck(),
    })
}
