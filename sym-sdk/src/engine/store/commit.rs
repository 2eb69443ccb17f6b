//! Commits: everything that one input changes, written as a whole.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::AuditEntry;
use crate::machine::{Effect, EffectKey, EntitlementChange, InputReply, RunState, TimerChange, TimerKind, Transition};
use crate::model::RunId;

/// The idempotency key of an input.
///
/// A front end derives it from what it received (a Slack trigger, an API request id), so that the same thing delivered twice is one
/// input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InputKey(String);

impl InputKey {
    /// Creates a key. Front ends start it with their own name, such as `slack:trigger-id`.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Returns the key of an effect's outcome.
    pub fn effect(key: EffectKey) -> Self {
        Self(format!("effect:{key}"))
    }

    /// Returns the key of a timer that fired.
    pub fn timer(key: TimerKey, generation: u64) -> Self {
        Self(format!("timer:{}:{:?}:{generation}", key.run, key.kind))
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimerKey {
    /// The Run.
    pub run: RunId,
    /// The kind of timer. A Run has at most one of each.
    pub kind: TimerKind,
}

impl TimerKey {
    /// Creates a key.
    pub fn new(run: RunId, kind: TimerKind) -> Self {
        Self { run, kind }
    }
}

/// A Run as it is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredRun {
    /// The number of commits that have written the state.
    pub version: u64,
    /// The state.
    pub state: Arc<RunState>,
}

impl StoredRun {
    /// Creates a stored Run.
    pub fn new(version: u64, state: Arc<RunState>) -> Self {
        Self { version, state }
    }
}

/// Everything that one input changes. It is written as a whole or not at all.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Commit {
    /// The Run.
    pub run: RunId,
    /// The version that the step started from; 0 for a Run that does not exist.
    pub expected_version: u64,
    /// The key of the input.
    pub input: InputKey,
    /// The reply, recorded for when the input is repeated.
    pub reply: InputReply,
    /// The new state; `None` leaves the Run as it is, or absent.
    pub state: Option<Arc<RunState>>,
    /// The effects to execute, which can be claimed once this is written.
    pub effects: Vec<Effect>,
    /// Changes to the Run's timers.
    pub timers: Vec<TimerChange>,
    /// Changes to the access that the Run needs.
    pub holds: Vec<EntitlementChange>,
    /// Entries to append to the audit log.
    pub audit: Vec<AuditEntry>,
    /// The effect whose outcome the input is. It is deleted.
    pub settles: Option<EffectKey>,
    /// The timer that fired and its generation. It is deleted unless it was set again since.
    pub fired: Option<(TimerKey, u64)>,
}

impl Commit {
    /// Creates a commit of a transition from this version, which settles no effect and no timer.
    pub fn new(run: RunId, expected_version: u64, input: InputKey, transition: Transition) -> Self {
        let Transition { state, effects, timers, holds, audit, reply } = transition;
        Self {
            run,
            expected_version,
            input,
            reply,
            state: state.map(Arc::new),
            effects,
            timers,
            holds,
            audit,
            settles: None,
            fired: None,
        }
    }

    /// Returns the time at which the step was made, if the commit has one.
    pub fn at(&self) -> Option<Timestamp> {
        let audited = || self.audit.last().map(|entry| entry.at);
        self.state.as_ref().map(|state| state.updated_at).or_else(audited)
    }

    /// Returns the Run that the reply belongs to and is pruned with; `None` if there is no Run, because its first input was refused.
    pub fn reply_owner(&self) -> Option<RunId> {
        (self.state.is_some() || self.expected_version > 0).then_some(self.run)
    }
}

/// The result of a commit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Committed {
    /// The commit was written.
    Written,
    /// The input was committed before, with this reply. Nothing was written, but the effect or timer was settled.
    Duplicate(InputReply),
    /// Another commit came first. Nothing was written; step again from the new state.
    Conflict,
}
