//! The difference between the clock of this machine and that of a service which rejects a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// The difference that has to be added to the time of this machine so that a service accepts what it signs: none, until the service rejects
/// a time.
///
/// All clients of a context share it, so that each difference is found once.
#[derive(Debug)]
pub(crate) struct ClockOffset {
    service: &'static str,
    min_correction: SignedDuration,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    offset: SignedDuration,
    corrections: u64,
}

impl ClockOffset {
    /// Creates an offset of 0. Smaller changes than `min_correction` are not made: the header `Date` has whole seconds, and responses take
    /// time.
    pub(crate) fn new(service: &'static str, min_correction: SignedDuration) -> Self {
        Self { service, min_correction, state: Mutex::default() }
    }

    /// Returns the time of the service, given that of this machine.
    pub(crate) fn correct(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.lock().offset).unwrap_or(now)
    }

    /// Returns how often the offset has changed.
    pub(crate) fn corrections(&self) -> u64 {
        self.lock().corrections
    }

    /// Returns whether an offset differs from the present one.
    pub(crate) fn differs(&self, offset: SignedDuration) -> bool {
        let change = offset.checked_sub(self.lock().offset).unwrap_or(SignedDuration::MAX);
        change.unsigned_abs() >= self.min_correction.unsigned_abs()
    }

    /// Sets the offset. Returns whether it differs from the present one.
    pub(crate) fn set(&self, offset: SignedDuration) -> bool {
        if !self.differs(offset) {
            return false;
        }
        let mut state = self.lock();
        *state = State { offset, corrections: state.corrections + 1 };
        tracing::warn!(
            service = self.service,
            seconds = offset.as_secs(),
            "the clock of this machine differs from that of the service; signatures get the time of the service"
        );
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
