//! Claims of due effects, and due timers.

use std::time::Duration;

use jiff::Timestamp;

use super::TimerKey;
use crate::machine::{Effect, Lane};

/// A request to lease due effects.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// The lane.
    pub lane: Lane,
    /// The current time: effects due until then are claimed.
    pub now: Timestamp,
    /// The duration of the leases.
    pub lease: Duration,
    /// The maximum number of effects to claim.
    pub limit: usize,
    /// The maximum number of leases in the lane for one bulkhead, those of earlier claims included.
    pub per_bulkhead: usize,
}

impl Claim {
    /// Creates a claim without a limit per bulkhead.
    pub fn new(lane: Lane, now: Timestamp, lease: Duration, limit: usize) -> Self {
        Self { lane, now, lease, limit, per_bulkhead: usize::MAX }
    }

    /// Sets the maximum number of leases for each bulkhead.
    #[must_use]
    pub fn per_bulkhead(mut self, leases: usize) -> Self {
        self.per_bulkhead = leases;
        self
    }
}

/// A claimed effect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claimed {
    /// The effect.
    pub effect: Effect,
    /// The number of times it has been claimed, including this one.
    pub claims: u32,
    /// The number of earlier claims that were neither settled nor released: their process ended, or their lease expired.
    pub lost_leases: u32,
}

impl Claimed {
    /// Creates a claimed effect.
    pub fn new(effect: Effect, claims: u32, lost_leases: u32) -> Self {
        Self { effect, claims, lost_leases }
    }
}

/// A timer that has fallen due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DueTimer {
    /// The timer.
    pub key: TimerKey,
    /// The time at which it fell due.
    pub at: Timestamp,
    /// Its generation, which tells it from a timer that replaces it.
    pub generation: u64,
}

impl DueTimer {
    /// Creates a due timer.
    pub fn new(key: TimerKey, at: Timestamp, generation: u64) -> Self {
        Self { key, at, generation }
    }
}
