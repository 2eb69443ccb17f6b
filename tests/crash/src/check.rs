//! The promises that must hold once all Runs have ended, however often the process was killed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use sym_sdk::audit::{AuditEntry, AuditKind, Verified, VerifyError, verify};
use sym_sdk::engine::{RunFilter, SqliteStore, Store, StoredRun};
use sym_sdk::error::codes;
use sym_sdk::machine::Access;
use sym_sdk::model::{DeescalateType, EventId, RunId, Step};

use crate::child::{ACKNOWLEDGED, Acknowledged, Response, STORE};
use crate::configured::Configured;
use crate::flows::ACCOUNTS;
use crate::journal;
use crate::service::{self, Call, Op, ServiceResponse};

/// The maximum delay between the end of access and the call that revokes it, by the clock of the processes.
const MAX_DELAY: SignedDuration = SignedDuration::from_mins(1);

/// Everything that the processes have left behind.
struct Records {
    acknowledged: Vec<Acknowledged>,
    calls: Vec<Call>,
    runs: Vec<StoredRun>,
    audit: Vec<AuditEntry>,
    next_due: Option<Timestamp>,
    configured: Configured,
    chain: Result<Verified, VerifyError>,
}

/// Returns the broken promises. The last process in `dir` must have finished its work.
pub fn broken_promises(dir: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let records = runtime.block_on(Records::of(dir));
    let mut broken = Vec::new();
    records.inputs(&mut broken);
    records.grants(&mut broken);
    records.revocations(&mut broken);
    records.punctuality(&mut broken);
    records.decisions(&mut broken);
    records.record(&mut broken);
    records.effects(&mut broken);
    broken
}

impl Records {
    async fn of(dir: &Path) -> Self {
        let store = SqliteStore::open(dir.join(STORE)).await.unwrap();
        let records = Self {
            acknowledged: journal::read(&dir.join(ACKNOWLEDGED)),
            calls: journal::read(&dir.join(service::CALLS)),
            runs: store.runs(RunFilter::default(), usize::MAX).await.unwrap(),
            audit: store.audit(None, usize::MAX).await.unwrap(),
            next_due: store.next_due().await.unwrap(),
            configured: Configured::of(dir),
            chain: verify(&store).await,
        };
        store.close().await.unwrap();
        records
    }

    fn entries_of(&self, run: RunId) -> impl Iterator<Item = &AuditEntry> {
        self.audit.iter().filter(move |entry| entry.run == run)
    }

    /// P1: every acknowledged input was processed, exactly once and to its end.
    fn inputs(&self, broken: &mut Vec<String>) {
        let mut begun: HashMap<EventId, usize> = HashMap::new();
        // Revoking while a revocation fails triggers the next attempt.
        let is_begun = |kind: &AuditKind| matches!(kind, AuditKind::Received | AuditKind::RevokeRetried { .. });
        for entry in self.audit.iter().filter(|entry| is_begun(&entry.kind)) {
            *begun.entry(entry.event.id).or_default() += 1;
        }
        let refused: BTreeSet<_> = self.audit.iter().filter(|entry| is_refusal(entry)).map(|e| e.event.id).collect();
        for Acknowledged { key, response } in &self.acknowledged {
            let Response::Accepted { run, event } = response else { continue };
            // An input that arrived during another event is checked when that has ended.
            let times = begun.get(event).copied().unwrap_or_default() + usize::from(refused.contains(event));
            if times != 1 {
                broken.push(format!("P1: `{key}` of Run {run} was acknowledged, and was audited {times} times"));
            }
        }
        let refusals = self.acknowledged.iter().filter(|known| matches!(known.response, Response::Refused(_))).count();
        if refusals > refused.len() {
            broken.push(format!("P6: {refusals} inputs were refused, and {} refusals were audited", refused.len()));
        }
        if let Some(at) = self.next_due {
            broken.push(format!("P1: work is still due at {at}"));
        }
        for run in &self.runs {
            // After a restart with another configuration, nobody submits the form that was shown.
            let is_left = self.configured != Configured::Unchanged && run.state.is_prunable();
            let has_ended = run.state.is_finished() || is_left;
            if !has_ended || !run.state.pending.is_empty() || !run.state.timers.is_empty() {
                broken.push(format!("P1: Run {} has not ended: it is {}", run.state.run.id(), run.state.run.status()));
            }
        }
    }

    /// P2: the approval and the expiry were committed before the service was called.
    fn grants(&self, broken: &mut Vec<String>) {
        for call in self.calls.iter().filter(|call| call.op == Op::Grant) {
            // All requests are made in one configuration.
            if call.account != ACCOUNTS[0] {
                broken.push(format!("P5: access was granted in an account that nobody asked for: {call:?}"));
            }
            if !call.approved {
                broken.push(format!("P2: access was granted without a committed approval: {call:?}"));
            }
            if !call.expires {
                broken.push(format!("P2: access was granted before its expiry was committed: {call:?}"));
            }
        }
    }

    /// P3: all access was revoked, and none too early.
    fn revocations(&self, broken: &mut Vec<String>) {
        for (account, target, identity) in service::with_access(&self.calls) {
            broken.push(format!("P3: {identity} still has access to {target} in account `{account}`"));
        }
        let mut until: HashMap<(&str, &str), BTreeMap<RunId, Timestamp>> = HashMap::new();
        for call in &self.calls {
            let holders = until.entry((&call.target, &call.identity)).or_default();
            match call.op {
                Op::Grant if call.answer == ServiceResponse::Done => {
                    if let Some(end) = self.scheduled_end(call.run) {
                        holders.insert(call.run, end);
                    }
                }
                Op::Grant => {}
                Op::Revoke => {
                    holders.remove(&call.run);
                    for (run, end) in holders.iter().filter(|(_, end)| call.answer.applies() && **end > call.at) {
                        broken.push(format!("P3: Run {run} lost its access before {end}: {call:?}"));
                    }
                }
            }
        }
    }

    /// P3: work that was in flight in a killed process continues immediately, so access ends on time.
    fn punctuality(&self, broken: &mut Vec<String>) {
        for run in &self.runs {
            let id = run.state.run.id();
            let deferred = self.entries_of(id).any(|entry| {
                // Access that another Run needs stays, and is revoked at the end of the settle window if none needs it any more.
                let stayed = matches!(entry.kind, AuditKind::RevokedProvisionally { still_needed_by: 1.., .. });
                stayed || matches!(entry.kind, AuditKind::Ignored { .. })
            });
            let first = self.calls.iter().find(|call| call.run == id && call.op == Op::Revoke);
            if let (false, Some(first), Some(end)) = (deferred, first, self.scheduled_end(id))
                && first.at.duration_since(end) > MAX_DELAY
            {
                broken.push(format!("P3: Run {id} was to lose its access at {end}: {first:?}"));
            }
        }
    }

    /// Returns the end of a Run's access, if only time ends it.
    fn scheduled_end(&self, run: RunId) -> Option<Timestamp> {
        let mut end = None;
        for entry in self.entries_of(run) {
            match &entry.kind {
                AuditKind::Granted { until, .. } => end = *until,
                AuditKind::Extended { until, .. } => end = Some(*until),
                AuditKind::Failed { .. } if entry.event.extension.is_none() => return None,
                AuditKind::Received if entry.event.deescalate_type == Some(DeescalateType::Revoked) => return None,
                _ => {}
            }
        }
        end
    }

    /// P4: each vote counts once, and each Run is decided at most once.
    fn decisions(&self, broken: &mut Vec<String>) {
        for run in &self.runs {
            let id = run.state.run.id();
            let decisions = self.entries_of(id).filter(|entry| {
                matches!(entry.kind, AuditKind::Completed) && matches!(entry.event.name, Step::Approve | Step::Deny)
            });
            let (of_extensions, of_request): (Vec<_>, Vec<_>) =
                decisions.partition(|entry| entry.event.extension.is_some());
            let extensions: BTreeSet<_> =
                of_extensions.iter().filter_map(|entry| Some(entry.event.extension?.id)).collect();
            if extensions.len() != of_extensions.len() {
                broken.push(format!("P4: an extension of Run {id} was decided twice"));
            }
            let decided = of_request.len();
            if decided > 1 || decided != usize::from(run.state.decision.is_some()) {
                broken.push(format!("P4: Run {id} was decided {decided} times: {:?}", run.state.decision));
            }
            let voters: Vec<_> = self
                .entries_of(id)
                .filter(|entry| matches!(entry.kind, AuditKind::Counted { .. }))
                .map(|entry| entry.event.actor.username())
                .collect();
            let distinct: BTreeSet<_> = voters.iter().collect();
            if distinct.len() != voters.len() {
                broken.push(format!("P4: a vote for Run {id} counted twice: {voters:?}"));
            }
            let access = &run.state.access;
            if !matches!(access, Access::None | Access::Ended) {
                broken.push(format!("P3: Run {id} has ended, and its access has not: {access:?}"));
            }
        }
    }

    /// P6: the audit log is complete: it contains each call of the service that returned, with its result.
    fn record(&self, broken: &mut Vec<String>) {
        if let Err(error) = &self.chain {
            broken.push(format!("P6: {error}"));
        }
        for run in &self.runs {
            let id = run.state.run.id();
            for op in [Op::Grant, Op::Revoke] {
                let calls: BTreeMap<_, _> = self
                    .calls
                    .iter()
                    .filter(|call| call.run == id && call.op == op)
                    .map(|c| ((c.key, c.attempt), c.answer))
                    .collect();
                let failed = calls.values().filter(|answer| **answer != ServiceResponse::Done).count();
                let succeeded = calls.len() - failed;
                let recorded = |is: fn(&AuditKind) -> bool| self.entries_of(id).filter(|entry| is(&entry.kind)).count();
                let (successes, failures) = match op {
                    Op::Grant => (
                        recorded(|kind| matches!(kind, AuditKind::Granted { .. })),
                        recorded(|kind| matches!(kind, AuditKind::GrantFailed { .. })),
                    ),
                    Op::Revoke => (
                        recorded(|kind| {
                            use AuditKind::{Revoked, RevokedProvisionally};
                            matches!(
                                kind,
                                Revoked { still_needed_by: 0, .. } | RevokedProvisionally { still_needed_by: 0, .. }
                            )
                        }),
                        recorded(|kind| matches!(kind, AuditKind::RevokeFailed { .. })),
                    ),
                };
                // A grant whose outcome was lost with its process is not repeated if the request is outdated by then.
                let is_outdated = |kind: &AuditKind| matches!(kind, AuditKind::Failed { error } if error.code == codes::REQUEST_OUTDATED);
                let lost = usize::from(op == Op::Grant && recorded(is_outdated) > 0);
                // An effect that has lost too many leases counts as failed, whatever the service did.
                if successes > succeeded || successes + failures + lost < calls.len() {
                    broken.push(format!(
                        "P6: Run {id} has {successes} successes and {failures} failures of {op:?} in the audit log, and the \
                         service had {succeeded} and {failed}"
                    ));
                }
            }
        }
    }

    /// P7: no effect is executed after its outcome was committed.
    fn effects(&self, broken: &mut Vec<String>) {
        for call in self.calls.iter().filter(|call| !call.awaited) {
            broken.push(format!("P7: the service was called again after the outcome was committed: {call:?}"));
        }
    }
}

fn is_refusal(entry: &AuditEntry) -> bool {
    matches!(entry.kind, AuditKind::Refused { .. } | AuditKind::SubmissionRefused { .. })
}
