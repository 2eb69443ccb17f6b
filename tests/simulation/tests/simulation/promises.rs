//! The promises that are checked: P1 to P4, P6 and P7 of the architecture.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sym_sdk::audit::{AuditEntry, AuditKind, EventStatus, EventSummary};
use sym_sdk::engine::{DueTimer, Store, StoredRun, TimerKey};
use sym_sdk::machine::{Access, EffectKind, EntitlementKey, QueuedInput, RunState, TimerKind};
use sym_sdk::model::{ChannelType, EventId, RunId, RunStatus, Step};

use crate::disk::at_once;
use crate::fault::Place;
use crate::flows::Policy;
use crate::people::{ADMIN, Answer, Deed, MEMBERS, People, Wish};
use crate::target::Target;
use crate::world::World;

// Whenever access is about to be granted.

/// P2: it was approved by enough of those who may, and its end is committed.
pub(crate) fn may_be_granted(world: &World, people: &People, state: &RunState, timers: &[DueTimer], now: Timestamp) {
    let run = state.run.id();
    let policy = Policy::of(state.flow.slug());
    let request = people.request_of(run);
    let Some(decision) = state.decision.as_ref().filter(|decision| decision.name == Step::Approve) else {
        return world.broken(format_args!("P2: Run {run} is granted access without an approval"));
    };
    if decision.decided_by_hook {
        let is_urgent = request.is_none_or(|wish| matches!(wish.deed, Deed::Request { urgent: true, .. }));
        world.holds(is_urgent, || format!("P2: nobody approved Run {run}, and it is not urgent"));
    } else {
        let approvers: BTreeSet<_> = state.run.approvals().iter().map(|user| user.username()).collect();
        world.holds(approvers.len() >= usize::from(policy.approvals), || format!("P2: too few approved Run {run}"));
        for approver in approvers {
            let may = MEMBERS.contains(&approver) || approver == ADMIN;
            let oneself = state.run.requester().is_some_and(|requester| requester.username() == approver);
            let may = may && (!oneself || policy.self_approval) && people.approved(approver, run);
            world.holds(may, || format!("P2: {approver} did not approve Run {run}, or was not to"));
        }
    }
    if policy.ends {
        let until = state.access.grant().and_then(|grant| grant.until);
        world.holds(until.is_some_and(|until| now < until), || {
            format!("P2: Run {run} is granted access until {until:?}")
        });
        let is_set = timers.iter().any(|timer| timer.key == TimerKey::new(run, TimerKind::Expire));
        let has_fired = state.queue.contains(&QueuedInput::Timer(TimerKind::Expire));
        world.holds(is_set || has_fired, || format!("P2: Run {run} is granted access, and no end of it is committed"));
    }
}

// At all times.

/// What was seen of each Run before.
#[derive(Default)]
pub(crate) struct Memory {
    runs: BTreeMap<RunId, Seen>,
    entitlements: BTreeSet<EntitlementKey>,
}

struct Seen {
    version: u64,
    status: RunStatus,
    decision: Option<EventId>,
}

/// What must hold whenever something is committed, and whenever the target has changed.
pub(crate) fn hold(world: &World, memory: &mut Memory, target: &Target, store: &dyn Store) {
    let held = target.held();
    let timers = at_once(store.due_timers(Timestamp::MAX, usize::MAX)).unwrap();
    let timers: BTreeMap<_, _> = timers.into_iter().map(|timer| (timer.key, (timer.at, timer.generation))).collect();
    for StoredRun { version, state, .. } in at_once(store.runs(Default::default(), usize::MAX)).unwrap() {
        let run = state.run.id();
        if let Access::Held(grant) = &state.access {
            let piece = (grant.target.name().to_string(), grant.identity.clone());
            world.holds(held.contains(&piece), || format!("P3: Run {run} lost its access early"));
        }
        let before = memory.runs.get(&run);
        if before.is_some_and(|before| before.version == version) {
            continue;
        }
        memory.entitlements.extend(state.access.grant().map(|grant| grant.entitlement.clone()));
        always_ends(world, &state);
        for (kind, timer) in &state.timers {
            let stored = timers.get(&TimerKey::new(run, *kind));
            let is_same = stored == Some(&(timer.at, timer.generation));
            world.holds(is_same, || format!("P3: timer {kind:?} of Run {run} is not in the store as it should be"));
        }
        let approvers: BTreeSet<_> = state.run.approvals().iter().map(|user| user.id()).collect();
        world.holds(approvers.len() == state.run.approvals().len(), || {
            format!("P4: somebody's vote on Run {run} counted twice")
        });
        let decision = state.decision.as_ref().map(|event| event.id);
        if let Some(before) = before {
            world
                .holds(before.version < version, || format!("P1: Run {run} went back from version {}", before.version));
            let stays = before.decision.is_none() || before.decision == decision;
            world.holds(stays, || format!("P4: Run {run} was decided a second time"));
            let stays = !before.status.is_terminal() || before.status == state.run.status();
            world.holds(stays, || format!("P4: Run {run} was {} and became {}", before.status, state.run.status()));
        }
        memory.runs.insert(run, Seen { version, status: state.run.status(), decision });
    }
}

/// P3: whatever may be held has an end in sight.
fn always_ends(world: &World, state: &RunState) {
    let run = state.run.id();
    match &state.access {
        Access::Granting(_) | Access::Held(_) => {
            let ends = state.timers.contains_key(&TimerKind::Expire)
                || state.queue.contains(&QueuedInput::Timer(TimerKind::Expire))
                || state.active_event.as_ref().is_some_and(|active| active.event.name == Step::Deescalate)
                || !Policy::of(state.flow.slug()).ends;
            world.holds(ends, || format!("P3: Run {run} gives access without an end"));
        }
        Access::Revoking { .. } => {
            let is_asked = state.pending.values().any(|pending| matches!(pending.kind, EffectKind::Revoke { .. }));
            world.holds(is_asked, || format!("P3: nobody takes away what Run {run} gave"));
        }
        _ => {}
    }
}

// At the end, when faults have stopped and time has passed.

/// What must hold once nothing is left to do.
pub(crate) fn kept(world: &World, memory: &Memory, people: &People, target: &Target, store: &dyn Store) {
    for key in &memory.entitlements {
        let holders = at_once(store.holders(key)).unwrap();
        world.holds(holders.is_empty(), || format!("P3: {holders:?} still count as in need of {}", key.as_str()));
    }
    if let Err(error) = at_once(sym_sdk::audit::verify(store)) {
        world.broken(format_args!("P6: the audit log is not as it was written: {error}"));
    }
    let audit = at_once(store.audit(None, usize::MAX)).unwrap();
    let runs = at_once(store.runs(Default::default(), usize::MAX)).unwrap();
    let written_off = runs.iter().filter_map(|stored| match &stored.state.access {
        Access::WrittenOff(grant) => Some((grant.target.name().to_string(), grant.identity.clone())),
        _ => None,
    });
    let written_off: BTreeSet<_> = written_off.collect();
    for piece in target.held().difference(&written_off) {
        world.broken(format_args!("P3: access was left behind: {piece:?}"));
    }
    world.tell(format_args!("{}", serde_json::to_string(&audit).unwrap_or_default()));
    for StoredRun { state, .. } in &runs {
        let run = state.run.id();
        let is_at_rest = state.is_finished() && state.pending.is_empty() && state.timers.is_empty();
        world.holds(is_at_rest, || format!("P3: Run {run} is {} and not at rest: {state:#?}", state.run.status()));
        world.count(format!("Run {}", state.run.status()));
        let entries: Vec<_> = audit.iter().filter(|entry| entry.run == run).cloned().collect();
        one_decision(world, run, &entries);
        on_the_record(world, run, &entries, target);
    }
    for (number, wish) in people.wishes().iter().enumerate() {
        once(world, number, wish, &audit, runs.iter().map(|stored| stored.state.run.id()).collect());
    }
    no_more_than_wished(world, &people.wishes(), &audit);
    audit.iter().for_each(|entry| tally(world, entry));
}

/// P4.
fn one_decision(world: &World, run: RunId, entries: &[AuditEntry]) {
    let decided = entries.iter().filter(|entry| {
        let decides = matches!(entry.event.name, Step::Approve | Step::Deny);
        decides && matches!(entry.kind, AuditKind::Completed)
    });
    let decided = decided.count();
    world.holds(decided <= 1, || format!("P4: Run {run} was decided {decided} times"));
    let mut voters = BTreeSet::new();
    for entry in entries.iter().filter(|entry| matches!(entry.kind, AuditKind::Counted { .. })) {
        let who = entry.event.actor.username();
        world.holds(voters.insert(who), || format!("P4: {who} voted twice on Run {run}"));
    }
}

/// P6: what was done at the target is on the record, and each event came to an end.
fn on_the_record(world: &World, run: RunId, entries: &[AuditEntry], target: &Target) {
    for summary in EventSummary::of(entries) {
        world.holds(summary.status != EventStatus::Processing, || format!("P6: nothing came of {summary:?}"));
    }
    let is_of_grant = |kind: &AuditKind| matches!(kind, AuditKind::Granted { .. } | AuditKind::GrantFailed { .. });
    let is_of_revocation = |kind: &AuditKind| {
        use AuditKind::{Rearmed, RevokeFailed, RevokeRetried, Revoked, WrittenOff};
        // The last three take the place of an attempt that may be under way.
        matches!(kind, Revoked { .. } | RevokeFailed { .. } | RevokeRetried { .. } | WrittenOff { .. } | Rearmed)
    };
    let calls = target.calls();
    let called = |place| calls.iter().filter(|(key, (called, _))| key.run == run && *called == place).count();
    let recorded = |is_it: fn(&AuditKind) -> bool| entries.iter().filter(|entry| is_it(&entry.kind)).count();
    let (grants, revocations) = (called(Place::Grant), called(Place::Revoke));
    world.holds(grants <= recorded(is_of_grant), || format!("P6: a grant of Run {run} is not on the record"));
    let is_recorded = revocations <= recorded(is_of_revocation);
    world.holds(is_recorded, || format!("P6: a revocation of Run {run} is not on the record"));
}

/// P1 and P6: what was answered has happened once, and is on the record.
fn once(world: &World, number: usize, wish: &Wish, audit: &[AuditEntry], runs: BTreeSet<RunId>) {
    match &wish.answer {
        None => world.broken(format_args!("P1: wish {number} was never answered: {wish:?}")),
        Some(Answer::Taken(receipt)) => {
            world.holds(runs.contains(&receipt.run), || format!("P1: the Run of wish {number} is gone"));
            let of_it = audit.iter().filter(|entry| entry.event.id == receipt.event);
            let begun = of_it.filter(|entry| begins(entry));
            let begun = begun.count();
            world.holds(begun == 1, || format!("P1: wish {number} was taken, and happened {begun} times: {wish:?}"));
        }
        Some(Answer::Refused(code)) => {
            let is_it =
                |entry: &&AuditEntry| matches!(&entry.kind, AuditKind::Refused { error } if error.code == *code);
            let refused = audit.iter().filter(is_it).any(|entry| is_of(entry, wish));
            world.holds(refused, || format!("P6: nothing tells that wish {number} was refused: {wish:?}"));
        }
    }
}

/// Whether the entry tells what became of an event when it came in.
fn begins(entry: &AuditEntry) -> bool {
    use AuditKind::{Received, Refused, RevokeRetried, WrittenOff};
    matches!(entry.kind, Received | Refused { .. } | RevokeRetried { .. } | WrittenOff { .. })
}

/// Whether the entry may be of this wish.
fn is_of(entry: &AuditEntry, wish: &Wish) -> bool {
    let (step, run) = match wish.deed {
        Deed::Request { .. } => (Step::Request, None),
        Deed::Approve(run) => (Step::Approve, Some(run)),
        Deed::Deny(run) => (Step::Deny, Some(run)),
        Deed::Revoke(run) | Deed::WriteOff(run) => (Step::Deescalate, Some(run)),
    };
    let by_hand = !matches!(entry.event.channel.kind(), ChannelType::Sdk | ChannelType::Scheduler);
    by_hand
        && entry.event.name == step
        && entry.event.actor.username() == wish.who
        && run.is_none_or(|run| run == entry.run)
}

/// P1: the same key is one input, however often it comes.
fn no_more_than_wished(world: &World, wishes: &[Wish], audit: &[AuditEntry]) {
    let begun: Vec<_> = audit.iter().filter(|entry| begins(entry)).collect();
    for wish in wishes {
        let is_alike = |other: &&Wish| other.who == wish.who && is_same_deed(&other.deed, &wish.deed);
        let wished = wishes.iter().filter(is_alike).count();
        let happened: BTreeSet<_> =
            begun.iter().filter(|entry| is_of(entry, wish)).map(|entry| entry.event.id).collect();
        world.holds(happened.len() <= wished, || {
            format!("P1: {} wished {:?} {wished} times, and it happened {} times", wish.who, wish.deed, happened.len())
        });
    }
}

/// Whether the record does not tell the two apart.
fn is_same_deed(one: &Deed, other: &Deed) -> bool {
    match (one, other) {
        // The Run is not known beforehand.
        (Deed::Request { .. }, Deed::Request { .. }) => true,
        (Deed::Revoke(one) | Deed::WriteOff(one), Deed::Revoke(other) | Deed::WriteOff(other)) => one == other,
        _ => one == other,
    }
}

fn tally(world: &World, entry: &AuditEntry) {
    let what = match &entry.kind {
        AuditKind::Revoked { still_needed_by: 1.., .. } => "access kept for another Run",
        AuditKind::Revoked { .. } if entry.status == RunStatus::Errored => {
            "what a failed grant may have left taken away"
        }
        AuditKind::RevokeFailed { .. } => "revocation tried again",
        AuditKind::GrantFailed { retry_at: Some(_), .. } => "grant tried again",
        AuditKind::RevokeRetried { .. } => "revocation tried again by hand",
        AuditKind::WrittenOff { .. } => "revocation written off",
        AuditKind::Refused { .. } => "refusal",
        _ => return,
    };
    world.count(what);
}
