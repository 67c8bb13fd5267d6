//! Until when a payment is given back.

use chrono::{DateTime, Duration, SubsecRound, Utc};

/// Whether `now` is inside the window that opens with the approval; its last second still is.
pub(crate) fn is_open(approved_at: DateTime<Utc>, window: Duration, now: DateTime<Utc>) -> bool {
    approved_at.checked_add_signed(window).is_none_or(|end| now.trunc_subsecs(0) <= end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_second_is_inside_and_the_next_is_not() {
        let approved = DateTime::from_timestamp(1_800_000_000, 0).expect("in range");
        let (window, micro) = (Duration::days(3), Duration::microseconds(1));
        assert!(is_open(approved, window, approved + window));
        assert!(is_open(approved, window, approved + window + Duration::seconds(1) - micro));
        assert!(!is_open(approved, window, approved + window + Duration::seconds(1)));
    }
}
