//! Searches of the audit log.

use jiff::Timestamp;

use crate::audit::AuditRecord;
use crate::machine::AuditEntry;
use crate::model::{EventId, RunId, UserId};

/// The number of records on a page, unless one is set.
const DEFAULT_LIMIT: usize = 50;

/// The order of the records that a search finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditOrder {
    /// The latest first.
    #[default]
    NewestFirst,
    /// In the order of the log.
    OldestFirst,
}

/// A search of the audit log. The default finds everything, the latest first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditQuery {
    /// Only entries of this time or later.
    pub since: Option<Timestamp>,
    /// Only entries before this time.
    pub until: Option<Timestamp>,
    /// Only entries of events of this user.
    pub actor: Option<UserId>,
    /// Only entries of the flow with this name.
    pub flow: Option<String>,
    /// Only entries of this Run.
    pub run: Option<RunId>,
    /// Only entries of this event.
    pub event: Option<EventId>,
    /// Only entries of the [kind](crate::audit::AuditKind::name) with this name.
    pub kind: Option<String>,
    /// Only entries that name the handler with this name: it was called, or it has failed.
    pub handler: Option<String>,
    /// The order.
    pub order: AuditOrder,
    /// The number of the record after which the page begins, in this order.
    pub after: Option<u64>,
    /// The maximum number of records on a page.
    pub limit: usize,
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self {
            since: None,
            until: None,
            actor: None,
            flow: None,
            run: None,
            event: None,
            kind: None,
            handler: None,
            order: AuditOrder::default(),
            after: None,
            limit: DEFAULT_LIMIT,
        }
    }
}

impl AuditQuery {
    /// Returns whether an entry passes the filters.
    pub fn matches(&self, entry: &AuditEntry) -> bool {
        self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
            && self.actor.is_none_or(|actor| entry.event.actor.id() == actor)
            && self.flow.as_deref().is_none_or(|flow| entry.flow.slug() == flow)
            && self.run.is_none_or(|run| entry.run == run)
            && self.event.is_none_or(|event| entry.event.id == event)
            && self.kind.as_deref().is_none_or(|kind| entry.kind.name() == kind)
            && self.handler.as_deref().is_none_or(|name| entry.kind.handler().is_some_and(|found| found.name() == name))
    }

    /// Returns the page that begins with these records, which match. There is a next page if they are more than the limit.
    pub fn page(&self, mut records: Vec<AuditRecord>) -> AuditPage {
        let has_more = records.len() > self.limit;
        records.truncate(self.limit);
        let next = records.last().filter(|_| has_more).map(|last| last.seq);
        AuditPage { records, next }
    }
}

/// A page of audit records.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AuditPage {
    /// The records.
    pub records: Vec<AuditRecord>,
    /// The number of the last record, for [`AuditQuery::after`]. `None` on the last page.
    pub next: Option<u64>,
}

/// A change of a Run: the place in the audit log up to which its entries report what has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The number of the audit record.
    pub seq: u64,
    /// The first bytes of the record's hash, by which the numbers of two logs are told apart.
    pub tag: [u8; 4],
    /// The Run. Entries of what administrators do to users belong to no Run that exists.
    pub run: RunId,
    /// The time.
    pub at: Timestamp,
}

impl Change {
    /// Creates a change.
    pub fn new(seq: u64, tag: [u8; 4], run: RunId, at: Timestamp) -> Self {
        Self { seq, tag, run, at }
    }
}
