//! What must hold once all Runs have ended, however often the process was killed on the way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use sym_sdk::audit::{AuditEntry, AuditKind, Verified, VerifyError, verify};
use sym_sdk::engine::{RunFilter, SqliteStore, Store, StoredRun};
use sym_sdk::machine::Access;
use sym_sdk::model::{DeescalateType, EventId, RunId, Step};

use crate::child::{ACKNOWLEDGED, Acknowledged, STORE, Told};
use crate::journal;
use crate::service::{self, Answer, Call, Op};

/// The service is asked to take access away at most so long after its end, by the clock of the processes.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// All that is left of the processes.
struct Remains {
    acknowledged: Vec<Acknowledged>,
    calls: Vec<Call>,
    runs: Vec<StoredRun>,
    audit: Vec<AuditEntry>,
    next_due: Option<Timestamp>,
    chain: Result<Verified, VerifyError>,
}

/// What does not hold, each with the promise that it breaks. The last process in `dir` has ended by itself.
pub fn broken_promises(dir: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let remains = runtime.block_on(Remains::of(dir));
    let mut broken = Vec::new();
    remains.inputs(&mut broken);
    remains.grants(&mut broken);
    remains.revocations(&mut broken);
    remains.punctuality(&mut broken);
    remains.decisions(&mut broken);
    remains.record(&mut broken);
    remains.effects(&mut broken);
    broken
}

impl Remains {
    async fn of(dir: &Path) -> Self {
        let store = SqliteStore::open(dir.join(STORE)).await.unwrap();
        let remains = Self {
            acknowledged: journal::read(&dir.join(ACKNOWLEDGED)),
            calls: journal::read(&dir.join(service::CALLS)),
            runs: store.runs(RunFilter::default(), usize::MAX).await.unwrap(),
            audit: store.audit(None, usize::MAX).await.unwrap(),
            next_due: store.next_due().await.unwrap(),
            chain: verify(&store).await,
        };
        store.close().await.unwrap();
        remains
    }

    fn entries_of(&self, run: RunId) -> impl Iterator<Item = &AuditEntry> {
        self.audit.iter().filter(move |entry| entry.run == run)
    }

    /// P1: what was acknowledged is there, once, and came to its end.
    fn inputs(&self, broken: &mut Vec<String>) {
        let mut begun: HashMap<EventId, usize> = HashMap::new();
        // A revocation that is asked for while one fails has the next attempt made at once.
        let is_begun = |kind: &AuditKind| matches!(kind, AuditKind::Received | AuditKind::RevokeRetried { .. });
        for entry in self.audit.iter().filter(|entry| is_begun(&entry.kind)) {
            *begun.entry(entry.event.id).or_default() += 1;
        }
        let refused: BTreeSet<_> = self.audit.iter().filter(|entry| is_refusal(entry)).map(|e| e.event.id).collect();
        for Acknowledged { key, told } in &self.acknowledged {
            let Told::Taken { run, event } = told else { continue };
            // What came while another event was in hand is judged when its turn comes.
            let times = begun.get(event).copied().unwrap_or_default() + usize::from(refused.contains(event));
            if times != 1 {
                broken.push(format!("P1: `{key}` of Run {run} was acknowledged, and is on the record {times} times"));
            }
        }
        let refusals = self.acknowledged.iter().filter(|known| matches!(known.told, Told::Refused(_))).count();
        if refusals > refused.len() {
            broken
                .push(format!("P6: {refusals} inputs were refused, and {} refusals are on the record", refused.len()));
        }
        if let Some(at) = self.next_due {
            broken.push(format!("P1: something is still due at {at}"));
        }
        for run in &self.runs {
            if !run.state.is_finished() || !run.state.pending.is_empty() || !run.state.timers.is_empty() {
                broken.push(format!("P1: Run {} has not ended: it is {}", run.state.run.id(), run.state.run.status()));
            }
        }
    }

    /// P2: the approval and the end were in the store before the service was asked.
    fn grants(&self, broken: &mut Vec<String>) {
        for call in self.calls.iter().filter(|call| call.op == Op::Grant) {
            if !call.approved {
                broken.push(format!("P2: access was granted without a committed approval: {call:?}"));
            }
            if !call.expires {
                broken.push(format!("P2: access was granted before its end was committed: {call:?}"));
            }
        }
    }

    /// P3: whoever was given access has none any more; nobody lost it early.
    fn revocations(&self, broken: &mut Vec<String>) {
        for (target, identity) in service::with_access(&self.calls) {
            broken.push(format!("P3: {identity} still has access to {target}"));
        }
        let mut until: HashMap<(&str, &str), BTreeMap<RunId, Timestamp>> = HashMap::new();
        for call in &self.calls {
            let holders = until.entry((&call.target, &call.identity)).or_default();
            match call.op {
                Op::Grant if call.answer == Answer::Done => {
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

    /// P3: what an earlier process had in hand is taken up at once, so access ends on time.
    fn punctuality(&self, broken: &mut Vec<String>) {
        for run in &self.runs {
            let id = run.state.run.id();
            let put_off = self.entries_of(id).any(|entry| matches!(entry.kind, AuditKind::Ignored { .. }));
            let first = self.calls.iter().find(|call| call.run == id && call.op == Op::Revoke);
            if let (false, Some(first), Some(end)) = (put_off, first, self.scheduled_end(id))
                && first.at.duration_since(end) > LATE
            {
                broken.push(format!("P3: Run {id} was to lose its access at {end}: {first:?}"));
            }
        }
    }

    /// When the Run's access ends, if nothing but the time ends it.
    fn scheduled_end(&self, run: RunId) -> Option<Timestamp> {
        let mut end = None;
        for entry in self.entries_of(run) {
            match &entry.kind {
                AuditKind::Granted { until, .. } => end = *until,
                AuditKind::Failed { .. } => return None,
                AuditKind::Received if entry.event.deescalate_type == Some(DeescalateType::Revoked) => return None,
                _ => {}
            }
        }
        end
    }

    /// P4: each vote counts once, and each Run is decided once at the most.
    fn decisions(&self, broken: &mut Vec<String>) {
        for run in &self.runs {
            let id = run.state.run.id();
            let decided = self.entries_of(id).filter(|entry| {
                matches!(entry.kind, AuditKind::Completed) && matches!(entry.event.name, Step::Approve | Step::Deny)
            });
            let decided = decided.count();
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

    /// P6: what was done is on the record, whole: each call of the service that was answered, with the answer.
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
                    .map(|c| (c.key, c.answer))
                    .collect();
                let failed = calls.values().filter(|answer| **answer != Answer::Done).count();
                let succeeded = calls.len() - failed;
                let recorded = |is: fn(&AuditKind) -> bool| self.entries_of(id).filter(|entry| is(&entry.kind)).count();
                let (successes, failures) = match op {
                    Op::Grant => (
                        recorded(|kind| matches!(kind, AuditKind::Granted { .. })),
                        recorded(|kind| matches!(kind, AuditKind::GrantFailed { .. })),
                    ),
                    Op::Revoke => (
                        recorded(|kind| matches!(kind, AuditKind::Revoked { still_needed_by: 0, .. })),
                        recorded(|kind| matches!(kind, AuditKind::RevokeFailed { .. })),
                    ),
                };
                // An effect that was begun in vain too often counts as failed, whatever the service did.
                if successes > succeeded || successes + failures < calls.len() {
                    broken.push(format!(
                        "P6: Run {id} has {successes} successes and {failures} failures of {op:?} on the record, and the \
                         service had {succeeded} and {failed}"
                    ));
                }
            }
        }
    }

    /// P7: after its outcome was committed, no effect is carried out again.
    fn effects(&self, broken: &mut Vec<String>) {
        for call in self.calls.iter().filter(|call| !call.awaited) {
            broken.push(format!("P7: the service was called again after the outcome was committed: {call:?}"));
        }
    }
}

fn is_refusal(entry: &AuditEntry) -> bool {
    matches!(entry.kind, AuditKind::Refused { .. })
}
