//! Faults on demand: what goes wrong, on which call, how often or by which chance.

mod chaos;
mod fault;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::sync::watch;

use crate::dice::Dice;
pub use chaos::Chaos;
pub use fault::{Fault, FaultKind, Operation};

/// How many faults can wait at a time; the oldest is forgotten first.
const MAX_RULES: usize = 1_000;

/// No answer is held back longer than this.
const MAX_DELAY_MS: u64 = 600_000;

/// A fault that strikes a call now.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) fault: Fault,
    cleared: watch::Receiver<()>,
}

impl Taken {
    /// Holds the call back, until the time is over or the faults are cleared.
    pub(crate) async fn wait(&mut self) {
        let time = Duration::from_millis(self.fault.delay_ms.unwrap_or(1_000).min(MAX_DELAY_MS));
        // Time over, faults cleared, sandbox gone: each ends the wait, and which it was does not matter.
        let _ = tokio::time::timeout(time, self.cleared.changed()).await;
    }
}

/// The faults that wait, the share of calls that suffers by chance, and how many were struck.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: VecDeque<Fault>,
    chaos: Option<(Chaos, Dice)>,
    struck: BTreeMap<FaultKind, u64>,
    cleared: watch::Sender<()>,
}

impl Faults {
    /// Adds a fault behind the others.
    pub(crate) fn add(&mut self, fault: Fault) {
        if fault.times == 0 {
            return;
        }
        if self.waiting.len() >= MAX_RULES {
            self.waiting.pop_front();
        }
        self.waiting.push_back(fault);
    }

    /// From now on a share of all calls suffers.
    pub(crate) fn by_chance(&mut self, chaos: Chaos) {
        let dice = Dice::new(chaos.seed, chaos.per_mille, chaos.max_delay_ms);
        self.chaos = Some((chaos, dice));
    }

    /// Forgets all faults, lets go of the calls that a delay holds back, and says how many faults waited. What
    /// was struck stays counted.
    pub(crate) fn clear(&mut self) -> usize {
        self.chaos = None;
        self.cleared.send_replace(());
        std::mem::take(&mut self.waiting).len()
    }

    /// The faults that wait, with the times that are left.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Fault> {
        self.waiting.iter()
    }

    /// The share of calls that suffers by chance.
    pub(crate) fn chaos(&self) -> Option<&Chaos> {
        self.chaos.as_ref().map(|(chaos, _)| chaos)
    }

    /// How many calls each kind has struck.
    pub(crate) fn struck(&self) -> &BTreeMap<FaultKind, u64> {
        &self.struck
    }

    /// Takes the first fault that fits the call; where none does, chance decides. A call that is answered from
    /// the idempotency store decides nothing any more, so a decline waits for the next one.
    pub(crate) fn take(
        &mut self,
        operation: Operation,
        order_id: Option<&str>,
        replay: bool,
    ) -> Option<Taken> {
        let fault = self.next(operation, order_id, replay).or_else(|| self.chance(operation, replay))?;
        *self.struck.entry(fault.fault).or_default() += 1;
        Some(Taken { fault, cleared: self.cleared.subscribe() })
    }

    fn chance(&mut self, operation: Operation, replay: bool) -> Option<Fault> {
        let (chaos, dice) = self.chaos.as_mut().filter(|(chaos, _)| chaos.fits(operation))?;
        let roll = dice.roll(&chaos.kinds)?;
        let mut fault = Fault::new(operation, roll.kind);
        (fault.delay_ms, fault.delay_before) = (Some(roll.delay_ms), roll.coin);
        (!replay || fault.fault != FaultKind::Reject).then_some(fault)
    }

    fn next(&mut self, operation: Operation, order_id: Option<&str>, replay: bool) -> Option<Fault> {
        let at = self.waiting.iter().position(|fault| {
            fault.fits(operation, order_id) && !(replay && fault.fault == FaultKind::Reject)
        })?;
        let fault = self.waiting.get_mut(at)?;
        fault.times -= 1;
        let fault = fault.clone();
        if fault.times == 0 {
            self.waiting.remove(at);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_taken_in_order_by_call_and_by_order() {
        let mut faults = Faults::default();
        faults.add(Fault::new(Operation::Confirm, FaultKind::DropAfter).for_order("order-0001").times(2));
        faults.add(Fault::new(Operation::Any, FaultKind::Html));
        let mut take = |operation, order| faults.take(operation, order, false).map(|taken| taken.fault.fault);
        assert_eq!(take(Operation::Confirm, Some("order-0001")), Some(FaultKind::DropAfter));
        assert_eq!(take(Operation::Confirm, Some("order-0002")), Some(FaultKind::Html));
        assert_eq!(take(Operation::Confirm, Some("order-0002")), None);
        assert_eq!(take(Operation::Confirm, Some("order-0001")), Some(FaultKind::DropAfter));
        assert_eq!(take(Operation::Confirm, Some("order-0001")), None);
    }

    #[test]
    fn the_same_seed_strikes_the_same_calls_and_counts_by_kind() {
        let run = |seed| {
            let mut faults = Faults::default();
            let kinds = [FaultKind::DropAfter, FaultKind::InFlight, FaultKind::Reject];
            faults.by_chance(Chaos::new(seed, 300, kinds).on([Operation::Confirm]));
            assert!((0..50).all(|_| faults.take(Operation::Get, None, false).is_none()));
            let mut take =
                |replay| faults.take(Operation::Confirm, None, replay).map(|taken| taken.fault.fault);
            let struck: Vec<_> = (0..200).map(|n| take(n % 2 == 0)).collect();
            (struck, faults.struck().clone())
        };
        let (struck, counts) = run(7);
        assert_eq!((struck.clone(), counts.clone()), run(7));
        assert_ne!(struck, run(8).0);
        assert!(struck.iter().step_by(2).all(|kind| *kind != Some(FaultKind::Reject)));
        let by_hand = struck.iter().filter(|kind| **kind == Some(FaultKind::InFlight)).count();
        assert_eq!(counts[&FaultKind::InFlight], by_hand as u64);
        assert_eq!(counts.values().sum::<u64>(), struck.iter().flatten().count() as u64);
    }

    #[test]
    fn a_decline_is_not_spent_on_a_replay() {
        let mut faults = Faults::default();
        faults.add(Fault::new(Operation::Confirm, FaultKind::Reject).code("REJECT_CARD_COMPANY"));
        assert!(faults.take(Operation::Confirm, None, true).is_none());
        let fault = faults.take(Operation::Confirm, None, false).unwrap().fault;
        assert_eq!((fault.refusal().status(), fault.refusal().code()), (403, "REJECT_CARD_COMPANY"));
    }
}
