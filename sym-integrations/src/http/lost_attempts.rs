//! Whether one of several attempts may have been carried out although its response was lost.

use sym_sdk::error::{Error, Result};

/// The attempts of a change so far. What fails later says nothing about those before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LostAttempts(bool);

#[allow(dead_code, reason = "which services use it depends on the features")]
impl LostAttempts {
    /// Notes an attempt that may be, or have been, carried out.
    pub(crate) fn note(&mut self, is_outcome_unknown: bool) {
        self.0 |= is_outcome_unknown;
    }

    /// The attempts of a call that failed with this error.
    pub(crate) fn of(error: &Error) -> Self {
        Self(error.is_outcome_unknown())
    }

    /// Whether there was one.
    pub(crate) fn any(self) -> bool {
        self.0
    }

    /// Returns an error that came after these attempts, with an unknown outcome if one of them was lost.
    pub(crate) fn followed_by(self, error: Error) -> Error {
        if self.0 { error.with_unknown_outcome() } else { error }
    }

    /// Does the same for a result.
    pub(crate) fn then<T>(self, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.followed_by(error))
    }
}
