//! Times in order, and their percentiles.

use std::time::Duration;

/// Some times, in order.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Returns the time that this many of a hundred do not exceed. Zero if there are none.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * percent / 100).copied().unwrap_or_default()
    }

    /// Returns a percentile in milliseconds.
    #[must_use]
    pub fn millis(&self, percent: usize) -> f64 {
        self.percentile(percent).as_secs_f64() * 1_000.0
    }

    /// Returns the number of times.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Duration> for Latencies {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_times_in_order() {
        let times: Latencies = (1..=101).rev().map(Duration::from_millis).collect();
        assert_eq!([0, 50, 99, 100].map(|percent| times.millis(percent)), [1.0, 51.0, 100.0, 101.0]);
        assert_eq!(Latencies::default().percentile(99), Duration::ZERO);
    }
}
