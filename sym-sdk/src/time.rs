//! Timestamp arithmetic that saturates.

use std::time::Duration;

use jiff::Timestamp;

/// Adds durations to timestamps and subtracts them, saturating at [`Timestamp::MIN`] and [`Timestamp::MAX`].
///
/// Delays and ages come from configuration and may be absurdly long. A deadline at the end of time then means "never".
pub(crate) trait TimestampExt {
    /// The time `duration` later.
    #[cfg_attr(not(any(feature = "clock", test)), expect(dead_code, reason = "only what has a clock sets deadlines"))]
    fn plus(self, duration: Duration) -> Self;

    /// The time `duration` earlier.
    fn minus(self, duration: Duration) -> Self;
}

// jiff's own saturating operations return an error, but only for calendar units, which a `Duration` does not have.
impl TimestampExt for Timestamp {
    fn plus(self, duration: Duration) -> Self {
        self.saturating_add(duration).unwrap_or(Self::MAX)
    }

    fn minus(self, duration: Duration) -> Self {
        self.saturating_sub(duration).unwrap_or(Self::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saturates_at_both_ends() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(now.plus(Duration::from_secs(1)).as_second(), 1);
        assert_eq!(now.minus(Duration::from_secs(1)).as_second(), -1);
        assert_eq!(now.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(now.minus(Duration::MAX), Timestamp::MIN);
    }
}
