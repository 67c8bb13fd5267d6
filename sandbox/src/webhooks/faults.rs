//! Faults of webhooks on demand: which go astray, come twice, late or in the wrong order.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::{dice::Dice, refusal::Refusal};

/// How many faults can wait at a time; the oldest is forgotten first.
const MAX_RULES: usize = 1_000;

/// No webhook is held back longer than a week by a delay.
const MAX_DELAY_MS: u64 = 7 * 86_400_000;

/// No webhook is sent more often than this at once.
const MAX_COPIES: u32 = 100;

/// What goes wrong with a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookFaultKind {
    /// It is sent `copies` times at once, each under the same transmission id.
    Duplicate,
    /// It is sent `copies` times at once, each under a transmission id of its own.
    DuplicateNewId,
    /// It waits until a later one about the same order was sent, or until the faults are cleared.
    Reorder,
    /// It waits until the faults are cleared.
    Hold,
    /// It waits for `delay_ms` by the sandbox's clock, or until the faults are cleared.
    Delay,
    /// It is never sent.
    Drop,
    /// The answer of the API call that caused it waits until the shop has answered the webhook.
    BeforeAnswer,
    /// It is not sent before the API call that caused it is answered.
    AfterAnswer,
}

/// One fault, waiting for its webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookFault {
    /// What goes wrong.
    pub fault: WebhookFaultKind,
    /// How many webhooks it spoils.
    #[serde(default = "once")]
    pub times: u32,
    /// How often a duplicate is sent in all; twice when absent.
    #[serde(default)]
    pub copies: Option<u32>,
    /// How long a delay takes, by the sandbox's clock; a second when absent.
    #[serde(default)]
    pub delay_ms: Option<u64>,
    /// Only webhooks about this order.
    #[serde(default)]
    pub order_id: Option<String>,
}

fn once() -> u32 {
    1
}

impl WebhookFault {
    /// A fault that spoils the next webhook.
    pub fn new(fault: WebhookFaultKind) -> Self {
        Self { fault, times: 1, copies: None, delay_ms: None, order_id: None }
    }

    /// The same fault, this many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The same duplicate, sent this many times in all.
    #[must_use]
    pub fn copies(mut self, copies: u32) -> Self {
        self.copies = Some(copies);
        self
    }

    /// The same fault with this delay, by the sandbox's clock.
    #[must_use]
    pub fn delay(mut self, delay: std::time::Duration) -> Self {
        self.delay_ms = Some(u64::try_from(delay.as_millis()).unwrap_or(MAX_DELAY_MS));
        self
    }

    /// The same fault, for one order only.
    #[must_use]
    pub fn for_order(mut self, order_id: impl Into<String>) -> Self {
        self.order_id = Some(order_id.into());
        self
    }

    /// Refuses what could never happen.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.times == 0 {
            return Err(Refusal::invalid("times must be at least 1"));
        }
        if self.copies.is_some_and(|copies| !(2..=MAX_COPIES).contains(&copies)) {
            return Err(Refusal::invalid("copies must be 2 to 100"));
        }
        if self.delay_ms.is_some_and(|ms| ms > MAX_DELAY_MS) {
            return Err(Refusal::invalid("delayMs must be at most a week"));
        }
        Ok(())
    }

    /// How often a duplicate is sent in all.
    pub(crate) fn sends(&self) -> u32 {
        self.copies.unwrap_or(2).clamp(1, MAX_COPIES)
    }

    /// How long a delay takes.
    pub(crate) fn waits(&self) -> chrono::Duration {
        let ms = self.delay_ms.unwrap_or(1_000).min(MAX_DELAY_MS);
        chrono::Duration::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}

/// A share of all webhooks that suffers, by chance and reproducibly, until the faults are cleared.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookChaos {
    /// Where the chance begins: the same seed strikes the same webhooks of the same sequence.
    pub seed: u64,
    /// How many of 1,000 webhooks suffer.
    pub per_mille: u32,
    /// What they suffer, each kind as likely as the others.
    pub kinds: Vec<WebhookFaultKind>,
    /// The longest of the delays, which are chosen by chance; a second when absent.
    #[serde(default)]
    pub max_delay_ms: Option<u64>,
}

impl WebhookChaos {
    /// This share of webhooks, with these kinds of faults.
    pub fn new(seed: u64, per_mille: u32, kinds: impl Into<Vec<WebhookFaultKind>>) -> Self {
        Self { seed, per_mille, kinds: kinds.into(), max_delay_ms: None }
    }

    /// Refuses what could never happen.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.per_mille > 1_000 || self.kinds.is_empty() {
            return Err(Refusal::invalid("perMille must be at most 1000, and kinds must not be empty"));
        }
        if self.max_delay_ms.is_some_and(|ms| ms > MAX_DELAY_MS) {
            return Err(Refusal::invalid("maxDelayMs must be at most a week"));
        }
        Ok(())
    }
}

/// The faults that wait, the share that suffers by chance, and how many were struck.
#[derive(Debug, Default)]
pub(crate) struct WebhookFaults {
    waiting: VecDeque<WebhookFault>,
    chaos: Option<(WebhookChaos, Dice)>,
    struck: BTreeMap<WebhookFaultKind, u64>,
}

impl WebhookFaults {
    /// Adds a fault behind the others.
    pub(crate) fn add(&mut self, fault: WebhookFault) {
        if fault.times == 0 {
            return;
        }
        if self.waiting.len() >= MAX_RULES {
            self.waiting.pop_front();
        }
        self.waiting.push_back(fault);
    }

    /// From now on a share of all webhooks suffers.
    pub(crate) fn by_chance(&mut self, chaos: WebhookChaos) {
        let dice = Dice::new(chaos.seed, chaos.per_mille, chaos.max_delay_ms);
        self.chaos = Some((chaos, dice));
    }

    /// Forgets all faults and says how many waited; what was struck stays counted.
    pub(crate) fn clear(&mut self) -> usize {
        self.chaos = None;
        std::mem::take(&mut self.waiting).len()
    }

    /// The faults that wait, with the times that are left.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &WebhookFault> {
        self.waiting.iter()
    }

    /// The share that suffers by chance.
    pub(crate) fn chaos(&self) -> Option<&WebhookChaos> {
        self.chaos.as_ref().map(|(chaos, _)| chaos)
    }

    /// How many webhooks each kind has struck.
    pub(crate) fn struck(&self) -> &BTreeMap<WebhookFaultKind, u64> {
        &self.struck
    }

    /// Takes the first fault that fits a webhook about this order; where none does, chance decides.
    pub(crate) fn take(&mut self, order_id: &str) -> Option<WebhookFault> {
        let fault = self.next(order_id).or_else(|| self.chance())?;
        *self.struck.entry(fault.fault).or_default() += 1;
        Some(fault)
    }

    fn next(&mut self, order_id: &str) -> Option<WebhookFault> {
        let fits = |fault: &WebhookFault| fault.order_id.as_deref().is_none_or(|wanted| wanted == order_id);
        let at = self.waiting.iter().position(fits)?;
        let fault = self.waiting.get_mut(at)?;
        fault.times -= 1;
        let fault = fault.clone();
        if fault.times == 0 {
            self.waiting.remove(at);
        }
        Some(fault)
    }

    fn chance(&mut self) -> Option<WebhookFault> {
        let (chaos, dice) = self.chaos.as_mut()?;
        let roll = dice.roll(&chaos.kinds)?;
        let mut fault = WebhookFault::new(roll.kind);
        fault.delay_ms = Some(roll.delay_ms);
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_taken_by_order_and_counted() {
        let mut faults = WebhookFaults::default();
        faults.add(WebhookFault::new(WebhookFaultKind::Drop).for_order("order-0002").times(2));
        faults.add(WebhookFault::new(WebhookFaultKind::Duplicate));
        let mut take = |order| faults.take(order).map(|fault| fault.fault);
        assert_eq!(take("order-0001"), Some(WebhookFaultKind::Duplicate));
        assert_eq!(take("order-0001"), None);
        assert_eq!(take("order-0002"), Some(WebhookFaultKind::Drop));
        assert_eq!(take("order-0002"), Some(WebhookFaultKind::Drop));
        assert_eq!(take("order-0002"), None);
        assert_eq!(faults.struck()[&WebhookFaultKind::Drop], 2);
    }

    #[test]
    fn the_same_seed_strikes_the_same_webhooks() {
        let sequence = |seed| {
            let mut faults = WebhookFaults::default();
            let kinds = [WebhookFaultKind::Drop, WebhookFaultKind::Duplicate];
            faults.by_chance(WebhookChaos::new(seed, 300, kinds));
            (0..100).map(|_| faults.take("order-0001").map(|fault| fault.fault)).collect::<Vec<_>>()
        };
        assert_eq!(sequence(7), sequence(7));
        assert_ne!(sequence(7), sequence(8));
    }
}
