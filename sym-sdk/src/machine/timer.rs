//! Timers of a Run. A timer carries a generation: setting or cancelling it makes older generations stale.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a timer is for. A Run has at most one live timer of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimerKind {
    /// Nobody has acted on the current notification in its time.
    Forward,
    /// The access has reached its end.
    Expire,
}

impl TimerKind {
    /// Its name, for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Expire => "expire",
        }
    }
}

/// A change of a Run's timers, committed together with its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TimerChange {
    /// Sets the timer, in place of an older one of its kind.
    Set {
        /// Which timer.
        kind: TimerKind,
        /// When it falls due.
        at: Timestamp,
        /// Comes back with [`InputBody::TimerFired`](super::InputBody::TimerFired).
        generation: u64,
    },
    /// Takes the timer away.
    Cancel {
        /// Which timer.
        kind: TimerKind,
    },
}
