//! The difference between the clock of this machine and that of AWS.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// The smallest difference that a correction makes. AWS accepts signatures from minutes away, and its header `Date` has whole seconds.
const MIN_CORRECTION: SignedDuration = SignedDuration::from_secs(60);

/// The difference that has to be added to the time of this machine so that AWS accepts its signatures: none, until AWS rejects a time.
///
/// All clients of a context share it, so that each difference is found once.
#[derive(Debug, Default)]
pub(super) struct ClockOffset(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    offset: SignedDuration,
    corrections: u64,
}

impl ClockOffset {
    /// Returns the time of AWS, given that of this machine.
    pub(super) fn correct(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.lock().offset).unwrap_or(now)
    }

    /// Returns how often the offset has changed.
    pub(super) fn corrections(&self) -> u64 {
        self.lock().corrections
    }

    /// Sets the offset. Returns whether it differs from the present one.
    pub(super) fn set(&self, offset: SignedDuration) -> bool {
        let mut state = self.lock();
        let change = offset.checked_sub(state.offset).unwrap_or(SignedDuration::MAX);
        if change.unsigned_abs() < MIN_CORRECTION.unsigned_abs() {
            return false;
        }
        *state = State { offset, corrections: state.corrections + 1 };
        tracing::warn!(
            seconds = offset.as_secs(),
            "the clock of this machine differs from that of AWS; signatures get the time of AWS"
        );
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
