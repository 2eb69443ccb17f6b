//! Timers of a Run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The kinds of timers, the most urgent one last. A Run has at most one timer of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimerKind {
    /// The next reminder of a request that nobody has decided.
    Remind,
    /// The next warning before the end of the access.
    Warn,
    /// The end of the lifetime of a request that nobody has decided.
    Lifetime,
    /// The timeout of the current notification.
    Forward,
    /// The end of the access.
    Expire,
}

impl TimerKind {
    /// Returns the name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Remind => "remind",
            Self::Warn => "warn",
            Self::Lifetime => "lifetime",
            Self::Forward => "forward",
            Self::Expire => "expire",
        }
    }
}

/// A timer that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LiveTimer {
    /// The due time.
    pub at: Timestamp,
    /// The generation. A timer that fires with an older one is stale.
    pub generation: u64,
}

/// A change of a Run's timers, committed together with its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TimerChange {
    /// Sets a timer, replacing an earlier one of its kind.
    Set {
        /// The kind.
        kind: TimerKind,
        /// The due time.
        at: Timestamp,
        /// The generation, which comes back with [`InputBody::TimerFired`](super::InputBody::TimerFired).
        generation: u64,
    },
    /// Cancels the timer of a kind.
    Cancel {
        /// The kind.
        kind: TimerKind,
    },
}
