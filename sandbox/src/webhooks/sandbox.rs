//! What a test in the same process can ask of the sandbox about webhooks.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    faults::{WebhookChaos, WebhookFault, WebhookFaultKind},
    letter::Webhook,
    queue::WebhookCounts,
};
use crate::{refusal::Refusal, server::Sandbox};

impl Sandbox {
    /// Sets where webhooks go from now on; with nothing, changes are not told any more.
    ///
    /// What was not delivered yet goes to the new URL. Refused when it is neither http nor https.
    pub fn set_webhook_url(&self, url: Option<String>) -> Result<(), Refusal> {
        self.shared.change(|state, _| state.webhooks.set_url(url))
    }

    /// Subscribes to `PAYMENT_STATUS_CHANGED`, which is the default, or unsubscribes.
    pub fn payment_status_changed(&self, on: bool) {
        self.shared.change(|state, _| state.webhooks.subscriptions.payment_status_changed = on);
    }

    /// Subscribes to `DEPOSIT_CALLBACK`, which is the default, or unsubscribes.
    pub fn deposit_callback(&self, on: bool) {
        self.shared.change(|state, _| state.webhooks.subscriptions.deposit_callback = on);
    }

    /// Sends any body, under this transmission id or a new one, and gives the id.
    ///
    /// Neither subscriptions nor faults keep it back. Refused while there is no webhook URL, and for a
    /// transmission id that no header can carry.
    pub fn send_webhook(&self, body: Value, transmission_id: Option<String>) -> Result<String, Refusal> {
        self.shared.change(|state, now| state.webhooks.send(&body, transmission_id, now))
    }

    /// Sends again now: the webhooks with this transmission id, even delivered ones, or without an id all that
    /// were sent and not taken. Says how many.
    pub fn resend_webhooks(&self, transmission_id: Option<&str>) -> usize {
        self.shared.change(|state, now| state.webhooks.resend(transmission_id, now))
    }

    /// Lets something go wrong with a webhook.
    pub fn inject_webhook(&self, fault: WebhookFault) {
        self.shared.change(|state, _| state.webhooks.inject(fault));
    }

    /// Lets a share of all webhooks suffer, until the faults are cleared. Without kinds nothing does.
    pub fn webhook_chaos(&self, chaos: WebhookChaos) {
        self.shared.change(|state, _| state.webhooks.faults.by_chance(chaos));
    }

    /// Forgets the faults of webhooks, and sends what they held back.
    pub fn clear_webhook_faults(&self) {
        self.shared.change(|state, now| state.webhooks.clear_faults(now));
    }

    /// How many webhooks each kind of fault has struck since the sandbox started.
    pub fn webhook_faults_struck(&self) -> BTreeMap<WebhookFaultKind, u64> {
        self.shared.state().webhooks.faults.struck().clone()
    }

    /// The log of webhooks, oldest first: the last 10,000, duplicates each for themselves.
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.shared.change(|state, _| state.webhooks.queue.log(None))
    }

    /// How many webhooks stand how.
    pub fn webhook_counts(&self) -> WebhookCounts {
        self.shared.change(|state, now| state.webhooks.queue.counts(now))
    }

    /// Waits until no webhook is due: none is being sent, and none is to be sent before the clock moves on or a
    /// fault lets go of it.
    pub async fn webhooks_idle(&self) {
        let mut progress = self.shared.state().webhooks.progress();
        loop {
            progress.mark_unchanged();
            let due = self.shared.change(|state, now| {
                state.webhooks.nudge();
                state.webhooks.due(now)
            });
            if due == 0 {
                return;
            }
            // The sandbox holds the sender for as long as it lives, and it is borrowed here.
            let _ = progress.changed().await;
        }
    }
}
