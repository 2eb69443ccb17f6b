//! Commits: everything that one input changes, written as a whole.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Claim;
use crate::audit::AuditEntry;
use crate::engine::unwritten::executes_from_memory;
use crate::machine::{
    AuditKind, Effect, EffectKey, EntitlementChange, InputReply, RunState, TimerChange, TimerKind, Transition,
    UserAction,
};
use crate::model::RunId;

/// The idempotency key of an input.
///
/// A front end derives it from what it received (a Slack trigger, an API request id), so that the same thing delivered twice is one
/// input. A front end that lets callers choose keys adds a [fingerprint](Self::with_content) of what the caller sent, so that a key that is
/// used again for something else is refused, and does not get the reply of the first input. Keys are compared without it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct InputKey {
    key: String,
    fingerprint: Option<InputFingerprint>,
}

/// The fingerprint of the content of an input: the first 16 bytes of its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InputFingerprint([u8; 16]);

impl InputFingerprint {
    /// Returns the fingerprint of a content.
    pub fn of(content: impl AsRef<[u8]>) -> Self {
        let digest: [u8; 32] = Sha256::digest(content).into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(bytes)
    }

    /// Creates a fingerprint from its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl InputKey {
    /// Creates a key. Front ends start it with their own name, such as `slack:trigger-id`.
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), fingerprint: None }
    }

    /// Adds the fingerprint of what the caller sent. Once an input was accepted or refused under the key, one with another content is
    /// refused with `SymSDK:IDEMPOTENCY_KEY_REUSED`.
    #[must_use]
    pub fn with_content(mut self, content: impl AsRef<[u8]>) -> Self {
        self.fingerprint = Some(InputFingerprint::of(content));
        self
    }

    /// Returns the key of an effect's outcome.
    pub fn effect(key: EffectKey) -> Self {
        Self::new(format!("effect:{key}"))
    }

    /// Returns the key of a timer that fired.
    pub fn timer(key: TimerKey, generation: u64) -> Self {
        Self::new(format!("timer:{}:{:?}:{generation}", key.run, key.kind))
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.key
    }

    /// Returns the fingerprint of the content.
    pub fn fingerprint(&self) -> Option<InputFingerprint> {
        self.fingerprint
    }

    /// Returns the key within a namespace, with the same fingerprint.
    pub(crate) fn within(&self, namespace: &str) -> Self {
        Self { key: format!("{namespace}:{}", self.key), fingerprint: self.fingerprint }
    }
}

impl PartialEq for InputKey {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for InputKey {}

impl PartialOrd for InputKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InputKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl Hash for InputKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl From<String> for InputKey {
    fn from(key: String) -> Self {
        Self::new(key)
    }
}

impl From<InputKey> for String {
    fn from(key: InputKey) -> Self {
        key.key
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
    /// The reply. It is recorded for when the input is repeated, unless [nobody repeats it](Commit::records_reply).
    pub reply: InputReply,
    /// The new state; `None` leaves the Run as it is, or absent.
    pub state: Option<Arc<RunState>>,
    /// The effects to execute, which can be claimed once this is written.
    pub effects: Vec<Effect>,
    /// Claims of these effects by their own process, at most one for each lane. They are made as part of the commit, so that no write of
    /// their own is needed; none gets an effect before an older one of the same lane and bulkhead that is due.
    pub claims: Vec<Claim>,
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
            claims: Vec::new(),
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

    /// Returns whether the reply is recorded under the key of the input.
    ///
    /// That to an outcome or a timer is not: the state of the Run tells whether it still waits for either, so that one which is delivered
    /// again is [stale](InputReply::Stale). Most inputs of a Run are of this kind.
    pub fn records_reply(&self) -> bool {
        self.settles.is_none() && self.fired.is_none()
    }

    /// Returns the Run that the reply belongs to and is pruned with; `None` if there is no Run, because its first input was refused.
    pub fn reply_owner(&self) -> Option<RunId> {
        (self.state.is_some() || self.expected_version > 0).then_some(self.run)
    }

    /// Whether it starts or ends a revocation, or records that a user was locked out. Such a commit goes before all others, and is stored
    /// on a disk that has no room for them.
    pub(in crate::engine) fn takes_access_away(&self) -> bool {
        self.effects.iter().any(|effect| executes_from_memory(effect.lane()))
            || self.holds.iter().any(|change| matches!(change, EntitlementChange::Release(_)))
            || self.fired.is_some_and(|(key, _)| key.kind == TimerKind::Expire)
            || self.audit.iter().any(|entry| is_taken_away(&entry.kind))
    }
}

/// Returns whether an entry records that access has ended, or that a user was locked out.
fn is_taken_away(kind: &AuditKind) -> bool {
    match kind {
        AuditKind::Revoked { .. } | AuditKind::StandingAccessKept { .. } => true,
        AuditKind::UserAction { action, .. } => matches!(action, UserAction::Lock | UserAction::Delete),
        AuditKind::Account(event) => event.takes_away(),
        _ => false,
    }
}

/// The result of a commit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Committed {
    /// The commit was written.
    Written {
        /// The effects that its [claims](Commit::claims) have leased. They count as claimed once.
        leased: Vec<EffectKey>,
    },
    /// The input was committed before, with this reply. Nothing was written, but the effect or timer was settled.
    Duplicate(InputReply),
    /// Another commit came first. Nothing was written; step again from the new state.
    Conflict,
}

impl Committed {
    /// The result of a commit that was written without claims.
    pub const WRITTEN: Self = Self::Written { leased: Vec::new() };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;

    #[test]
    fn records_of_what_was_taken_away_have_priority() {
        let (target, identity) = (String::new(), String::new());
        let user_action =
            |action| AuditKind::UserAction { action, user: UserId::random(), username: String::new(), refusal: None };
        assert!(is_taken_away(&AuditKind::StandingAccessKept { target, identity }));
        assert!([UserAction::Lock, UserAction::Delete].map(user_action).iter().all(is_taken_away));
        assert!(![UserAction::Unlock, UserAction::Admit].map(user_action).iter().any(is_taken_away));
        assert!(!is_taken_away(&AuditKind::Completed));
    }
}
