//! Access to Runs on behalf of people: the Runs that they may see, and the actions that they can take. Front ends read Runs for people
//! with these methods alone.
//!
//! What one may not see does not exist: the error is the same as for an id that nobody has.

use std::sync::Arc;

use super::Runtime;
use super::flows::FlowEntry;
use crate::audit::{AuditEntry, AuditKind};
use crate::engine::{AuditPage, AuditQuery, RunPage, RunQuery, StoredRun};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{self, Abilities};
use crate::model::{ChannelType, EventId, RunId, User};

impl Runtime {
    /// Returns a Run in its current state, for somebody who may see it.
    ///
    /// # Errors
    /// If there is no such Run, or the user may not see it, with one error for both; or if the store fails. That the Run was pruned is told
    /// to administrators, and to those whose actions are on its record.
    pub async fn run_for(&self, run: RunId, user: &User) -> Result<StoredRun> {
        let unknown = || Error::new(ErrorKind::NotFound, codes::UNKNOWN_RUN, format!("there is no Run {run}"));
        match self.engine.run(run).await? {
            Some(stored) if stored.state.is_visible_to(user) => Ok(stored),
            Some(_) => Err(unknown()),
            None => {
                let record = self.engine.audit(Some(run), usize::MAX).await?;
                let has_acted = |entry: &AuditEntry| entry.event.actor.id() == user.id();
                if user.is_admin() || record.iter().any(has_acted) {
                    return Err(missing_run(run, &record));
                }
                Err(unknown())
            }
        }
    }

    /// Returns what a user can do with a Run through a kind of channel, with the reasons for what they cannot.
    ///
    /// # Errors
    /// If there is no such Run, or the user may not see it, with one error for both; or if the store fails.
    pub async fn abilities(&self, run: RunId, user: &User, channel: ChannelType) -> Result<Abilities> {
        let stored = self.run_for(run, user).await?;
        Ok(self.abilities_on(&stored, user, channel))
    }

    /// Returns what a user can do with a Run that was read already.
    pub fn abilities_on(&self, run: &StoredRun, user: &User, channel: ChannelType) -> Abilities {
        let now = self.clock().now();
        match self.executor.flows.by_srn(&run.state.flow) {
            Ok(entry) => machine::abilities(&entry.rules(), &run.state, user, channel, now),
            Err(_) => {
                let removed = FlowEntry::removed(&run.state.flow);
                machine::abilities(&removed.rules(), &run.state, user, channel, now)
            }
        }
    }

    /// Finds a page of Runs, newest first: those that the query's viewer may see, or all.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_runs(&self, query: &RunQuery) -> Result<RunPage> {
        self.engine.find_runs(query).await
    }

    /// Counts the Runs that a query finds, up to its limit, which bounds what it costs. A caller that wants to know whether there are more
    /// than some number sets the limit to one more.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn count_runs(&self, query: &RunQuery) -> Result<usize> {
        self.engine.count_runs(query).await
    }

    /// Returns the Run to which an event was admitted. Whether somebody may see it is for [`run_for`](Self::run_for) to say.
    ///
    /// # Errors
    /// If there is no such event, or the store fails.
    pub async fn run_of_event(&self, event: EventId) -> Result<RunId> {
        let unknown = || Error::new(ErrorKind::NotFound, codes::UNKNOWN_EVENT, format!("there is no event {event}"));
        self.engine.run_of_event(event).await?.ok_or_else(unknown)
    }

    /// Searches the audit log. It contains what people entered, so it is for administrators.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn find_audit(&self, query: &AuditQuery) -> Result<AuditPage> {
        self.engine.find_audit(query).await
    }

    /// Returns the audit entries of one Run in order, for somebody who may see it.
    ///
    /// # Errors
    /// If there is no such Run, or the user may not see it, with one error for both; or if the store fails.
    pub async fn audit_for(&self, run: RunId, user: &Arc<User>) -> Result<Vec<AuditEntry>> {
        self.run_for(run, user).await?;
        self.engine.audit(Some(run), usize::MAX).await
    }
}

/// Returns the error for a Run that is not in the store, given its record: it never existed, or it was pruned.
pub(super) fn missing_run(run: RunId, record: &[AuditEntry]) -> Error {
    match record.last() {
        Some(last) if record.iter().any(|entry| entry.kind == AuditKind::Received) => {
            let message = format!("Run {run} ended on {:.0} and is no longer kept", last.at);
            let error = Error::new(ErrorKind::NotFound, codes::RUN_PRUNED, message);
            error.with_hint("the audit log still tells of it; make a new request if access is needed again")
        }
        _ => Error::new(ErrorKind::NotFound, codes::UNKNOWN_RUN, format!("there is no Run {run}")),
    }
}
