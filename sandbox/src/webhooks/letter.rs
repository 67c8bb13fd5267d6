//! One webhook on its way to the shop, and how it stands.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use serde_json::Value;

/// How long Toss waits after each failed attempt before the next, in minutes.
const LADDER: [i64; 7] = [1, 4, 16, 64, 256, 1_024, 4_096];

/// How much is remembered of why an attempt failed.
const MAX_ERROR: usize = 500;

/// How a webhook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookState {
    /// It waits for its time, or for its turn.
    Waiting,
    /// A fault holds it back.
    HeldBack,
    /// It is being sent.
    Sending,
    /// The shop has answered 200.
    Delivered,
    /// All attempts were in vain.
    Failed,
    /// A fault made it go astray: it was never sent.
    Dropped,
}

/// A webhook, as the log shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// The header `tosspayments-webhook-transmission-id`; duplicates may share it.
    pub transmission_id: String,
    /// The order it is about, if its body names one.
    pub order_id: Option<String>,
    /// How it stands.
    pub state: WebhookState,
    /// How often it was sent.
    pub attempts: u32,
    /// The status of the shop's last answer; absent when the last attempt got none.
    pub last_status: Option<u16>,
    /// Why the last attempt got no answer.
    pub last_error: Option<String>,
    /// When it came to be, by the sandbox's clock.
    pub created_at: DateTime<Utc>,
    /// When it is sent next.
    pub next_at: Option<DateTime<Utc>>,
    /// What it says.
    pub body: Value,
}

/// What an attempt came to.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The shop answered with this status.
    Status(u16),
    /// There was no answer, and this is why.
    Nothing(String),
}

/// Until when a fault holds a webhook back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// Until a later one about the same order was sent.
    Overtaken,
    /// Until the faults are cleared.
    Released,
    /// Until the call that caused it is answered.
    Answered,
}

/// A webhook in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) transmission_id: String,
    pub(crate) body: Arc<str>,
    pub(crate) order_id: Option<String>,
    /// Whether it may be sent while another one about the same order is.
    pub(crate) at_once: bool,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) state: WebhookState,
    pub(crate) held: Option<Held>,
    pub(crate) attempts: u32,
    pub(crate) last_status: Option<u16>,
    pub(crate) last_error: Option<String>,
    pub(crate) next_at: Option<DateTime<Utc>>,
}

impl Letter {
    /// A webhook that is due at once.
    pub(crate) fn new(
        transmission_id: String,
        body: &Value,
        order_id: Option<String>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            transmission_id,
            body: body.to_string().into(),
            order_id,
            at_once: false,
            created_at: now,
            state: WebhookState::Waiting,
            held: None,
            attempts: 0,
            last_status: None,
            last_error: None,
            next_at: Some(now),
        }
    }

    /// Whether nothing more will happen to it by itself.
    pub(crate) fn finished(&self) -> bool {
        matches!(self.state, WebhookState::Delivered | WebhookState::Failed | WebhookState::Dropped)
    }

    /// Notes what an attempt came to: only 200 will do, and everything else is tried again, seven times.
    pub(crate) fn heard(&mut self, heard: Heard, now: DateTime<Utc>) {
        let retry = usize::try_from(self.attempts).ok().and_then(|at| LADDER.get(at));
        self.attempts = self.attempts.saturating_add(1);
        self.held = None;
        (self.last_status, self.last_error) = match heard {
            Heard::Status(status) => (Some(status), None),
            Heard::Nothing(mut why) => {
                why.truncate(why.floor_char_boundary(MAX_ERROR));
                (None, Some(why))
            }
        };
        (self.state, self.next_at) = match (self.last_status, retry) {
            (Some(200), _) => (WebhookState::Delivered, None),
            (_, Some(minutes)) => (WebhookState::Waiting, Some(now + Duration::minutes(*minutes))),
            (_, None) => (WebhookState::Failed, None),
        };
    }

    /// The entry in the log.
    pub(crate) fn shown(&self) -> Webhook {
        Webhook {
            transmission_id: self.transmission_id.clone(),
            order_id: self.order_id.clone(),
            state: self.state,
            attempts: self.attempts,
            last_status: self.last_status,
            last_error: self.last_error.clone(),
            created_at: self.created_at,
            next_at: self.next_at,
            body: serde_json::from_str(&self.body).unwrap_or_default(),
        }
    }
}
