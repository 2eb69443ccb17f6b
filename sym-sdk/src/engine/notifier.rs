//! Wakes the workers that may have work, and no others.
//!
//! A wake-up carries no data. Its receiver looks into the store, which is the only queue, so wake-ups may be spurious or
//! missed at the cost of a look or a delay.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::store::Commit;
use crate::machine::{Lane, TimerChange};

/// The wake-ups of an engine's workers.
#[derive(Debug, Default)]
pub(super) struct WorkerNotifier {
    commits: Notify,
    lanes: [LaneNotifier; Lane::ALL.len()],
    timers: Notify,
}

/// The wake-ups of the workers of a lane.
#[derive(Debug, Default)]
struct LaneNotifier {
    notify: Notify,
    /// The number of wake-ups for a look into the store.
    wakeups: AtomicU64,
}

/// The workers to wake.
#[derive(Clone, Copy, Debug)]
pub(super) struct WakeSet {
    lanes: [bool; Lane::ALL.len()],
    /// Lanes whose workers need not look into the store: the commit has leased what it adds.
    leased: [bool; Lane::ALL.len()],
    timers: bool,
}

impl WakeSet {
    pub(super) const ALL: Self =
        Self { lanes: [true; Lane::ALL.len()], leased: [false; Lane::ALL.len()], timers: true };

    /// Returns the workers that a commit gives work to.
    pub(super) fn for_commit(commit: &Commit) -> Self {
        let lanes = Lane::ALL.map(|lane| commit.effects.iter().any(|effect| effect.lane() == lane));
        let timers = commit.timers.iter().any(|change| matches!(change, TimerChange::Set { .. }));
        Self { lanes, leased: [false; Lane::ALL.len()], timers }
    }

    /// Notes that a commit has leased all effects that it adds to a lane.
    pub(super) fn leased(&mut self, lane: Lane) {
        self.lanes[index(lane)] = false;
        self.leased[index(lane)] = true;
    }
}

impl WorkerNotifier {
    /// Waits for the next commit of any kind.
    pub(super) fn commits(&self) -> Notified<'_> {
        self.commits.notified()
    }

    /// Waits for the next effect of a lane.
    pub(super) fn lane_wakeups(&self, lane: Lane) -> Notified<'_> {
        self.lanes[index(lane)].notify.notified()
    }

    /// Returns the number of times that the workers of a lane were woken for a look into the store.
    pub(super) fn wakeups(&self, lane: Lane) -> u64 {
        self.lanes[index(lane)].wakeups.load(Ordering::SeqCst)
    }

    /// Waits for the next timer.
    pub(super) fn timer_wakeups(&self) -> Notified<'_> {
        self.timers.notified()
    }

    /// Wakes those workers, and all who wait for commits.
    pub(super) fn wake(&self, set: WakeSet) {
        self.commits.notify_waiters();
        for (lane, (wake, leased)) in self.lanes.iter().zip(set.lanes.into_iter().zip(set.leased)) {
            if wake {
                lane.wakeups.fetch_add(1, Ordering::SeqCst);
            }
            if wake || leased {
                lane.notify.notify_waiters();
            }
        }
        if set.timers {
            self.timers.notify_waiters();
        }
    }
}

/// The index of a lane in [`Lane::ALL`].
fn index(lane: Lane) -> usize {
    lane as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_follow_the_list_of_lanes() {
        assert_eq!(Lane::ALL.map(index), [0, 1, 2, 3]);
    }
}
