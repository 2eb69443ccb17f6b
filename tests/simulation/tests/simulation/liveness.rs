//! Liveness: whatever ends access is attempted within a bound, whatever else happens, or operators see why not.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::clock::Clock;
use sym_sdk::engine::StoredRun;
use sym_sdk::machine::{Access, EffectKind, IGNORED_EXPIRY_RETRY_DELAY, MAX_REVOKE_DELAY, RunState, TimerKind};
use sym_sdk::model::{RunId, User};
use sym_sdk::runtime::Runtime;

use crate::declared::Declared;
use crate::outage::OutageKind;
use crate::promises::piece_of;
use crate::staff::Staff;
use crate::target::Target;
use crate::world::World;

/// The maximum time between something's falling due and its attempt, while a process is up. Leases that a crashed process has left
/// behind, services that hang, and other access that waits for the same service are all shorter. An outage of the store can last longer.
const BOUND: Duration = Duration::from_secs(40 * 60);

/// The interval at which access of people who are locked or deleted is looked for.
const SWEPT: Duration = Duration::from_secs(3600);

/// The longest time that counts of one step.
const LONGEST_STEP: Duration = Duration::from_secs(15 * 60);

/// The longest time that counts of a step in which calls wait for the store: they fail by then, and what needs them cannot go on. Nothing
/// is promised about a store that hangs, and it is tried again after that.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The longest time for which a revocation in the store waits longer whenever due times are clamped because the clock went back: it may be
/// retried by then, or a lease may last until then. Workers may not notice that within one step.
const CLAMPED: Duration = Duration::from_secs(MAX_REVOKE_DELAY.as_secs() + LONGEST_STEP.as_secs());

/// The time within which a gauge says what has happened.
const GAUGED: Duration = Duration::from_secs(60);

/// Something that must come to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// An expiry timer, by its generation, leads to an attempt at the revocation, or to a deferral.
    Expiry(RunId, u64),
    /// An attempt at the revocation, by the number of its effect.
    Revocation(RunId, u64),
    /// The end of access whose time is up, although hooks may have deferred it.
    End(RunId),
    /// The end of access of this duration, whatever the clock says.
    Duration(RunId, Duration),
    /// The end of access of somebody who is locked or deleted.
    EndOfUser(RunId),
    /// An alert about access that cannot be revoked as things are, in a list that operators see.
    Alert(RunId),
}

impl Due {
    fn run(self) -> RunId {
        match self {
            Self::Expiry(run, _)
            | Self::Revocation(run, _)
            | Self::End(run)
            | Self::Duration(run, _)
            | Self::EndOfUser(run)
            | Self::Alert(run) => run,
        }
    }

    fn bound(self) -> Duration {
        match self {
            Self::Expiry(..) | Self::Revocation(..) | Self::Alert(_) => BOUND,
            Self::End(_) => BOUND,
            Self::Duration(_, duration) => duration + BOUND,
            Self::EndOfUser(_) => BOUND + 2 * SWEPT,
        }
    }
}

/// Everything that is due and did not come to pass, with the time since which a process could have seen to it.
#[derive(Default)]
pub(crate) struct Liveness {
    since: BTreeMap<Due, Timestamp>,
    scheduled: BTreeMap<(RunId, u64), Scheduled>,
}

/// A revocation that a Run waits for.
struct Scheduled {
    /// The time at which it falls due, whatever the clock is set to.
    at: Timestamp,
    /// The number of times since then, or since the last attempt, that its due time may have been clamped.
    clamped: u32,
    /// Whether the clock has gone back, and the store did not take that due times were clamped.
    is_unclamped: bool,
}

/// A world with a process that is up.
pub(crate) struct Live<'a> {
    pub(crate) world: &'a World,
    pub(crate) staff: &'a Staff,
    pub(crate) target: &'a Target,
    pub(crate) runs: &'a [StoredRun],
    pub(crate) declared: &'a Declared,
    pub(crate) runtime: &'a Runtime,
}

impl Liveness {
    /// Forgets what is due, because there is no process that could see to it.
    pub(crate) fn no_process(&mut self) {
        self.since.clear();
    }

    /// Notes that the process has crashed: what it knew of the clock is lost.
    pub(crate) fn process_crashed(&mut self) {
        self.scheduled.values_mut().for_each(|scheduled| scheduled.clamped += u32::from(scheduled.is_unclamped));
    }

    /// Forgets how long access has lasted, because the clock went back: its end is corrected to what it would be if it began now. Due times
    /// in the store are clamped. While it takes no writes, a process that `knows` that goes by the time that has passed.
    pub(crate) fn clock_went_back(&mut self, takes_writes: bool, knows: bool) {
        self.since.retain(|due, _| !matches!(due, Due::Duration(..)));
        for scheduled in self.scheduled.values_mut() {
            scheduled.clamped += u32::from(takes_writes || !knows);
            scheduled.is_unclamped |= !takes_writes;
        }
    }

    /// Notes that the store takes writes again, and with them that due times are clamped.
    pub(crate) fn outage_ended(&mut self) {
        for scheduled in self.scheduled.values_mut() {
            scheduled.clamped += u32::from(std::mem::take(&mut scheduled.is_unclamped));
        }
    }

    /// Notes that time has passed in one step, in which nobody could do anything: a long one counts as [`LONGEST_STEP`], and as
    /// [`LONGEST_WAIT`] if the store has `hung` all the time.
    pub(crate) fn time_passed(&mut self, step: Duration, hung: bool) {
        let skipped = step.saturating_sub(if hung { LONGEST_WAIT } else { LONGEST_STEP });
        self.since.values_mut().for_each(|since| *since += skipped);
    }

    /// Checks that nothing waits for too long.
    pub(crate) fn check(&mut self, live: &Live<'_>) {
        live.check_gauge();
        let now = live.world.clock.steady_now();
        if live.world.outage.kind() == Some(OutageKind::Dead) {
            // Nobody can know what is due. The gauge says so.
            return self.since.clear();
        }
        self.schedule(live);
        let due = live.due(&self.scheduled);
        self.since.retain(|known, since| due.contains(known) && !live.is_attempted(*known, *since));
        for due in due {
            let since = *self.since.entry(due).or_insert(now);
            let waits = now.duration_since(since).unsigned_abs();
            let bound = due.bound() + self.clamped(due) + deferred(live.world, due);
            live.world.check(waits <= bound, || format!("P3: {due:?} did not come to pass within {bound:?}"));
        }
    }

    /// Notes when revocations fall due.
    fn schedule(&mut self, live: &Live<'_>) {
        let (now, wall) = (live.world.clock.steady_now(), live.world.clock.now());
        let known = std::mem::take(&mut self.scheduled);
        for StoredRun { state, .. } in live.runs {
            let run = state.run.id();
            for (seq, pending) in &state.pending {
                if !matches!(pending.kind, EffectKind::Revoke { .. }) {
                    continue;
                }
                // Nothing is deferred for longer, unless by a clock that was ahead.
                let left = pending
                    .not_before
                    .map_or(Duration::ZERO, |at| at.duration_since(wall).try_into().unwrap_or_default());
                let left = left.min(MAX_REVOKE_DELAY);
                let known = known.get(&(run, *seq));
                let mut scheduled = Scheduled {
                    at: known.map_or(now + left, |known| known.at.min(now + left)),
                    clamped: known.map_or(0, |known| known.clamped),
                    is_unclamped: known.is_some_and(|known| known.is_unclamped),
                };
                let was_attempted = |since: &Timestamp| live.target.last_revocation(run).is_some_and(|at| at >= *since);
                if self.since.get(&Due::Revocation(run, *seq)).is_some_and(was_attempted) {
                    scheduled.clamped = 0;
                }
                self.scheduled.insert((run, *seq), scheduled);
            }
        }
    }

    /// Returns how much longer something may wait because its due time was clamped.
    fn clamped(&self, due: Due) -> Duration {
        let Due::Revocation(run, seq) = due else { return Duration::ZERO };
        CLAMPED * self.scheduled.get(&(run, seq)).map_or(0, |scheduled| scheduled.clamped)
    }
}

/// Returns how much longer access may last because hooks have deferred its end.
fn deferred(world: &World, due: Due) -> Duration {
    match due {
        Due::End(run) | Due::Duration(run, _) => IGNORED_EXPIRY_RETRY_DELAY * world.deferrals(run),
        _ => Duration::ZERO,
    }
}

impl Live<'_> {
    fn due(&self, scheduled: &BTreeMap<(RunId, u64), Scheduled>) -> Vec<Due> {
        let runs = self.runs.iter().filter(|run| run.state.may_hold_access());
        runs.flat_map(|run| self.due_of(run, scheduled)).collect()
    }

    fn due_of(&self, StoredRun { state, .. }: &StoredRun, scheduled: &BTreeMap<(RunId, u64), Scheduled>) -> Vec<Due> {
        let (runs, now) = (self.runs, self.world.clock.now());
        let (run, mut due) = (state.run.id(), Vec::new());
        let Some(grant) = state.access.grant() else { return due };
        if !self.declared.reaches(state.flow.slug(), grant) && !grant.is_standing {
            let is_over = grant.until.is_none_or(|until| until <= now) && !self.is_seen_by_operators(state);
            return if is_over { vec![Due::Alert(run)] } else { due };
        }
        // A call is not made for access that another Run needs, and that is on record only once the store takes it.
        let is_shared = runs.iter().any(|other| {
            let entitlement = other.state.access.grant().map(|grant| &grant.entitlement);
            other.state.run.id() != run && other.state.may_hold_access() && entitlement == Some(&grant.entitlement)
        });
        // Nor is it repeated for access that was taken away, which is on record only then, too.
        let is_taken = self.target.last_revocation(run).is_some() && !self.target.held().contains(&piece_of(grant));
        if self.world.outage.kind().is_some() && (is_shared || grant.is_standing || is_taken) {
            return due;
        }
        match &state.access {
            Access::Held(_) => {
                // While the store takes no writes, hooks can defer the end in memory alone: access must have ended by `End` then.
                let is_on_record = self.world.outage.kind().is_none();
                let timer = state.timers.get(&TimerKind::Expire).filter(|timer| timer.at <= now && is_on_record);
                due.extend(timer.map(|timer| Due::Expiry(run, timer.generation)));
                due.extend(grant.until.filter(|until| *until <= now).map(|_| Due::End(run)));
                due.extend(grant.duration.map(|duration| Due::Duration(run, duration)));
                let is_gone = |user: &User| self.staff.user(user.id()).is_none_or(|user| user.is_locked());
                due.extend(state.run.requester().filter(|user| is_gone(user)).map(|_| Due::EndOfUser(run)));
            }
            Access::Revoking { .. } => {
                let now = self.world.clock.steady_now();
                let of_run = scheduled.range((run, 0)..=(run, u64::MAX)).filter(|(_, scheduled)| scheduled.at <= now);
                due.extend(of_run.map(|((run, seq), _)| Due::Revocation(*run, *seq)));
            }
            _ => {}
        }
        due
    }

    fn is_attempted(&self, due: Due, since: Timestamp) -> bool {
        !matches!(due, Due::Alert(_)) && self.target.last_revocation(due.run()).is_some_and(|at| at >= since)
    }

    /// Returns whether operators were alerted of access that cannot be revoked, as far as the store allows it, and find it in a list.
    fn is_seen_by_operators(&self, state: &RunState) -> bool {
        let run = state.run.id();
        let is_listed = state.is_stuck() || self.runtime.blocked_access().iter().any(|blocked| blocked.run == run);
        // An alert is an effect, which is not executed while the store takes no writes. The gauge says that it does not.
        let may_be_alerted = self.world.outage.kind().is_none();
        if is_listed && (!may_be_alerted || self.world.operators.were_alerted(run)) {
            self.world.count("access that cannot be revoked is seen by operators");
            return true;
        }
        false
    }

    /// While the store takes no writes, the gauge says so; and afterwards, that it does again.
    fn check_gauge(&self) {
        let Some(refused_since) = self.world.outage.refused_since() else { return };
        let for_long = self.world.clock.steady_now().duration_since(refused_since).unsigned_abs() > GAUGED;
        if for_long {
            let gauge = self.world.operators.gauge("sym_store_writable");
            self.world.check(gauge == Some(0.0), || {
                format!("P3: the store takes no writes since {refused_since}, and the gauge says {gauge:?}")
            });
            self.world.count("operators see that the store takes no writes");
        }
        if self.world.operators.gauge("sym_unwritten").is_some_and(|kept| kept > 0.0) {
            self.world.count("inputs kept in memory");
        }
    }
}
