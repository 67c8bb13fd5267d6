//! Reproducible chance: which calls and webhooks suffer when a share of them is to.

use rand::{Rng, SeedableRng, rngs::StdRng};

/// What a throw that strikes has decided.
#[derive(Debug)]
pub(crate) struct Roll<K> {
    pub(crate) kind: K,
    /// How long a delay takes.
    pub(crate) delay_ms: u64,
    /// Which of two ways, where there are two.
    pub(crate) coin: bool,
}

/// Dice that fall alike for the same seed, and apart from it only depend on how often they were thrown.
#[derive(Debug)]
pub(crate) struct Dice {
    rng: StdRng,
    per_mille: u32,
    max_delay_ms: u64,
}

impl Dice {
    /// Dice that strike this share of throws; a delay is at most a second unless told otherwise.
    pub(crate) fn new(seed: u64, per_mille: u32, max_delay_ms: Option<u64>) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), per_mille, max_delay_ms: max_delay_ms.unwrap_or(1_000) }
    }

    /// Throws for one of these kinds, or for none.
    pub(crate) fn roll<K: Copy>(&mut self, kinds: &[K]) -> Option<Roll<K>> {
        // Every throw uses up as much chance as the others, so that a strike does not shift those after it.
        let strikes = self.rng.random_range(0..1_000_u32) < self.per_mille;
        let (which, delay, coin) = (self.rng.random::<u32>(), self.rng.random::<u64>(), self.rng.random());
        let count = u32::try_from(kinds.len()).ok().filter(|count| *count > 0)?;
        let kind = *kinds.get(usize::try_from(which % count).ok()?)?;
        strikes.then(|| Roll { kind, delay_ms: delay % self.max_delay_ms.saturating_add(1), coin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_kept_and_nothing_comes_of_no_kinds() {
        let mut dice = Dice::new(1, 250, Some(5));
        let rolls: Vec<_> = (0..4_000).filter_map(|_| dice.roll(&['a', 'b'])).collect();
        assert!((800..1_200).contains(&rolls.len()), "{}", rolls.len());
        assert!(rolls.iter().any(|roll| roll.kind == 'a') && rolls.iter().any(|roll| roll.kind == 'b'));
        assert!(rolls.iter().all(|roll| roll.delay_ms <= 5));
        assert!(dice.roll::<char>(&[]).is_none());
        assert!(Dice::new(1, 0, None).roll(&['a']).is_none());
    }
}
