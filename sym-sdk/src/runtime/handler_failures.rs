//! The handlers of flows, and their failures, as the audit log has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Runtime;
use crate::audit::{AuditEntry, AuditKind};
use crate::engine::AuditQuery;
use crate::error::Result;
use crate::handler::HandlerRecord;
use crate::machine::EffectError;
use crate::model::{Flow, HandlerRef, RunId};

/// The kinds of entries that name a handler which has failed.
const KINDS: [&str; 2] = ["failed", "reported"];

/// The maximum number of entries of each kind that are read.
const MAX_ENTRIES: usize = 500;

/// The failures of one handler. Returned by [`Runtime::handler_failures`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HandlerFailures {
    /// The handler.
    pub handler: HandlerRef,
    /// The number of failures, among the latest 500 of all handlers that failed an event and the latest 500 that did not.
    pub count: usize,
    /// The time of the last one.
    pub last_at: Timestamp,
    /// The Run of the last one.
    pub last_run: RunId,
    /// The error of the last one.
    pub last_error: EffectError,
}

impl Runtime {
    /// Returns an iterator over the flows that are configured, sorted by name, each with its handlers, sorted by kind and field.
    pub fn flow_handlers(&self) -> impl Iterator<Item = (Arc<Flow>, Vec<HandlerRef>)> + '_ {
        let configured = self.executor.flows.iter().filter(|entry| !entry.is_removed());
        configured.map(|entry| (entry.flow.clone(), entry.handlers.iter().map(HandlerRecord::to_ref).collect()))
    }

    /// Returns the handlers that have failed since a time, each with its last failure; the one that failed last comes first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn handler_failures(&self, since: Timestamp) -> Result<Vec<HandlerFailures>> {
        let mut failures: BTreeMap<HandlerRef, HandlerFailures> = BTreeMap::new();
        for kind in KINDS {
            let mut query = AuditQuery::default();
            (query.since, query.kind, query.limit) = (Some(since), Some(kind.to_owned()), MAX_ENTRIES);
            for record in self.engine.find_audit(&query).await?.records {
                let entry = match record.entry() {
                    Ok(entry) => entry,
                    Err(error) => {
                        tracing::warn!(%error, "an audit entry cannot be read");
                        continue;
                    }
                };
                if let Some((handler, error)) = failure_of(&entry) {
                    let known = failures.entry(handler.clone()).or_insert_with(|| HandlerFailures {
                        handler: handler.clone(),
                        count: 0,
                        last_at: Timestamp::MIN,
                        last_run: entry.run,
                        last_error: error.clone(),
                    });
                    known.count = known.count.saturating_add(1);
                    if entry.at > known.last_at {
                        (known.last_at, known.last_run, known.last_error) = (entry.at, entry.run, error.clone());
                    }
                }
            }
        }
        let mut failures: Vec<_> = failures.into_values().collect();
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.last_at));
        Ok(failures)
    }
}

fn failure_of(entry: &AuditEntry) -> Option<(&HandlerRef, &EffectError)> {
    match &entry.kind {
        AuditKind::Failed { error } | AuditKind::Reported { error } => Some((error.handler.as_deref()?, error)),
        _ => None,
    }
}
