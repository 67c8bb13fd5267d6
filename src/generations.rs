//! A map of what was used lately, bounded whatever strangers send.

use std::collections::HashMap;
use std::hash::Hash;

/// Microseconds since 1970.
pub(crate) type Micros = i64;

/// What was used lately, and what was before that: each at most half of all. Whatever a whole generation has not used
/// goes with it, so that nothing must ever be searched for what is old.
#[derive(Debug)]
pub(crate) struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
    lasts: Micros,
    began: Micros,
}

impl<K: Eq + Hash, V: Clone> Generations<K, V> {
    /// At most `most`, each kept for at least `lasts` after its last use unless there are too many.
    pub(crate) fn new(most: usize, lasts: Micros) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: most / 2, lasts, began: Micros::MIN }
    }

    /// The value of `key`; to look at it is no use of it.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.young.get(key).or_else(|| self.old.get(key)).cloned()
    }

    /// The value of `key`, which is used.
    pub(crate) fn renew(&mut self, key: &K, now: Micros) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.put(key, value.clone(), now);
        Some(value)
    }

    /// Sets the value of `key`, which is used. Callers read the time before they wait for each other, so `now` may lie a little
    /// before another's.
    pub(crate) fn put(&mut self, key: K, value: V, now: Micros) {
        let age = now.saturating_sub(self.began);
        if age.unsigned_abs() >= self.lasts.unsigned_abs() || self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
            self.began = now;
        }
        self.young.insert(key, value);
    }

    /// Forgets `key`.
    pub(crate) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: Micros = 100;

    #[test]
    fn no_more_is_kept_than_is_allowed() {
        let mut all = Generations::new(10, LASTS);
        for key in 0..1_000 {
            all.put(key, (), 0);
            assert!(all.young.len() + all.old.len() <= 10);
        }
        assert_eq!(all.get(&999), Some(()));
    }

    #[test]
    fn what_is_used_stays_and_what_is_only_looked_at_goes() {
        let mut all = Generations::new(10, LASTS);
        all.put("used", 1, 0);
        all.put("looked at", 2, 0);
        all.put("third", 3, LASTS);
        assert_eq!((all.renew(&"used", LASTS), all.get(&"looked at")), (Some(1), Some(2)));
        all.put("fourth", 4, 2 * LASTS);
        assert_eq!((all.get(&"used"), all.get(&"looked at")), (Some(1), None));
        all.remove(&"used");
        assert_eq!(all.renew(&"used", 2 * LASTS), None);
    }

    #[test]
    fn who_comes_with_an_older_time_costs_nobody_their_place() {
        let mut all = Generations::new(10, LASTS);
        all.put("hot", 1, 0);
        all.put("new", 2, LASTS);
        all.put("late", 3, LASTS - 1);
        assert_eq!(all.get(&"hot"), Some(1));
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nothing_for_long() {
        let mut all = Generations::new(10, LASTS);
        all.put("before", 1, 1_000 * LASTS);
        all.put("after", 2, 0);
        all.put("later", 3, LASTS);
        assert_eq!((all.get(&"before"), all.get(&"after")), (None, Some(2)));
    }
}
