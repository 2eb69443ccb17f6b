//! What a file or a database must give.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::health::{AccessHealth, Backlog};
use crate::audit::{AuditEntry, AuditHead, AuditLog, AuditRecord};
use crate::directory::EventQuery;
use crate::future::BoxFuture;
use crate::machine::{
    Effect, EffectKey, EntitlementChange, EntitlementKey, InputReply, Lane, RunState, TimerChange, TimerKind,
    Transition,
};
use crate::model::{RunId, RunStatus};

/// The name of an input. A front end takes it from what it got (a Slack trigger, an API request id), so that the same thing
/// delivered twice is one input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InputKey(String);

impl InputKey {
    /// A key. Front ends put their own name first, such as `slack:trigger-id`.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key of an effect's outcome.
    pub fn effect(key: EffectKey) -> Self {
        Self(format!("effect:{key}"))
    }

    /// The key of a timer that fired.
    pub fn timer(key: TimerKey, generation: u64) -> Self {
        Self(format!("timer:{}:{:?}:{generation}", key.run, key.kind))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimerKey {
    /// The Run.
    pub run: RunId,
    /// Which of its timers.
    pub kind: TimerKind,
}

impl TimerKey {
    /// A key.
    pub fn new(run: RunId, kind: TimerKind) -> Self {
        Self { run, kind }
    }
}

/// A Run as it is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredRun {
    /// Rises by one with each commit.
    pub version: u64,
    /// The state.
    pub state: Arc<RunState>,
}

impl StoredRun {
    /// A stored Run.
    pub fn new(version: u64, state: Arc<RunState>) -> Self {
        Self { version, state }
    }
}

/// All that one input changes. It is written whole or not at all.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Commit {
    /// The Run.
    pub run: RunId,
    /// The version that the step began from; 0 for a Run that does not exist.
    pub expected_version: u64,
    /// The input.
    pub input: InputKey,
    /// The answer, kept for when the input comes again.
    pub reply: InputReply,
    /// The new state; `None` leaves the Run as it is, or absent.
    pub state: Option<Arc<RunState>>,
    /// Effects to be claimed from now on.
    pub effects: Vec<Effect>,
    /// Changes of the Run's timers.
    pub timers: Vec<TimerChange>,
    /// Changes of who needs which access.
    pub holds: Vec<EntitlementChange>,
    /// Entries to be appended to the audit log.
    pub audit: Vec<AuditEntry>,
    /// The effect whose outcome this is: it is never claimed again.
    pub settles: Option<EffectKey>,
    /// The timer that fired with this generation: it is never claimed again.
    pub fired: Option<(TimerKey, u64)>,
}

impl Commit {
    /// What a step from this version gave. It settles no effect and no timer unless that is set.
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
}

impl Commit {
    /// The time by which the commit was made; `None` if it tells of none.
    pub fn at(&self) -> Option<Timestamp> {
        let audited = || self.audit.last().map(|entry| entry.at);
        self.state.as_ref().map(|state| state.updated_at).or_else(audited)
    }

    /// The Run to which the answer belongs; `None` if there is no Run, because the first input was refused.
    pub fn reply_owner(&self) -> Option<RunId> {
        (self.state.is_some() || self.expected_version > 0).then_some(self.run)
    }
}

/// What came of a commit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Committed {
    /// It was written.
    Written,
    /// The input was taken before; this was the answer. Nothing was written, except that the effect or timer is settled.
    Duplicate(InputReply),
    /// Another commit came first. Nothing was written; step again from the new state.
    Conflict,
}

/// What to claim.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// From which lane.
    pub lane: Lane,
    /// Effects due by now.
    pub now: Timestamp,
    /// How long nobody else may claim them.
    pub lease: Duration,
    /// How many at most.
    pub limit: usize,
    /// How many of the lane may be leased with one bulkhead, those of earlier claims included.
    pub per_bulkhead: usize,
}

impl Claim {
    /// A claim, without a limit for each bulkhead.
    pub fn new(lane: Lane, now: Timestamp, lease: Duration, limit: usize) -> Self {
        Self { lane, now, lease, limit, per_bulkhead: usize::MAX }
    }

    /// The claim with so many leases for each bulkhead at the most.
    #[must_use]
    pub fn per_bulkhead(mut self, leases: usize) -> Self {
        self.per_bulkhead = leases;
        self
    }
}

/// A claimed effect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claimed {
    /// The effect.
    pub effect: Effect,
    /// How often it has been claimed, this time included.
    pub claims: u32,
    /// How many of the earlier claims ended without a word: with their process, or because their lease ran out.
    pub lost_leases: u32,
}

impl Claimed {
    /// A claimed effect.
    pub fn new(effect: Effect, claims: u32, lost_leases: u32) -> Self {
        Self { effect, claims, lost_leases }
    }
}

/// A timer that has fallen due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DueTimer {
    /// Which.
    pub key: TimerKey,
    /// When it fell due.
    pub at: Timestamp,
    /// Its generation.
    pub generation: u64,
}

impl DueTimer {
    /// A due timer.
    pub fn new(key: TimerKey, at: Timestamp, generation: u64) -> Self {
        Self { key, at, generation }
    }
}

/// Which Runs to list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunFilter {
    /// Only Runs of the flow with this name.
    pub flow: Option<String>,
    /// Only Runs with this status.
    pub status: Option<RunStatus>,
    /// Only Runs that hold access, or may.
    pub may_hold_access: bool,
    /// Only Runs whose revocation has failed and is not confirmed yet.
    pub stuck: bool,
    /// Only Runs that are not at rest.
    pub active: bool,
    /// Only Runs that changed after this time.
    pub changed_after: Option<Timestamp>,
}

impl RunFilter {
    /// Whether a Run passes.
    pub fn matches(&self, state: &RunState) -> bool {
        self.flow.as_deref().is_none_or(|flow| state.flow.slug() == flow)
            && self.status.is_none_or(|status| state.run.status() == status)
            && (!self.may_hold_access || state.may_hold_access())
            && (!self.stuck || state.is_stuck())
            && (!self.active || !state.is_prunable())
            && self.changed_after.is_none_or(|after| state.updated_at > after)
    }
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot now; the same call may succeed later.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] crate::error::BoxError),
    /// What it holds cannot be read.
    #[error("the store holds what cannot be read: {0}")]
    Corrupt(#[source] crate::error::BoxError),
    /// It will not do this before somebody has changed something; the message says what.
    #[error("the store refuses: {0}")]
    Refused(#[source] crate::error::BoxError),
}

impl From<StoreError> for crate::error::Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Unavailable(_) => crate::error::ErrorKind::Unavailable,
            StoreError::Corrupt(_) => crate::error::ErrorKind::Internal,
            StoreError::Refused(_) => crate::error::ErrorKind::Configuration,
        };
        Self::new(kind, crate::error::codes::STORE, error.to_string()).with_source(error)
    }
}

/// Keeps Runs, and what they wait for.
///
/// All methods are atomic. Nothing is assumed of the order in which concurrent calls take effect, except that a call that has
/// returned took effect before one that begins later.
pub trait Store: Send + Sync + 'static {
    /// Reads a Run.
    fn load(&self, run: RunId) -> BoxFuture<'_, Result<Option<StoredRun>, StoreError>>;

    /// The answer to an input that was taken before.
    fn recorded_reply(&self, key: &InputKey) -> BoxFuture<'_, Result<Option<InputReply>, StoreError>>;

    /// Writes all that one input changes.
    ///
    /// In this order: an input key that is known gives [`Committed::Duplicate`]; a version that is not the expected one gives
    /// [`Committed::Conflict`]; else everything is written, and is durable when this returns.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, StoreError>>;

    /// Leases effects that are due, oldest first. An effect with an `exclusive` key is not handed out while another one with
    /// the same key is leased, nor is one of whose bulkhead as many are leased as the claim allows.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>>;

    /// Gives a lease back: the effect can be claimed again from `not_before` on. `claims` is what the claim said; if the effect
    /// has been claimed again since, the lease is somebody else's and stays.
    fn release(&self, key: EffectKey, claims: u32, not_before: Timestamp) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Has effects that are due later than this, or whose lease ends later, fall due then; says how many there were. Such times
    /// were written while the clock was ahead.
    fn clamp_future_due_times(&self, latest: Timestamp) -> BoxFuture<'_, Result<usize, StoreError>>;

    /// Timers that have fallen due: first those that end access, and of each kind the earliest first. They stay until a commit
    /// fires, replaces or cancels them.
    fn due_timers(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<DueTimer>, StoreError>>;

    /// When the next effect or timer falls due. Leased effects count from the end of their lease.
    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>>;

    /// What is due and has not been begun; what was due before `late` is late. An effect without a time of its own is due
    /// since the commit that asked for it.
    fn backlog(&self, now: Timestamp, late: Timestamp) -> BoxFuture<'_, Result<Backlog, StoreError>>;

    /// The Runs that need a piece of access.
    fn holders(&self, key: &EntitlementKey) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>>;

    /// Runs, newest first.
    fn runs(&self, filter: RunFilter, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>, StoreError>>;

    /// Forgets Runs that are at rest and have not changed since `before`, those first that changed first, with the answers to
    /// their inputs; and answers to inputs from before then that began no Run. At most `limit` of either. Says how many that
    /// were. What is on the record stays, and so do the counts of events.
    fn prune(&self, before: Timestamp, limit: usize) -> BoxFuture<'_, Result<usize, StoreError>>;

    /// Runs that may hold access which nothing in the store ends: what [`RunState::pending_expiry`] names is not in the store, or
    /// there is no such end. Newest first.
    fn runs_missing_expiry(&self, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>, StoreError>>;

    /// Counts the Runs that may hold access. Those whose access was to end before `late` are late.
    fn access_health(&self, late: Timestamp) -> BoxFuture<'_, Result<AccessHealth, StoreError>>;

    /// Audit entries in the order of their commits, of one Run or of all.
    fn audit(&self, run: Option<RunId>, limit: usize) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>>;

    /// How many events there were, as the audit entries tell.
    fn count_events<'a>(&'a self, count: &'a EventQuery) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Audit records after the one with this number, in the order of their commits. They form a hash chain without gaps: each
    /// commit appends its entries to it, as [`AuditRecord::after`] does.
    fn audit_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>, StoreError>>;

    /// The audit records of one Run before the one with this number, in order.
    fn audit_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>, StoreError>>;

    /// Where the audit log ends. It is kept apart from the records, so that a tail that was cut off is noticed.
    fn audit_head(&self) -> BoxFuture<'_, Result<AuditHead, StoreError>>;

    /// The number of the last audit record that a destination has; 0 for one that has none.
    fn audit_cursor(&self, destination: &str) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Sets the number of the last audit record that a destination has. It is durable when this returns.
    fn set_audit_cursor(&self, destination: &str, seq: u64) -> BoxFuture<'_, Result<(), StoreError>>;
}

impl<S: Store + ?Sized> AuditLog for S {
    fn records_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, crate::Result<Vec<AuditRecord>>> {
        Box::pin(async move { Ok(self.audit_after(seq, limit).await?) })
    }

    fn run_records_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, crate::Result<Vec<AuditRecord>>> {
        Box::pin(async move { Ok(self.audit_before(run, seq).await?) })
    }

    fn head(&self) -> BoxFuture<'_, crate::Result<AuditHead>> {
        Box::pin(async move { Ok(self.audit_head().await?) })
    }
}
