//! Access that cannot be revoked as things are, found when the program starts rather than when the access is to end.
//!
//! Each such Run is told to the machine, which records it and alerts the error destination. Access whose revocation was already tried is
//! only listed: the machine alerts about failed attempts itself.

use std::collections::BTreeMap;

use super::Runtime;
use super::availability::{BlockedAccess, PartFaults, UnavailablePart};
use super::flows::FlowEntry;
use super::recovery::Found;
use super::startup_checks;
use crate::engine::{InputKey, RunFilter, StoredRun};
use crate::error::{ErrorKind, Result, codes};
use crate::machine::{EffectError, Grant, Input, InputBody};
use crate::model::Srn;

/// The maximum number of Runs without an expiry that are listed.
const MAX_LISTED: usize = 500;

impl Runtime {
    /// Finds the access that cannot be revoked, and reports it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) async fn find_blocked_access(&self) -> Result<()> {
        let filter = RunFilter { may_hold_access: true, ..RunFilter::default() };
        let mut found = Found::default();
        let mut results = BTreeMap::new();
        let mut removed: BTreeMap<String, u64> = BTreeMap::new();
        for run in self.runs(filter, usize::MAX).await? {
            let Some(grant) = run.state.access.grant() else { continue };
            let flow = run.state.flow.slug();
            if self.executor.flows.by_name(flow).is_err() {
                *removed.entry(flow.to_owned()).or_default() += 1;
            }
            // Reading a secret can take long, so it is done once for all access of a flow in one account. The target matters only where
            // the flow's own strategy does not work.
            let target = (!self.is_reached_by_flow(&run.state.flow, grant)).then(|| grant.target.id());
            let place = (flow.to_owned(), grant.strategy.clone(), grant.account.clone(), target);
            let result = match results.get(&place) {
                Some(result) => Option::<EffectError>::clone(result),
                None => {
                    let result = self.revocation_error(&run.state.flow, grant).await;
                    results.insert(place, result.clone());
                    result
                }
            };
            self.report_blocked(&run, result.as_ref()).await;
            found.blocked.extend(result.map(|error| blocked(&run, grant, error)));
        }
        for run in self.engine.runs_missing_expiry(MAX_LISTED).await? {
            let Some(grant) = run.state.access.grant() else { continue };
            if found.blocked.iter().any(|known| known.run == run.state.run.id()) {
                continue;
            }
            let fault = startup_checks::without_expiry(&run.state);
            let mut error = EffectError::new(ErrorKind::Internal, codes::STORE, fault.message);
            error.hint = fault.hint;
            found.blocked.push(blocked(&run, grant, error));
        }
        let faults = |(flow, runs): (&String, &u64)| {
            let fault = startup_checks::unconfigured(flow, *runs);
            PartFaults::of(UnavailablePart::RemovedFlow, flow, vec![fault])
        };
        found.removed_flows = removed.iter().filter_map(faults).collect();
        let known = self.recovery.blocked();
        for access in found.blocked.iter().filter(|access| known.iter().all(|known| known.run != access.run)) {
            let BlockedAccess { run, flow, target, identity, error, .. } = access;
            tracing::error!(%run, flow, target, identity, "access cannot be revoked: {error}");
        }
        self.recovery.set_found(found);
        Ok(())
    }

    /// Returns whether the flow's own strategy revokes the access, rather than one that is found by its target.
    fn is_reached_by_flow(&self, flow: &Srn, grant: &Grant) -> bool {
        let Ok(entry) = self.executor.flows.by_srn(flow) else { return false };
        let own = entry.flow.strategy().filter(|own| grant.is_reached_by(own));
        own.is_some_and(|own| entry.strategy().is_some() || self.executor.strategies.declared(own).is_some())
    }

    /// Returns why access that a flow granted cannot be revoked; `None` if it can, or stays anyway.
    async fn revocation_error(&self, flow: &Srn, grant: &Grant) -> Option<EffectError> {
        if grant.is_standing {
            return None;
        }
        let removed;
        let entry = match self.executor.flows.by_srn(flow) {
            Ok(entry) => entry,
            Err(_) => {
                removed = FlowEntry::removed(flow);
                &removed
            }
        };
        self.executor.revocation_strategy(entry, grant).await.err()
    }

    /// Tells the machine whether the access of a Run can be revoked, if that is news.
    async fn report_blocked(&self, run: &StoredRun, error: Option<&EffectError>) {
        let id = run.state.run.id();
        let now = self.clock().now();
        let body = match error {
            Some(error) if run.state.is_blocked_alert_due(now) => {
                InputBody::RevocationBlocked { error: Some(error.clone()) }
            }
            None if run.state.revocation_blocked.is_some() => InputBody::RevocationBlocked { error: None },
            _ => return,
        };
        // The time makes the key of a later check another one.
        let key = InputKey::new(format!("blocked:{id}:{}:{now}", run.version));
        let input = Input::new(id, run.state.flow.clone(), now, body);
        if let Err(error) = self.engine.submit(key, input).await {
            tracing::error!(%error, run = %id, "could not report that access cannot be revoked");
        }
    }
}

fn blocked(run: &StoredRun, grant: &Grant, error: EffectError) -> BlockedAccess {
    let (flow, target) = (run.state.flow.slug().to_owned(), grant.target.title());
    let (run, identity, until) = (run.state.run.id(), grant.identity.clone(), grant.until);
    BlockedAccess { run, flow, target, identity, until, error }
}
