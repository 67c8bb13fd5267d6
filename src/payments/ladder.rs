//! How long to wait before Toss is asked again: seconds at first, then slower, never giving up.

use chrono::Duration;

/// Seconds between one question and the next.
const STEPS: [i64; 14] = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 21_600];

/// The wait after `tries` questions in vain. Up to a fifth is added by chance, so that orders that failed together do
/// not come back together.
pub fn next_delay(tries: i32) -> Duration {
    let step = usize::try_from(tries).unwrap_or(0).min(STEPS.len() - 1);
    let millis = STEPS[step] * 1_000;
    Duration::milliseconds(millis + rand::random_range(0..=millis / 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_rises_and_ends_at_six_hours() {
        assert!(next_delay(0) <= Duration::milliseconds(1_200));
        for tries in [13, 14, 1_000_000, i32::MAX] {
            let wait = next_delay(tries);
            assert!(wait >= Duration::hours(6) && wait <= Duration::minutes(432));
        }
    }
}
