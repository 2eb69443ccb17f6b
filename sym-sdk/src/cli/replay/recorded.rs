//! Reads requests from the audit log, page by page: the log keeps those of Runs that were pruned.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::course::Course;
use crate::audit::{AuditEntry, AuditKind, AuditRecord};
use crate::engine::{AuditOrder, AuditQuery, SqliteStore, Store};
use crate::error::Result;
use crate::machine::EventRecord;
use crate::model::{ChannelType, LookUp, RunId, Step};
use crate::runtime::RecordedRequest;

/// The number of records that are read at once.
const PAGE_SIZE: usize = 256;

/// The maximum number of entries of a Run that are read. A request is decided by then: what repeats for ever, such as a revocation that
/// fails, comes later.
const MAX_ENTRIES_OF_RUN: usize = 4_096;

/// A recorded request, with its course.
pub(super) struct Recorded {
    pub(super) request: RecordedRequest,
    pub(super) course: Course,
}

/// The recorded requests, oldest first.
pub(super) struct RecordedRequests<'a> {
    store: &'a SqliteStore,
    query: AuditQuery,
    page: VecDeque<AuditRecord>,
    is_last_page: bool,
}

impl<'a> RecordedRequests<'a> {
    /// Reads the requests since a time.
    pub(super) fn since(store: &'a SqliteStore, since: Option<Timestamp>) -> Self {
        let query = AuditQuery {
            since,
            kind: Some(AuditKind::Received.name().to_owned()),
            order: AuditOrder::OldestFirst,
            limit: PAGE_SIZE,
            ..AuditQuery::default()
        };
        Self { store, query, page: VecDeque::new(), is_last_page: false }
    }

    /// Returns the next request.
    pub(super) async fn next(&mut self) -> Result<Option<Recorded>> {
        loop {
            let Some(record) = self.page.pop_front() else {
                if self.is_last_page {
                    return Ok(None);
                }
                let found = self.store.find_audit(&self.query).await?;
                self.query.after = found.next;
                self.is_last_page = found.next.is_none();
                self.page = found.records.into();
                continue;
            };
            let entry = record.entry()?;
            if is_submitted_request(&entry)
                && let Some(recorded) = self.read(&entry).await?
            {
                return Ok(Some(recorded));
            }
        }
    }

    async fn read(&self, received: &AuditEntry) -> Result<Option<Recorded>> {
        let entries = self.store.audit(Some(received.run), MAX_ENTRIES_OF_RUN).await?;
        let is_it = |entry: &AuditEntry| entry.kind == AuditKind::Received && entry.event.id == received.event.id;
        let Some(start) = entries.iter().position(is_it) else { return Ok(None) };
        let after = entries.get(start..).unwrap_or_default();
        // A form whose request was ignored can be submitted again.
        let again = after.iter().skip(1).position(is_submitted_request);
        let of_request = after.get(..again.map_or(after.len(), |again| again + 1)).unwrap_or_default();
        let shown = of_request.iter().find(|entry| matches!(entry.kind, AuditKind::Routed { .. }));
        let shown_duration = shown.map_or(received.event.duration, |entry| entry.event.duration);
        Ok(Some(Recorded {
            request: RecordedRequest {
                run: received.run,
                flow: received.flow.clone(),
                parent: received.parent,
                event: received.event.clone(),
                shown_duration,
                decisions: decisions(of_request),
                look_ups: look_ups(of_request),
            },
            course: Course::of(of_request),
        }))
    }
}

impl Recorded {
    pub(super) fn run(&self) -> RunId {
        self.request.run
    }

    pub(super) fn event(&self) -> &EventRecord {
        &self.request.event
    }
}

/// Returns whether somebody made a request, rather than a hook that fires it again, or somebody who asks for more time.
fn is_submitted_request(entry: &AuditEntry) -> bool {
    entry.kind == AuditKind::Received
        && entry.event.name == Step::Request
        && entry.event.extension.is_none()
        && is_of_person(&entry.event)
}

/// Returns whether an event came from outside.
fn is_of_person(event: &EventRecord) -> bool {
    !matches!(event.channel.kind(), ChannelType::Sdk | ChannelType::Scheduler)
}

/// Returns what handlers have asked services.
fn look_ups(entries: &[AuditEntry]) -> Vec<LookUp> {
    let asked = entries.iter().filter(|entry| entry.event.extension.is_none());
    let answers = asked.filter_map(|entry| match &entry.kind {
        AuditKind::LookedUp { answers, .. } => Some(answers),
        _ => None,
    });
    answers.flatten().cloned().collect()
}

/// Returns what people decided about the request, as far as it was admitted.
fn decisions(entries: &[AuditEntry]) -> Vec<Arc<EventRecord>> {
    let admitted = entries.iter().filter(|entry| entry.kind == AuditKind::Received).map(|entry| &entry.event);
    let decided = admitted.filter(|event| {
        matches!(event.name, Step::Approve | Step::Deny) && event.extension.is_none() && is_of_person(event)
    });
    decided.cloned().collect()
}
