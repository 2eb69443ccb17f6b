//! Leases that commits take on effects of their own.
//!
//! The process that commits an effect usually executes it next. A claim would be one more write for each, so a commit leases those of its
//! effects that the workers of their lane have room for, and the workers take them from here without a look into the store. What is not
//! leased in its commit is claimed as before: that of a process without workers, and all of a lane that is behind, so that older
//! effects come first.
//!
//! Effects that end access are always claimed. A lease that nobody knows of, because the result of its commit is lost, would delay them
//! until it is released, and a store that fails cannot even do that.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;

use super::notifier::WorkerNotifier;
use super::store::{Claim, Claimed};
use super::unwritten::executes_from_memory;
use crate::machine::{Effect, EffectKey, Lane};
use crate::sync::lock;
use crate::time::TimestampExt;

/// The number of effects whose leases are to be released. While a store fails, each commit adds some; what is beyond this waits until its lease
/// expires, if it has one at all.
const MAX_UNOWNED: usize = 1_024;

/// The leases of commits, and the room that there is for them.
#[derive(Debug, Default)]
pub(super) struct CommitLeases {
    lanes: Mutex<[LaneRoom; Lane::ALL.len()]>,
    /// Effects that are leased, or may be, and that nobody here executes: the result of their commit is not known, or their lane has no
    /// workers any more.
    unowned: Mutex<Vec<EffectKey>>,
}

/// The limits of the workers of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneLimits {
    pub(super) in_flight: usize,
    pub(super) per_bulkhead: usize,
    /// Whether all effects of the lane are executed in the order in which they were added, and not only those of one bulkhead.
    pub(super) in_order: bool,
}

#[derive(Debug, Default)]
struct LaneRoom {
    /// `None` while nobody takes effects of the lane.
    limits: Option<LaneLimits>,
    executing: usize,
    /// The number of leases that commits in progress have asked for.
    reserved: usize,
    /// The number of wake-ups at the last look into the store that has found all due effects. There may be more after the next one.
    drained_at: Option<u64>,
    /// Whether the last look into the store may have found more due effects than there was room for. Those are older than any new ones.
    is_behind: bool,
    leased: VecDeque<OwnLease>,
}

#[derive(Debug)]
struct OwnLease {
    claimed: Claimed,
    until: Timestamp,
}

impl CommitLeases {
    /// Lets commits lease effects of a lane until the guard is dropped. `None` if they do already, or may not.
    pub(super) fn open(&self, lane: Lane, limits: LaneLimits) -> Option<OpenLane<'_>> {
        let mut lanes = self.lanes();
        let room = &mut lanes[lane as usize];
        if executes_from_memory(lane) || room.limits.is_some() {
            return None;
        }
        room.limits = Some(limits);
        room.is_behind = true;
        Some(OpenLane { leases: self, lane })
    }

    pub(super) fn is_open(&self, lane: Lane) -> bool {
        self.lanes()[lane as usize].limits.is_some()
    }

    /// Reserves room for due effects of a commit.
    pub(super) fn reserve(
        &self,
        effects: &[Effect],
        now: Timestamp,
        lease: Duration,
        notifier: &WorkerNotifier,
    ) -> Option<Reservation<'_>> {
        let is_due = |effect: &&Effect| effect.not_before.is_none_or(|at| at <= now);
        let mut claims = Vec::new();
        let mut lanes = self.lanes();
        for lane in Lane::ALL {
            let room = &mut lanes[lane as usize];
            let Some(limits) = room.limits else { continue };
            let is_drained = room.drained_at == Some(notifier.wakeups(lane));
            let may_lease = if limits.in_order { is_drained } else { !room.is_behind };
            if !may_lease {
                continue;
            }
            let due = effects.iter().filter(is_due).filter(|effect| effect.lane() == lane).count();
            let taken = room.executing.saturating_add(room.reserved).saturating_add(room.leased.len());
            let limit = due.min(limits.in_flight.saturating_sub(taken));
            if limit > 0 {
                room.reserved += limit;
                claims.push(Claim::new(lane, now, lease, limit).per_bulkhead(limits.per_bulkhead));
            }
        }
        drop(lanes);
        if claims.is_empty() {
            return None;
        }
        let is_claimed = |effect: &&Effect| claims.iter().any(|claim| claim.lane == effect.lane());
        let effects = effects.iter().filter(is_due).filter(is_claimed).cloned().collect();
        Some(Reservation { leases: self, claims, effects, is_known: false })
    }

    /// Adds effects that this process has leased until a time.
    pub(super) fn add(&self, lane: Lane, leased: impl IntoIterator<Item = Claimed>, until: Timestamp) {
        let leased = leased.into_iter().map(|claimed| OwnLease { claimed, until });
        self.lanes()[lane as usize].leased.extend(leased);
    }

    /// Takes up to `limit` leased effects of a lane, in the order in which they were leased. Those whose lease has expired meanwhile are left
    /// to the next claim.
    pub(super) fn take(&self, lane: Lane, now: Timestamp, limit: usize) -> Vec<Claimed> {
        let mut lanes = self.lanes();
        let room = &mut lanes[lane as usize];
        let mut taken = Vec::new();
        while taken.len() < limit {
            match room.leased.pop_front() {
                Some(OwnLease { until, .. }) if until <= now => room.drained_at = None,
                Some(OwnLease { claimed, .. }) => taken.push(claimed),
                None => break,
            }
        }
        taken
    }

    /// Gives up the leased effects of a lane that nobody has taken.
    pub(super) fn give_up(&self, lane: Lane) {
        let leased = std::mem::take(&mut self.lanes()[lane as usize].leased);
        self.disown(leased.into_iter().map(|lease| lease.claimed.effect.key));
    }

    fn disown(&self, keys: impl IntoIterator<Item = EffectKey>) {
        let mut unowned = lock(&self.unowned);
        unowned.extend(keys);
        unowned.truncate(MAX_UNOWNED);
    }

    /// Lists the effects whose leases are to be released.
    pub(super) fn unowned(&self) -> Vec<EffectKey> {
        lock(&self.unowned).clone()
    }

    /// Notes that the lease of an effect was released.
    pub(super) fn released(&self, key: EffectKey) {
        lock(&self.unowned).retain(|unowned| *unowned != key);
    }

    /// Sets the number of effects of a lane that are being executed.
    pub(super) fn set_executing(&self, lane: Lane, executing: usize) {
        self.lanes()[lane as usize].executing = executing;
    }

    /// Whether the store has no due effects of a lane that nobody has leased, as far as this process knows.
    pub(super) fn is_drained(&self, lane: Lane, wakeups: u64) -> bool {
        let room = &self.lanes()[lane as usize];
        room.limits.is_some() && room.drained_at == Some(wakeups)
    }

    /// Notes that a look into the store, which began after this number of wake-ups, has found all due effects of a lane, or that there may
    /// be more.
    pub(super) fn looked(&self, lane: Lane, wakeups: u64, found_all: bool) {
        let room = &mut self.lanes()[lane as usize];
        room.drained_at = Some(wakeups).filter(|_| found_all);
        room.is_behind = !found_all;
    }

    /// Notes that there may be due effects of a lane in the store: time has passed, or a bulkhead has room again.
    pub(super) fn look_again(&self, lane: Lane) {
        self.lanes()[lane as usize].drained_at = None;
    }

    fn lanes(&self) -> MutexGuard<'_, [LaneRoom; Lane::ALL.len()]> {
        lock(&self.lanes)
    }
}

/// A lane whose effects commits lease.
#[derive(Debug)]
pub(super) struct OpenLane<'a> {
    leases: &'a CommitLeases,
    lane: Lane,
}

impl Drop for OpenLane<'_> {
    fn drop(&mut self) {
        let room = &mut self.leases.lanes()[self.lane as usize];
        room.limits = None;
        room.executing = 0;
    }
}

/// Room for leases of a commit in progress. If it is dropped before the result of the commit is known, the leases are released later.
#[derive(Debug)]
pub(super) struct Reservation<'a> {
    leases: &'a CommitLeases,
    claims: Vec<Claim>,
    effects: Vec<Effect>,
    is_known: bool,
}

impl Reservation<'_> {
    /// Returns what the commit may lease.
    pub(super) fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Hands the effects that the commit has leased to the workers of their lanes, and returns the number for each lane. Those of lanes
    /// that have no workers any more are released later.
    pub(super) fn leased(mut self, keys: &[EffectKey]) -> [usize; Lane::ALL.len()] {
        self.is_known = true;
        let mut counts = [0; Lane::ALL.len()];
        let mut lanes = self.leases.lanes();
        let mut orphaned = Vec::new();
        for effect in std::mem::take(&mut self.effects).into_iter().filter(|effect| keys.contains(&effect.key)) {
            counts[effect.lane() as usize] += 1;
            let room = &mut lanes[effect.lane() as usize];
            let until =
                self.claims.iter().find(|claim| claim.lane == effect.lane()).map(|claim| claim.now.plus(claim.lease));
            let claimed = Claimed::new(effect, 1, 0);
            match until {
                Some(until) if room.limits.is_some() => room.leased.push_back(OwnLease { claimed, until }),
                _ => orphaned.push(claimed.effect.key),
            }
        }
        drop(lanes);
        self.leases.disown(orphaned);
        counts
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut lanes = self.leases.lanes();
        for claim in &self.claims {
            let reserved = &mut lanes[claim.lane as usize].reserved;
            *reserved = reserved.saturating_sub(claim.limit);
        }
        drop(lanes);
        if !self.is_known {
            self.leases.disown(self.effects.iter().map(|effect| effect.key));
        }
    }
}
