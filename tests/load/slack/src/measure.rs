//! The measurements of one step: throughput, latencies, errors and CPU time.

use std::time::Duration;

use serde::Serialize;

use crate::load_generator::LoadResult;

/// The measurements of one server at one rate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) scenario: &'static str,
    pub(crate) server: &'static str,
    /// The target rate in requests per second, or `None` for the step without a rate.
    pub(crate) rate: Option<u32>,
    pub(crate) requests: usize,
    /// The rate of responses per second.
    pub(crate) achieved: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) errors: usize,
    pub(crate) first_error: Option<String>,
    /// The CPU time per request, including work after the response.
    pub(crate) cpu_ms: f64,
    pub(crate) per_cpu_second: f64,
}

impl Step {
    pub(crate) fn new(
        scenario: &'static str,
        server: &'static str,
        rate: Option<u32>,
        mut result: LoadResult,
        cpu: Duration,
    ) -> Self {
        result.latencies.sort_unstable();
        let requests = result.latencies.len();
        let all = count(requests + result.errors);
        let at = |percent| ms(percentile(&result.latencies, percent));
        Self {
            scenario,
            server,
            rate,
            requests,
            achieved: count(requests) / result.elapsed.as_secs_f64(),
            p50_ms: at(50),
            p99_ms: at(99),
            max_ms: at(100),
            errors: result.errors,
            first_error: result.first_error,
            cpu_ms: ms(cpu) / all,
            per_cpu_second: all / cpu.as_secs_f64(),
        }
    }

    /// Whether the server failed to keep up with the rate.
    pub(crate) fn is_overloaded(&self) -> bool {
        self.rate.is_some_and(|rate| self.achieved < 0.95 * f64::from(rate))
    }
}

/// Returns the percentile of sorted times by the nearest-rank method.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_times() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let at = |percent| percentile(&times, percent).as_millis();
        assert_eq!([at(0), at(50), at(99), at(100)], [1, 100, 198, 200]);
        assert_eq!(percentile(&times[..1], 99), times[0]);
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }

    #[test]
    fn steps_below_the_target_rate_are_overloaded() {
        let step = |elapsed| {
            let result =
                LoadResult { latencies: vec![Duration::from_millis(1); 100], elapsed, ..LoadResult::default() };
            Step::new("type-ahead", "ours", Some(100), result, Duration::from_millis(50))
        };
        let fast = step(Duration::from_secs(1));
        assert!(!fast.is_overloaded() && step(Duration::from_millis(1_100)).is_overloaded());
        assert_eq!((fast.cpu_ms, fast.per_cpu_second), (0.5, 2000.0));
    }
}
