//! The storage interface of an engine.
//!
//! A store is a passive table of Runs and of what they wait for. It decides nothing: it checks versions, keeps leases apart and
//! orders what is due. `testing::check_store` holds every implementation to the contract below.

mod audit_query;
mod audit_words;
mod claim;
mod commit;
mod run_query;

use jiff::Timestamp;

pub use self::audit_query::{AuditOrder, AuditPage, AuditQuery, Change};
pub use self::claim::{Claim, Claimed, DueTimer};
pub use self::commit::{Commit, Committed, InputFingerprint, InputKey, StoredRun, TimerKey};
pub use self::run_query::{Relation, RunCursor, RunOrder, RunPage, RunQuery, Viewer};
use super::health::{AccessHealth, Backlog};
use crate::audit::{AuditEntry, AuditHead, AuditKind, AuditLog, AuditRecord};
use crate::directory::EventQuery;
use crate::error::{BoxError, Error, ErrorKind, codes};
use crate::future::BoxFuture;
use crate::machine::{Effect, EffectKey, EntitlementKey, InputReply, Lane, RunState};
use crate::model::{ChannelType, EventId, RunId, RunStatus, UserId};

/// A filter of Runs. The default matches all.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunFilter {
    /// Only Runs of the flow with this name.
    pub flow: Option<String>,
    /// Only Runs that this user requested.
    pub requester: Option<UserId>,
    /// Only Runs whose requester has a name or a username that contains this text, whatever its case.
    pub requester_name: Option<String>,
    /// Only Runs with this status.
    pub status: Option<RunStatus>,
    /// Only Runs that hold access, or may.
    pub may_hold_access: bool,
    /// Only Runs whose access has not ended when it was to: a revocation has failed, or a hook has deferred it.
    pub stuck: bool,
    /// Only Runs that can still change: those that are not yet prunable.
    pub active: bool,
    /// Only Runs that changed after this time.
    pub changed_after: Option<Timestamp>,
    /// Only Runs with a request or an extension that waits for a decision.
    pub open: bool,
    /// Only Runs whose request is for the target with this name.
    pub target: Option<String>,
    /// Only Runs that were begun through this kind of channel.
    pub source: Option<ChannelType>,
    /// Only Runs that were created at this time or later.
    pub since: Option<Timestamp>,
    /// Only Runs that were created before this time.
    pub until: Option<Timestamp>,
    /// Only Runs that give this access, or gave it last. Those whose access ended under a version that did not keep it are among them.
    pub entitlement: Option<EntitlementKey>,
    /// Only Runs that give or gave access at another level than this; the inner `None` is access without a level.
    pub other_level_than: Option<Option<String>>,
    /// Only Runs that hold no access: it has ended, or was not granted yet.
    pub without_access: bool,
}

impl RunFilter {
    /// Whether a Run matches.
    pub fn matches(&self, state: &RunState) -> bool {
        self.flow.as_deref().is_none_or(|flow| state.flow.slug() == flow)
            && self.requester.is_none_or(|id| state.requester_id() == Some(id))
            && self
                .requester_name
                .as_deref()
                .is_none_or(|part| state.requester_names().is_some_and(|names| names.contains(&part.to_lowercase())))
            && self.status.is_none_or(|status| state.run.status() == status)
            && (!self.may_hold_access || state.may_hold_access())
            && (!self.stuck || state.is_stuck())
            && (!self.active || !state.is_prunable())
            && self.changed_after.is_none_or(|after| state.updated_at > after)
            && (!self.open || state.is_open() || state.open_extension().is_some())
            && self.target.as_deref().is_none_or(|name| state.target_name() == Some(name))
            && self.source.is_none_or(|source| state.run.source_channel().kind() == source)
            && self.since.is_none_or(|since| state.created_at >= since)
            && self.until.is_none_or(|until| state.created_at < until)
            && self.entitlement.as_ref().is_none_or(|key| state.may_have_given(key))
            && self.other_level_than.as_ref().is_none_or(|level| state.last_level() != level.as_deref())
            && (!self.without_access || !state.may_hold_access())
    }
}

/// An error of a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot respond now; the same call may succeed later.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] BoxError),
    /// Stored data cannot be read.
    #[error("the store contains data that cannot be read: {0}")]
    Corrupt(#[source] BoxError),
    /// The store cannot write, for example because the disk is full. It can be read.
    #[error("the store cannot write: {problem}")]
    NotWritable {
        /// The problem.
        #[source]
        problem: BoxError,
        /// The remedy, for an administrator.
        hint: String,
    },
    /// The store has failed for good; the program has to be restarted.
    #[error("the store can no longer be used: {0}")]
    Unusable(#[source] BoxError),
    /// The store will not do this until something is changed; the message says what.
    #[error("the store refused: {0}")]
    Refused(#[source] BoxError),
}

impl StoreError {
    /// Returns the kind of error in words, without what it is about.
    #[cfg(feature = "server")]
    pub(crate) fn summary(&self) -> String {
        let summary = match self {
            Self::Unavailable(_) => "the store is unavailable",
            Self::Corrupt(_) => "the store contains data that cannot be read",
            Self::NotWritable { .. } => match self.write_problem() {
                Some(problem) => return format!("the store cannot write: {problem}"),
                None => "the store cannot write",
            },
            Self::Unusable(_) => "the store can no longer be used",
            Self::Refused(_) => "the store refused",
        };
        summary.to_owned()
    }

    /// Returns the reason why the store cannot write, if it is one of these.
    pub(crate) fn write_problem(&self) -> Option<WriteProblem> {
        match self {
            Self::NotWritable { problem, .. } => problem.downcast_ref().copied(),
            _ => None,
        }
    }
}

/// A reason why a store cannot write. It does not say where the store is, so anybody may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a store in a file has them"))]
pub(crate) enum WriteProblem {
    #[error("the disk is full")]
    DiskFull,
    /// There is space again, or the reserve is used.
    #[error("the disk was full, and only revocations are stored until there is space")]
    OnlyRevocations,
    #[error("the file is read-only")]
    ReadOnly,
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let (kind, code) = match &error {
            StoreError::Unavailable(_) => (ErrorKind::Unavailable, codes::STORE),
            StoreError::NotWritable { .. } => (ErrorKind::Unavailable, codes::STORE_NOT_WRITABLE),
            StoreError::Corrupt(_) | StoreError::Unusable(_) => (ErrorKind::Internal, codes::STORE),
            StoreError::Refused(_) => (ErrorKind::Configuration, codes::STORE),
        };
        let hint = match &error {
            StoreError::NotWritable { hint, .. } => hint.clone(),
            StoreError::Unusable(_) => "restart the program".to_owned(),
            _ => return Self::new(kind, code, error.to_string()).with_source(error),
        };
        Self::new(kind, code, error.to_string()).with_hint(hint).with_source(error)
    }
}

/// The storage interface of an engine.
///
/// All methods are atomic. Nothing is assumed about the order in which concurrent calls take effect, except that a call that has
/// returned took effect before one that starts later.
pub trait Store: Send + Sync + 'static {
    /// Reads a Run.
    fn load(&self, run: RunId) -> BoxFuture<'_, Result<Option<StoredRun>, StoreError>>;

    /// Checks that the store takes writes, by writing something. The default does not.
    fn check_writable(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Waits until the store has failed for good, and returns the reason: no call succeeds from then on, and the program has to be
    /// restarted. The default waits forever.
    fn failure(&self) -> BoxFuture<'_, StoreError> {
        Box::pin(std::future::pending())
    }

    /// Returns the recorded reply to an input.
    fn recorded_reply(&self, key: &InputKey) -> BoxFuture<'_, Result<Option<InputReply>, StoreError>>;

    /// Returns the fingerprint that the key of a recorded input had. The default keeps none.
    fn recorded_fingerprint(&self, key: &InputKey) -> BoxFuture<'_, Result<Option<InputFingerprint>, StoreError>> {
        let _ = key;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Writes everything that one input changes.
    ///
    /// In this order: a known input key gives [`Committed::Duplicate`]; a version other than the expected one gives
    /// [`Committed::Conflict`]; otherwise everything is written, and is durable when this returns. The reply is part of it if the commit
    /// [records it](Commit::records_reply).
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, StoreError>>;

    /// Leases due effects, oldest first. Left out are effects with the same `exclusive` key as one that is leased, and those of
    /// a bulkhead that has as many leases as the claim allows.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>>;

    /// Lists effects of a lane that are due and not leased, oldest first. Asked for when a claim has failed, because the store cannot
    /// write: an engine that has the store to itself then executes those that end access.
    ///
    /// The default lists none, which is right for a store that several processes share.
    fn due_effects(&self, lane: Lane, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<Effect>, StoreError>> {
        let _ = (lane, now, limit);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Releases a lease: the effect can be claimed again from `not_before`. `claims` is the number that the claim returned; if the
    /// effect has been claimed again since, the lease belongs to another worker and stays.
    fn release(&self, key: EffectKey, claims: u32, not_before: Timestamp) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Sets due times and ends of leases that are later than `latest` to it, and returns their number. Such times were written
    /// while the clock was ahead.
    fn clamp_future_due_times(&self, latest: Timestamp) -> BoxFuture<'_, Result<usize, StoreError>>;

    /// Lists due timers: first those that end access, and the earliest of each kind first. They stay until a commit fires, replaces
    /// or cancels them.
    fn due_timers(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<DueTimer>, StoreError>>;

    /// Returns when the next effect or timer falls due. A leased effect counts from the end of its lease.
    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>>;

    /// Counts what is due and not leased. What was due before `late` is late. An effect without a time of its own is due since
    /// the commit that asked for it.
    fn backlog(&self, now: Timestamp, late: Timestamp) -> BoxFuture<'_, Result<Backlog, StoreError>>;

    /// Lists the Runs that need an entitlement.
    fn holders(&self, key: &EntitlementKey) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>>;

    /// Lists Runs, newest first.
    fn runs(&self, filter: RunFilter, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>, StoreError>>;

    /// Finds a page of Runs, in the order of the query. The default reads all Runs.
    fn find_runs<'a>(&'a self, query: &'a RunQuery) -> BoxFuture<'a, Result<RunPage, StoreError>> {
        Box::pin(async move { Ok(query.page_of_all(self.runs(query.filter().clone(), usize::MAX).await?)) })
    }

    /// Counts the Runs that a query finds, up to its limit. The default finds them.
    fn count_runs<'a>(&'a self, query: &'a RunQuery) -> BoxFuture<'a, Result<usize, StoreError>> {
        Box::pin(async move { Ok(self.find_runs(query).await?.runs.len()) })
    }

    /// Returns the Run to which an event was admitted. The audit log keeps that of Runs that were pruned. The default reads the whole
    /// log.
    fn run_of_event(&self, event: EventId) -> BoxFuture<'_, Result<Option<RunId>, StoreError>> {
        Box::pin(async move {
            let entries = self.audit(None, usize::MAX).await?;
            let received = entries.iter().filter(|entry| entry.kind == AuditKind::Received);
            Ok(received.filter(|entry| entry.event.id == event).map(|entry| entry.run).next())
        })
    }

    /// Deletes prunable Runs that have not changed since `before`, those that changed first coming first, with the replies to their
    /// inputs; and replies to earlier inputs that began no Run. At most `limit` of either. Returns the number of both. The audit log
    /// stays, and so do the counts of events.
    fn prune(&self, before: Timestamp, limit: usize) -> BoxFuture<'_, Result<usize, StoreError>>;

    /// Lists Runs that may hold access which nothing in the store would end, newest first: the timer or effect that
    /// [`RunState::pending_expiry`] names is missing, or it names none.
    fn runs_missing_expiry(&self, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>, StoreError>>;

    /// Counts the Runs that may hold access. Those whose access was to end before `late` are late.
    fn access_health(&self, late: Timestamp) -> BoxFuture<'_, Result<AccessHealth, StoreError>>;

    /// Lists audit entries in commit order, of one Run or of all.
    fn audit(&self, run: Option<RunId>, limit: usize) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>>;

    /// Counts the events that audit entries report.
    fn count_events<'a>(&'a self, count: &'a EventQuery) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Lists audit records after the one with number `seq`, in commit order, with their events. They form a hash chain without gaps:
    /// each commit appends its entries to it, as [`AuditRecord::after`] does. Many entries have the same
    /// [event](crate::audit::StoredEvent), which should be stored once.
    fn audit_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>, StoreError>>;

    /// Searches the audit log. A search for [words](AuditQuery::text) may end before the page is full, so that it does not read the whole log
    /// at once: then the page says so, and has a cursor. The default reads all of the log.
    fn find_audit<'a>(&'a self, query: &'a AuditQuery) -> BoxFuture<'a, Result<AuditPage, StoreError>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for record in self.audit_after(0, usize::MAX).await? {
                let entry = record.entry().map_err(|error| StoreError::Corrupt(error.into()))?;
                if query.matches(&entry) {
                    found.push(record);
                }
            }
            if query.order == AuditOrder::NewestFirst {
                found.reverse();
            }
            let is_later = |seq| match query.order {
                AuditOrder::NewestFirst => query.after.is_none_or(|after| seq < after),
                AuditOrder::OldestFirst => query.after.is_none_or(|after| seq > after),
            };
            let found = found.into_iter().filter(|record| is_later(record.seq));
            Ok(query.page(found.take(query.limit.saturating_add(1)).collect()))
        })
    }

    /// Lists the changes that the audit records after the one with number `seq` report, one for each record. The default reads the
    /// records.
    fn changes_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(async move {
            let records = self.audit_after(seq, limit).await?;
            let change = |record: &AuditRecord| {
                let entry = record.entry().map_err(|error| StoreError::Corrupt(error.into()))?;
                Ok(Change::new(record.seq, record.hash.tag(), entry.run, entry.at))
            };
            records.iter().map(change).collect()
        })
    }

    /// Lists the audit records of one Run before the one with number `seq`, in order.
    fn audit_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>, StoreError>>;

    /// Returns the end of the audit log. It is stored apart from the records, so that a truncated log is noticed.
    fn audit_head(&self) -> BoxFuture<'_, Result<AuditHead, StoreError>>;

    /// Returns the number of the last audit record that a destination has; 0 for one that has none.
    fn audit_cursor(&self, destination: &str) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Sets the number of the last audit record that a destination has. Durable when this returns.
    fn set_audit_cursor(&self, destination: &str, seq: u64) -> BoxFuture<'_, Result<(), StoreError>>;
}

impl<S: Store + ?Sized> AuditLog for S {
    fn records_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>, Error>> {
        Box::pin(async move { Ok(self.audit_after(seq, limit).await?) })
    }

    fn run_records_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>, Error>> {
        Box::pin(async move { Ok(self.audit_before(run, seq).await?) })
    }

    fn head(&self) -> BoxFuture<'_, Result<AuditHead, Error>> {
        Box::pin(async move { Ok(self.audit_head().await?) })
    }
}
