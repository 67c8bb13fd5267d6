//! What histories come by: a model that is never shown anything proves nothing.

use std::collections::BTreeMap;

use super::books::Ours;
use super::expected::Order;
use super::replies::Expected;
use super::toss::{Answer, Ask};

/// How often histories came by what.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<String, usize>);

impl Tally {
    /// Counts what an act came to.
    pub(crate) fn act(&mut self, expected: &Expected, put_off: bool) {
        match expected {
            Expected::Nothing => {}
            Expected::Refused(_, code) => self.add(format!("refused: {code}")),
            Expected::Standing => self.add("repeated".to_owned()),
            Expected::Asked if put_off => self.add("put off".to_owned()),
            Expected::Asked => self.add("asked".to_owned()),
        }
    }

    /// Counts what Toss was asked and answered.
    pub(crate) fn answer(&mut self, ask: &Ask, answer: &Answer) {
        let call = match ask {
            Ask::Confirm { .. } => "confirm",
            Ask::Cancel { .. } => "cancel",
            Ask::LookUp { .. } => "look-up",
            Ask::LookUpOrder { .. } => "look-up by order",
        };
        let said = match answer {
            Answer::Payment => "the payment",
            Answer::Error { status: 429, .. } => "too many",
            Answer::Error { code, .. } => code,
            Answer::Silence => "silence",
        };
        self.add(format!("{call}: {said}"));
    }

    /// Counts how an order ended.
    pub(crate) fn order(&mut self, order: &Order, ours: Option<&Ours>) {
        let Some(ours) = ours else { return self.add("order: never paid".to_owned()) };
        self.add(format!("order: {:?}, {}", ours.status, if ours.balance > 0 { "money" } else { "none" }));
        self.add(format!("order: {} attempts", order.claims.len()));
        for (from, to, _) in &ours.moves {
            self.add(format!("move: {from:?} to {to:?}"));
        }
        for refund in &ours.refunds {
            self.add(format!("refund: {:?}", refund.status));
        }
        for (_, undone) in &ours.compensations {
            self.add(format!("compensation: {undone:?}"));
        }
    }

    /// What was counted.
    pub(crate) fn counts(self) -> BTreeMap<String, usize> {
        self.0
    }

    fn add(&mut self, what: String) {
        *self.0.entry(what).or_default() += 1;
    }
}
