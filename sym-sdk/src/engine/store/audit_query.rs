//! Searches of the audit log.

use jiff::Timestamp;

use super::audit_words::AuditWords;
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
    /// Only entries whose text has all of these words, in any case and order: who acted, the Run, the flow, the target, the handler, what was
    /// entered, and what failed. A part of a word counts as one.
    pub text: Option<String>,
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
            text: None,
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
            && self.words().is_none_or(|words| words.are_in(entry))
    }

    /// Returns the words that entries must have, if there are any.
    pub(crate) fn words(&self) -> Option<AuditWords> {
        self.text.as_deref().map(AuditWords::of).filter(|words| !words.is_empty())
    }

    /// Returns the page that begins with these records, which match. There is a next page if they are more than the limit.
    pub fn page(&self, mut records: Vec<AuditRecord>) -> AuditPage {
        let has_more = records.len() > self.limit;
        records.truncate(self.limit);
        let next = records.last().filter(|_| has_more).map(|last| last.seq);
        AuditPage { records, next, is_cut_short: false }
    }

    /// Returns the page of a search that has found these records, and read none beyond this number.
    #[cfg(feature = "sqlite")]
    pub(crate) fn page_until(&self, records: Vec<AuditRecord>, read: u64) -> AuditPage {
        let mut page = self.page(records);
        if page.next.is_none() {
            (page.next, page.is_cut_short) = (Some(read), true);
        }
        page
    }
}

/// A page of audit records.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AuditPage {
    /// The records.
    pub records: Vec<AuditRecord>,
    /// The number of the record to continue after, for [`AuditQuery::after`]. `None` on the last page.
    pub next: Option<u64>,
    /// Whether the search has read as many records as one may, before the page was full. There may be more that match, further on.
    pub is_cut_short: bool,
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
