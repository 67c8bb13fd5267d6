//! How many webhooks one process takes in a minute: anybody can send them, and each costs a question to Toss.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

/// Counts by minute.
#[derive(Debug)]
pub struct Limit {
    most: u32,
    /// When the minute began, and how many came in it.
    minute: Mutex<(DateTime<Utc>, u32)>,
}

impl Limit {
    /// At most `most` in a minute.
    pub fn new(most: u32) -> Self {
        Self { most, minute: Mutex::new((DateTime::UNIX_EPOCH, 0)) }
    }

    /// Takes one, or tells after how many seconds it would.
    ///
    /// # Errors
    /// Seconds, at least one.
    pub fn take(&self, now: DateTime<Utc>) -> Result<(), u32> {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now - minute.0;
        if passed >= Duration::minutes(1) || passed < Duration::zero() {
            *minute = (now, 0);
        }
        if minute.1 >= self.most {
            let left = Duration::minutes(1) - (now - minute.0);
            return Err(u32::try_from(left.num_seconds()).unwrap_or(0).clamp(1, 60));
        }
        minute.1 += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_takes_so_many_and_the_next_one_more() {
        let (limit, start) = (Limit::new(2), DateTime::UNIX_EPOCH + Duration::days(1));
        assert_eq!((limit.take(start), limit.take(start)), (Ok(()), Ok(())));
        assert_eq!(limit.take(start + Duration::seconds(10)), Err(50));
        assert_eq!(limit.take(start + Duration::seconds(60)), Ok(()));
    }
}
