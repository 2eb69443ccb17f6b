//! Counting events by means of the audit log.
//!
//! Handlers ask how often somebody did something. The audit log has the answer, so no other count is stored that could differ
//! from it. A store may index the [changes](EventChange) of each entry instead of reading all of them.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{AuditEntry, AuditKind};
use crate::directory::{EventFilter, EventQuery};
use crate::model::{EventId, RunId, Step, TargetId, UserId};

/// The change that an audit entry makes to the count of events.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EventChange {
    /// An event was admitted.
    Begun { event: EventId, name: Step, at: Timestamp },
    /// An event failed or was ignored.
    Errored { event: EventId },
}

impl EventChange {
    /// Returns the change that `entry` makes, if it makes one.
    pub(crate) fn of(entry: &AuditEntry) -> Option<Self> {
        let event = &entry.event;
        match &entry.kind {
            AuditKind::Received => Some(Self::Begun { event: event.id, name: event.name, at: event.at }),
            AuditKind::Failed { .. } | AuditKind::Ignored { .. } => Some(Self::Errored { event: event.id }),
            _ => None,
        }
    }
}

/// The requester, flow and target of a Run, from the entry of its request. If a hook fires the request again, the later entry
/// counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunRequest {
    pub(crate) requester: UserId,
    pub(crate) flow: String,
    pub(crate) target: Option<TargetId>,
}

impl RunRequest {
    /// Returns the request, if `entry` is its first entry.
    pub(crate) fn of(entry: &AuditEntry) -> Option<Self> {
        let event = &entry.event;
        let is_request = event.name == Step::Request && entry.kind == AuditKind::Received;
        is_request.then(|| Self {
            requester: event.actor.id(),
            flow: entry.flow.slug().to_owned(),
            target: event.target.as_ref().map(|target| target.id()),
        })
    }

    fn matches(&self, count: &EventQuery) -> bool {
        self.requester == count.requester
            && match &count.filter {
                EventFilter::Flow(flow) => self.flow == *flow,
                EventFilter::Target(target) => self.target == Some(*target),
            }
    }
}

/// Counts events by reading all entries, in order.
pub(crate) fn count_events<'a>(entries: impl IntoIterator<Item = &'a AuditEntry>, count: &EventQuery) -> u64 {
    let mut requests: HashMap<RunId, RunRequest> = HashMap::new();
    let mut counted: HashSet<(RunId, EventId)> = HashSet::new();
    for entry in entries {
        requests.extend(RunRequest::of(entry).map(|request| (entry.run, request)));
        match EventChange::of(entry) {
            Some(EventChange::Begun { event, name, at }) if name == count.event && count.covers(at) => {
                counted.insert((entry.run, event));
            }
            Some(EventChange::Errored { event }) if !count.include_errored => {
                counted.remove(&(entry.run, event));
            }
            _ => {}
        }
    }
    let is_counted = |(run, _): &&(RunId, EventId)| requests.get(run).is_some_and(|request| request.matches(count));
    counted.iter().filter(is_counted).count() as u64
}
