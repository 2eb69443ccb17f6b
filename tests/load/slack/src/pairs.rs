//! The ratio of the CPU time of two servers, measured in pairs: both run, and take turns with the same number of requests. Whatever else the
//! machine does slows both of a pair down, and leaves their ratio.

use serde::Serialize;

/// The CPU time that one request took in each of two servers, in turns that followed each other.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) ours_ms: f64,
    pub(crate) theirs_ms: f64,
}

impl Pair {
    /// Returns how many times as many of our requests fit into a CPU second.
    fn ratio(self) -> f64 {
        self.theirs_ms / self.ours_ms
    }
}

/// The pairs of one scenario, with their median.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) scenario: &'static str,
    /// The server that ours is compared with.
    pub(crate) theirs: &'static str,
    /// The number of requests in each turn.
    pub(crate) requests: usize,
    pub(crate) pairs: Vec<Pair>,
    /// The median of the ratios: how many times as many of our requests fit into a CPU second.
    pub(crate) ratio: f64,
    /// The lowest and the highest ratio.
    pub(crate) range: [f64; 2],
}

impl Comparison {
    /// `None` without pairs.
    pub(crate) fn new(scenario: &'static str, theirs: &'static str, requests: usize, pairs: Vec<Pair>) -> Option<Self> {
        let mut ratios: Vec<_> = pairs.iter().map(|pair| pair.ratio()).collect();
        ratios.sort_by(f64::total_cmp);
        let (lowest, highest) = (*ratios.first()?, *ratios.last()?);
        let (lower, upper) = (ratios.get((ratios.len() - 1) / 2)?, ratios.get(ratios.len() / 2)?);
        let ratio = f64::midpoint(*lower, *upper);
        Some(Self { scenario, theirs, requests, pairs, ratio, range: [lowest, highest] })
    }

    /// Returns the median CPU time of one request in our server and in the other, in milliseconds.
    pub(crate) fn medians(&self) -> [f64; 2] {
        [|pair: &Pair| pair.ours_ms, |pair: &Pair| pair.theirs_ms].map(|of| {
            let mut times: Vec<_> = self.pairs.iter().map(of).collect();
            times.sort_by(f64::total_cmp);
            times.get(times.len() / 2).copied().unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(ratios: &[f64]) -> Option<Comparison> {
        let pairs = ratios.iter().map(|ratio| Pair { ours_ms: 2.0, theirs_ms: 2.0 * ratio }).collect();
        Comparison::new("approve", "bolt-js", 100, pairs)
    }

    #[test]
    fn ratio_is_the_median_of_the_pairs() {
        let odd = compared(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.ratio, odd.range), (2.0, [1.0, 3.0]));
        // A pair during which the machine did something else for one of the two changes little.
        assert_eq!(compared(&[2.0, 1.0, 400.0, 3.0]).unwrap().ratio, 2.5);
        assert!(compared(&[]).is_none());
    }
}
