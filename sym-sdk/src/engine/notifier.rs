//! Tells workers that there is something new for them, and nobody else: whoever is told looks into the store.

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::store::Commit;
use crate::machine::{Lane, TimerChange};

/// What is waited for.
#[derive(Debug, Default)]
pub(super) struct WorkerNotifier {
    commits: Notify,
    lanes: [Notify; Lane::ALL.len()],
    timers: Notify,
}

/// Whom a commit concerns.
#[derive(Clone, Copy, Debug)]
pub(super) struct WakeSet {
    lanes: [bool; Lane::ALL.len()],
    timers: bool,
}

impl WakeSet {
    pub(super) const ALL: Self = Self { lanes: [true; Lane::ALL.len()], timers: true };

    pub(super) fn for_commit(commit: &Commit) -> Self {
        let lanes = Lane::ALL.map(|lane| commit.effects.iter().any(|effect| effect.lane() == lane));
        let timers = commit.timers.iter().any(|change| matches!(change, TimerChange::Set { .. }));
        Self { lanes, timers }
    }
}

impl WorkerNotifier {
    /// Of any commit, from now on.
    pub(super) fn commits(&self) -> Notified<'_> {
        self.commits.notified()
    }

    /// Of effects in a lane that can be claimed, now or later.
    pub(super) fn lane_wakeups(&self, lane: Lane) -> Notified<'_> {
        self.lanes[index(lane)].notified()
    }

    /// Of timers.
    pub(super) fn timer_wakeups(&self) -> Notified<'_> {
        self.timers.notified()
    }

    pub(super) fn wake(&self, woken: WakeSet) {
        self.commits.notify_waiters();
        self.lanes.iter().zip(woken.lanes).filter(|(_, woken)| *woken).for_each(|(lane, _)| lane.notify_waiters());
        if woken.timers {
            self.timers.notify_waiters();
        }
    }
}

/// The place of a lane in [`Lane::ALL`].
fn index(lane: Lane) -> usize {
    lane as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_where_they_are_looked_for() {
        assert_eq!(Lane::ALL.map(index), [0, 1, 2, 3]);
    }
}
