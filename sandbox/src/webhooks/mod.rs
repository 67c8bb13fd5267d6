//! Webhooks: what Toss tells the shop by itself, how it insists, and how that goes wrong on demand.

pub(crate) mod body;
pub(crate) mod faults;
pub(crate) mod letter;
pub(crate) mod post;
pub(crate) mod queue;
mod sandbox;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::{Notify, watch};

use crate::{books::Change, ids, refusal::Refusal, sprinkle};
use faults::{WebhookFault, WebhookFaultKind, WebhookFaults};
use letter::{Heard, Held, Letter, WebhookState};
use queue::{Attempt, Queue};

/// The longest transmission id that a body of one's own may be sent under.
const MAX_TRANSMISSION_ID: usize = 200;

/// The webhooks that a call has caused and that have to do with its answer.
#[derive(Debug, Default)]
pub(crate) struct Caused {
    /// The answer waits for these.
    pub(crate) before: Vec<u64>,
    /// These wait for the answer.
    pub(crate) after: Vec<u64>,
}

/// Which events a shop is told of, as in Toss's developer centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subscriptions {
    pub(crate) payment_status_changed: bool,
    pub(crate) deposit_callback: bool,
}

/// Where webhooks go, which, and how each of them stands.
#[derive(Debug)]
pub(crate) struct Webhooks {
    pub(crate) url: Option<String>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) faults: WebhookFaults,
    pub(crate) queue: Queue,
    /// Wakes the task that sends.
    wake: Arc<Notify>,
    /// Tells whoever waits that something has come to an end.
    progress: watch::Sender<()>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            url: None,
            subscriptions: Subscriptions { payment_status_changed: true, deposit_callback: true },
            faults: WebhookFaults::default(),
            queue: Queue::default(),
            wake: Arc::default(),
            progress: watch::Sender::default(),
        }
    }
}

impl Webhooks {
    /// Tells the shop of a change, unless it did not subscribe to it. `by_call` says whether an answer will
    /// follow for which a webhook can wait.
    pub(crate) fn tell(
        &mut self,
        change: &Change,
        base: &str,
        unknown_fields: bool,
        by_call: bool,
    ) -> Caused {
        let mut caused = Caused::default();
        if self.url.is_none() {
            return caused;
        }
        let status =
            self.subscriptions.payment_status_changed.then(|| body::payment_status_changed(change, base));
        let deposit = self.subscriptions.deposit_callback.then(|| body::deposit_callback(change)).flatten();
        for mut body in status.into_iter().chain(deposit) {
            if unknown_fields {
                body.get_mut("data").into_iter().for_each(sprinkle::over);
                sprinkle::over(&mut body);
            }
            self.spoil(&body, change, by_call, &mut caused);
        }
        self.nudge();
        caused
    }

    /// Queues a webhook, after a fault has had its way with it.
    fn spoil(&mut self, body: &Value, change: &Change, by_call: bool, caused: &mut Caused) {
        let order_id = &change.payment.order_id;
        let fault = self.faults.take(order_id);
        let mut letter = Letter::new(ids::transmission(), body, Some(order_id.clone()), change.at);
        let kind = fault.as_ref().map(|fault| fault.fault);
        let held = match kind {
            Some(WebhookFaultKind::Reorder) => Some(Held::Overtaken),
            Some(WebhookFaultKind::Hold) => Some(Held::Released),
            Some(WebhookFaultKind::AfterAnswer) if by_call => Some(Held::Answered),
            _ => None,
        };
        if held.is_some() {
            (letter.state, letter.held, letter.next_at) = (WebhookState::HeldBack, held, None);
        }
        match (kind, &fault) {
            (Some(WebhookFaultKind::Drop), _) => {
                (letter.state, letter.next_at) = (WebhookState::Dropped, None);
            }
            (Some(WebhookFaultKind::Delay), Some(fault)) => letter.next_at = Some(change.at + fault.waits()),
            (Some(WebhookFaultKind::Duplicate | WebhookFaultKind::DuplicateNewId), Some(fault)) => {
                letter.at_once = true;
                for _ in 1..fault.sends() {
                    let mut copy = letter.clone();
                    if kind == Some(WebhookFaultKind::DuplicateNewId) {
                        copy.transmission_id = ids::transmission();
                    }
                    self.queue.add(copy);
                }
            }
            _ => {}
        }
        let id = self.queue.add(letter);
        match kind {
            Some(WebhookFaultKind::BeforeAnswer) => caused.before.push(id),
            Some(WebhookFaultKind::AfterAnswer) => caused.after.push(id),
            _ => {}
        }
    }

    /// Queues a body of the tester's own, which no subscription and no fault keeps back, and gives its
    /// transmission id.
    pub(crate) fn send(
        &mut self,
        body: &Value,
        transmission_id: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<String, Refusal> {
        if self.url.is_none() {
            return Err(Refusal::invalid("there is no webhook URL yet"));
        }
        let id = transmission_id.unwrap_or_else(ids::transmission);
        let visible = id.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || !(1..=MAX_TRANSMISSION_ID).contains(&id.len()) {
            return Err(Refusal::invalid("a transmission id has 1 to 200 visible ASCII characters"));
        }
        self.queue.add(Letter::new(id.clone(), body, body::order_of(body), now));
        self.nudge();
        Ok(id)
    }

    /// Sets where webhooks go from now on; what still waits goes there too.
    pub(crate) fn set_url(&mut self, url: Option<String>) -> Result<(), Refusal> {
        if let Some(url) = &url {
            check_url(url)?;
        }
        self.url = url;
        self.nudge();
        Ok(())
    }

    /// Adds a fault behind the others.
    pub(crate) fn inject(&mut self, fault: WebhookFault) {
        self.faults.add(fault);
    }

    /// Forgets all faults, lets go of the webhooks that they hold back, and says how many faults waited.
    pub(crate) fn clear_faults(&mut self, now: DateTime<Utc>) -> usize {
        self.queue.release(now);
        self.nudge();
        self.faults.clear()
    }

    /// Sends again now, as a person can in the developer centre; says how many.
    pub(crate) fn resend(&mut self, transmission_id: Option<&str>, now: DateTime<Utc>) -> usize {
        let count = self.queue.resend(transmission_id, now);
        self.nudge();
        count
    }

    /// The call that caused these is answered.
    pub(crate) fn answered(&mut self, ids: &[u64], now: DateTime<Utc>) {
        self.queue.answered(ids, now);
        self.nudge();
    }

    /// What is to be sent now; nothing while nobody said where to.
    pub(crate) fn take_due(&mut self, now: DateTime<Utc>, free: usize) -> Option<(String, Vec<Attempt>)> {
        let url = self.url.clone()?;
        Some((url, self.queue.take_due(now, free)))
    }

    /// How many are being sent or would be sent now.
    pub(crate) fn due(&self, now: DateTime<Utc>) -> usize {
        if self.url.is_some() { self.queue.due(now) } else { 0 }
    }

    /// Notes what an attempt came to.
    pub(crate) fn sent(&mut self, id: u64, heard: Heard, now: DateTime<Utc>) {
        self.queue.sent(id, heard, now);
        self.progress.send_replace(());
    }

    /// Has the sending task look at the queue.
    pub(crate) fn nudge(&self) {
        self.wake.notify_one();
    }

    /// What the sending task waits for.
    pub(crate) fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// What those wait for who want to know how deliveries go.
    pub(crate) fn progress(&self) -> watch::Receiver<()> {
        self.progress.subscribe()
    }
}

/// Refuses what no webhook can be sent to.
pub(crate) fn check_url(url: &str) -> Result<(), Refusal> {
    let parsed = reqwest::Url::parse(url).ok();
    if parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Ok(());
    }
    Err(Refusal::invalid("the webhook URL must begin with http:// or https://"))
}
