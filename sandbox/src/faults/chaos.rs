//! Chance: a share of all calls suffers, the same ones for the same seed.

use serde::{Deserialize, Serialize};

use super::{FaultKind, MAX_DELAY_MS, Operation};
use crate::refusal::Refusal;

/// A share of all calls that suffers, by chance and reproducibly, until the faults are cleared.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chaos {
    /// Where the chance begins: the same seed strikes the same calls of the same sequence.
    pub seed: u64,
    /// How many of 1,000 calls suffer.
    pub per_mille: u32,
    /// What they suffer, each kind as likely as the others.
    pub kinds: Vec<FaultKind>,
    /// Which calls; all when empty.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// The longest of the delays, which are chosen by chance and come before or after the effect; a second
    /// when absent.
    #[serde(default)]
    pub max_delay_ms: Option<u64>,
}

impl Chaos {
    /// This share of all calls, with these kinds of faults.
    pub fn new(seed: u64, per_mille: u32, kinds: impl Into<Vec<FaultKind>>) -> Self {
        Self { seed, per_mille, kinds: kinds.into(), operations: Vec::new(), max_delay_ms: None }
    }

    /// The same share, of these calls only.
    #[must_use]
    pub fn on(mut self, operations: impl Into<Vec<Operation>>) -> Self {
        self.operations = operations.into();
        self
    }

    /// Refuses what could never happen.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.per_mille > 1_000 || self.kinds.is_empty() {
            return Err(Refusal::invalid("perMille must be at most 1000, and kinds must not be empty"));
        }
        if self.max_delay_ms.is_some_and(|ms| ms > MAX_DELAY_MS) {
            return Err(Refusal::invalid("maxDelayMs must be at most 600000"));
        }
        Ok(())
    }

    pub(super) fn fits(&self, operation: Operation) -> bool {
        self.operations.is_empty()
            || self.operations.contains(&operation)
            || self.operations.contains(&Operation::Any)
    }
}
