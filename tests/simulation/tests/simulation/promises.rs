//! The promises that are checked: P1 to P4, P6 and P7.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sym_sdk::audit::{AuditEntry, AuditKind, EventStatus, EventSummary};
use sym_sdk::clock::Clock;
use sym_sdk::engine::{DueTimer, Store, StoredRun, TimerKey};
use sym_sdk::error::codes;
use sym_sdk::forms::format_duration;
use sym_sdk::machine::{Access, EffectKind, EntitlementKey, Grant, QueuedInput, RunState, TimerKind};
use sym_sdk::model::{ChannelType, DeescalateType, EventId, RunId, RunStatus, Step, User};

use crate::asked::Asked;
use crate::declared::{Declared, Place, resource};
use crate::disk::at_once;
use crate::fault;
use crate::flows::Policy;
use crate::people::{Answer, People, Wish, WishAction};
use crate::staff::{self, By, Staff};
use crate::target::{CallKey, Piece, Target};
use crate::trouble::Trouble;
use crate::world::World;

/// The number of refusals of one person up to which all are recorded.
const MAX_RECORDED_REFUSALS: usize = 20;

// Before each grant.

/// P2: the access was approved by enough permitted people, and its expiry is committed.
pub(crate) fn may_be_granted(world: &World, people: &People, state: &RunState, timers: &[DueTimer], now: Timestamp) {
    let run = state.run.id();
    let policy = Policy::of(state.flow.slug());
    let request = people.request_of(run);
    let Some(decision) = state.decision.as_ref().filter(|decision| decision.name == Step::Approve) else {
        return world.broken(format_args!("P2: Run {run} is granted access without an approval"));
    };
    if decision.decided_by_hook {
        let is_urgent = request.is_none_or(|wish| matches!(wish.action, WishAction::Request { urgent: true, .. }));
        world.check(is_urgent, || format!("P2: nobody approved Run {run}, and it is not urgent"));
    } else {
        let approvers: BTreeSet<_> = state.run.approvals().iter().map(|user| user.id()).collect();
        world.check(approvers.len() >= usize::from(policy.approvals), || format!("P2: too few approved Run {run}"));
        for user in state.run.approvals() {
            let approver = staff::who(user.id());
            // Wishes name their author by the address: one that has changed hands meanwhile acts for whoever has it.
            let approved = approver.is_some_and(|approver| people.approved(approver, run));
            let names_them = |wish: &Wish| wish.action == WishAction::Approve(run) && may_name(wish, user.username());
            let approved = approved || people.wishes().iter().any(names_them);
            world.check(approved, || format!("P2: {approver:?} did not approve Run {run}"));
            let requester = state.run.requester();
            let is_same =
                requester.is_some_and(|requester| requester.id() == user.id() || mailbox(requester) == mailbox(user));
            world.check(!is_same || policy.self_approval, || {
                format!("P5: {approver:?} approved Run {run} of {requester:?}, who is the same person")
            });
        }
    }
    if let Some(until) = state.access.grant().and_then(|grant| grant.until) {
        world.check(now < until, || format!("P2: Run {run} is granted access until {until}"));
        let is_set = timers.iter().any(|timer| timer.key == TimerKey::new(run, TimerKind::Expire));
        let has_fired = state.queue.contains(&QueuedInput::Timer(TimerKind::Expire));
        world
            .check(is_set || has_fired, || format!("P2: Run {run} is granted access, and its expiry is not committed"));
    }
}

/// Returns the address without its tag, which two users of one person share.
fn mailbox(user: &User) -> (&str, &str) {
    let (local, domain) = user.username().split_once('@').unwrap_or((user.username(), ""));
    (local.split('+').next().unwrap_or_default(), domain)
}

/// P5: the access is granted where it was asked for, is still offered there, and its requester may have it, now.
pub(crate) fn as_it_was_asked(
    world: &World,
    staff: &Staff,
    declared: &Declared,
    asked: Option<&Place>,
    state: &RunState,
) {
    let (run, flow) = (state.run.id(), state.flow.slug());
    let Some((asked, grant)) = asked.zip(state.access.grant()) else { return };
    let offered = declared.place(flow, grant.target.name().as_str());
    let is_same = offered.as_ref() == Some(asked);
    world.check(is_same, || {
        format!("P5: Run {run} asked for {asked:?}, and is granted it where {offered:?} is offered")
    });
    world.check(asked.ends == grant.until.is_some(), || format!("P5: Run {run} is granted access with another end"));
    let duration = state.request.as_ref().and_then(|request| request.duration);
    let offers = duration.is_none_or(|duration| declared.offers(flow, &format_duration(duration)));
    world.check(offers, || format!("P5: Run {run} is granted access for {duration:?}, which is not offered any more"));
    let requester = state.run.requester();
    let may = requester.is_some_and(|requester| staff.may_act(requester.id()));
    world.check(may, || format!("P5: Run {run} is granted access, and its requester may not have it: {requester:?}"));
}

// After each commit.

/// The previous state of each Run.
#[derive(Default)]
pub(crate) struct Memory {
    runs: BTreeMap<RunId, Seen>,
    entitlements: BTreeSet<EntitlementKey>,
    /// The Runs whose access was to end by now, by some reading of the clock.
    due: BTreeSet<RunId>,
    /// The Runs whose access was taken away because somebody ended it, before that was on record. If the process crashes, its hook is called
    /// again, and can ignore the end this time.
    taken: BTreeSet<RunId>,
    /// The earliest times to which ends of access may have been corrected when the clock went back. While the store takes no writes,
    /// corrections are in memory alone.
    corrected: BTreeMap<RunId, Timestamp>,
    /// The latest times that the clock showed before a grant was on record. While the store fails, the Run may have been granting in memory
    /// already, and its expiry have fired there.
    before_grant: BTreeMap<RunId, Timestamp>,
}

impl Memory {
    /// Notes which access was to end by `now`, before the clock is set. It may have ended in memory alone, and come to its end in the store
    /// only when the clock shows an earlier time.
    pub(crate) fn note_due(&mut self, runs: &[StoredRun], now: Timestamp) {
        for StoredRun { state, .. } in runs {
            let run = state.run.id();
            if matches!(state.access, Access::None) {
                let latest = self.before_grant.entry(run).or_insert(now);
                *latest = (*latest).max(now);
            }
            // Access that is being granted ends as soon as it is.
            if let Access::Granting(grant) | Access::Held(grant) = &state.access
                && grant.until.into_iter().chain(self.corrected.get(&run).copied()).any(|until| until <= now)
            {
                self.due.insert(run);
            }
        }
    }

    /// Notes that the clock went back to `now`: access ends no later than it would if it began now.
    pub(crate) fn clock_went_back(&mut self, runs: &[StoredRun], now: Timestamp) {
        for StoredRun { state, .. } in runs {
            if let Some(duration) = state.access.grant().and_then(|grant| grant.duration) {
                self.may_end_by(state.run.id(), now + duration);
            }
        }
    }

    /// Notes access whose end was computed before the clock went back to `now`, and committed afterwards: it is corrected just so.
    fn note_late_end(&mut self, state: &RunState, now: Timestamp) {
        if let Some(grant) = state.access.grant()
            && let Some(duration) = grant.duration
            && grant.until.is_some_and(|until| until > now + duration)
        {
            self.may_end_by(state.run.id(), now + duration);
        }
    }

    fn may_end_by(&mut self, run: RunId, at: Timestamp) {
        let corrected = self.corrected.entry(run).or_insert(at);
        *corrected = (*corrected).min(at);
    }
}

struct Seen {
    version: u64,
    status: RunStatus,
    decision: Option<EventId>,
    holds_access: bool,
}

/// Checks the invariants after each commit and each change at the target.
pub(crate) fn hold(
    world: &World,
    staff: &Staff,
    asked: &Asked,
    memory: &mut Memory,
    target: &Target,
    runs: &[StoredRun],
    store: &dyn Store,
) {
    let held = target.held();
    let timers = at_once(store.due_timers(Timestamp::MAX, usize::MAX)).unwrap();
    let timers: BTreeMap<_, _> = timers.into_iter().map(|timer| (timer.key, (timer.at, timer.generation))).collect();
    accounted_for(world, &held, runs);
    for StoredRun { version, state, .. } in runs {
        let run = state.run.id();
        memory.note_late_end(state, world.clock.now());
        if let Access::Held(grant) = &state.access {
            let piece = piece_of(grant);
            let corrected = memory.corrected.get(&run).copied().filter(|_| world.has_unreliable_store());
            if grant.until.into_iter().chain(corrected).any(|until| until <= world.clock.now()) {
                memory.due.insert(run);
            }
            // A revocation that its caller has given up can end access that was granted since: see `lost_to_late_revocations`. And while
            // the store fails, access that has ended is revoked before that is stored.
            let is_ended_by_somebody =
                state.active_event.as_ref().is_some_and(|active| active.event.name == Step::Deescalate);
            if held.contains(&piece) {
                memory.taken.remove(&run);
            } else if is_ended_by_somebody && world.has_unreliable_store() {
                memory.taken.insert(run);
            }
            let is_ending = memory.due.contains(&run) || memory.taken.contains(&run);
            let has_it = held.contains(&piece) || target.was_lost_to_late_revocation(&piece) || is_ending;
            world.check(has_it, || format!("P3: Run {run} lost its access early"));
        }
        let before = memory.runs.get(&run);
        if before.is_some_and(|before| before.version == *version) {
            continue;
        }
        memory.entitlements.extend(state.access.grant().map(|grant| grant.entitlement.clone()));
        always_ends(world, asked, state);
        if before.is_some_and(|before| before.holds_access) {
            ends_in_time(world, memory, state);
        }
        for (kind, timer) in &state.timers {
            let stored = timers.get(&TimerKey::new(run, *kind));
            let is_same = stored == Some(&(timer.at, timer.generation));
            world.check(is_same, || format!("P3: timer {kind:?} of Run {run} is not in the store as it should be"));
        }
        let approvers: BTreeSet<_> = state.run.approvals().iter().map(|user| user.id()).collect();
        world
            .check(approvers.len() == state.run.approvals().len(), || format!("P4: a vote on Run {run} counted twice"));
        let decision = state.decision.as_ref().map(|event| event.id);
        if before.is_none_or(|before| before.decision != decision) {
            decided_by_whom_it_may_be(world, staff, state);
        }
        if let Some(before) = before {
            world.check(before.version < *version, || {
                format!("P1: the version of Run {run} decreased from {}", before.version)
            });
            let stays = before.decision.is_none() || before.decision == decision;
            world.check(stays, || format!("P4: Run {run} was decided a second time"));
            let stays = !before.status.is_terminal() || before.status == state.run.status();
            world.check(stays, || format!("P4: Run {run} was {} and became {}", before.status, state.run.status()));
        }
        let holds_access = matches!(state.access, Access::Held(_));
        memory.runs.insert(run, Seen { version: *version, status: state.run.status(), decision, holds_access });
    }
}

/// P5: the requester and everybody whose approval counted may still have access, and approve, as the directory had them when it was
/// read last: right before the hook.
fn decided_by_whom_it_may_be(world: &World, staff: &Staff, state: &RunState) {
    let Some(decision) = state.decision.as_ref().filter(|decision| decision.name == Step::Approve) else { return };
    let Some(since) = world.approving_since(decision.id) else {
        return world.broken(format_args!("P5: Run {} was approved without its hook", state.run.id()));
    };
    let voters = if decision.decided_by_hook { &[][..] } else { state.run.approvals() };
    for user in state.run.requester().into_iter().chain(voters.iter().map(|user| &**user)) {
        // Nothing changes about those who began to exist with a wish, at an address that nobody had when it was looked at.
        let is_new = staff::who(user.id()).is_none();
        let could_act = if is_new { staff.may_act(user.id()) } else { staff.could_act_since(user.id(), since) };
        world.check(could_act, || {
            format!("P5: Run {} was approved, and {} could not act any more", state.run.id(), user.username())
        });
    }
}

/// P3: a Run accounts for all access that exists: it grants, holds or revokes it, or an administrator has written it off.
fn accounted_for(world: &World, held: &BTreeSet<Piece>, runs: &[StoredRun]) {
    let accounted = runs.iter().filter_map(|run| {
        let is_written_off = matches!(run.state.access, Access::WrittenOff(_));
        run.state.access.grant().filter(|_| run.state.may_hold_access() || is_written_off).map(piece_of)
    });
    let accounted: BTreeSet<_> = accounted.collect();
    for piece in held.difference(&accounted) {
        world.broken(format_args!("P3: no Run accounts for the access {piece:?}"));
    }
    let revoked = runs.iter().filter(|run| run.state.settles_at().is_some());
    if revoked.filter_map(|run| run.state.access.grant()).any(|grant| held.contains(&piece_of(grant))) {
        world.count("access after its revocation");
    }
}

pub(crate) fn piece_of(grant: &Grant) -> Piece {
    (resource(grant.account.as_deref(), &grant.target), grant.identity.clone())
}

/// P3: all access that may be held has an expiry.
fn always_ends(world: &World, asked: &Asked, state: &RunState) {
    let run = state.run.id();
    match &state.access {
        Access::Granting(_) | Access::Held(_) => {
            let ends = state.timers.contains_key(&TimerKind::Expire)
                || state.queue.contains(&QueuedInput::Timer(TimerKind::Expire))
                || state.active_event.as_ref().is_some_and(|active| active.event.name == Step::Deescalate)
                || asked.place(run).is_some_and(|asked| !asked.ends);
            world.check(ends, || format!("P3: Run {run} gives access without an expiry"));
        }
        Access::Revoking { .. } => {
            let is_asked = state.pending.values().any(|pending| matches!(pending.kind, EffectKind::Revoke { .. }));
            world.check(is_asked, || format!("P3: no revocation is requested for Run {run}"));
        }
        _ => {}
    }
}

/// P3: access that nobody ends lasts until its time, by some reading of the clock.
fn ends_in_time(world: &World, memory: &Memory, state: &RunState) {
    let (run, now) = (state.run.id(), world.clock.now());
    let Access::Revoking { grant, .. } = &state.access else { return };
    let ends_by_itself = state.pending.values().any(|pending| {
        let is_scheduled = pending.event.deescalate_type == Some(DeescalateType::Scheduled);
        is_scheduled && matches!(pending.kind, EffectKind::Revoke { .. })
    });
    // A Run that fails ends its access at once.
    if !ends_by_itself || state.run.status() == RunStatus::Errored {
        return;
    }
    let mut ends = grant.until.into_iter().chain(memory.corrected.get(&run).copied());
    let fired_in_memory = memory.before_grant.get(&run).filter(|_| world.has_unreliable_store());
    let latest = fired_in_memory.copied().map_or(now, |latest| latest.max(now));
    let is_due = memory.due.contains(&run) || ends.any(|until| until <= latest);
    world.check(is_due, || format!("P3: the access of Run {run} ended before its time: {:?}", grant.until));
    world.count("access ended by itself");
}

// At the end, without faults and after enough time.

/// Checks the promises once the world has settled.
pub(crate) fn check_settled(world: &World, memory: &Memory, people: &People, target: &Target, store: &dyn Store) {
    for key in &memory.entitlements {
        let holders = at_once(store.holders(key)).unwrap();
        world.check(holders.is_empty(), || format!("P3: {holders:?} still hold {}", key.as_str()));
    }
    if let Err(error) = at_once(sym_sdk::audit::verify(store)) {
        world.broken(format_args!("P6: the audit log does not verify: {error}"));
    }
    let audit = at_once(store.audit(None, usize::MAX)).unwrap();
    let runs = at_once(store.runs(Default::default(), usize::MAX)).unwrap();
    let written_off = runs.iter().filter_map(|stored| match &stored.state.access {
        Access::WrittenOff(grant) => Some(piece_of(grant)),
        _ => None,
    });
    let written_off: BTreeSet<_> = written_off.collect();
    for piece in target.held().difference(&written_off) {
        world.broken(format_args!("P3: access was left over: {piece:?}"));
    }
    // Without ids: some of them are random.
    for AuditEntry { event, kind, status, .. } in &audit {
        world.log(format_args!(
            "{} {:?} {status} {}",
            event.name,
            std::mem::discriminant(kind),
            event.actor.username()
        ));
    }
    for StoredRun { state, .. } in &runs {
        let run = state.run.id();
        let has_settled = state.is_finished() && state.pending.is_empty() && state.timers.is_empty();
        world.check(has_settled, || format!("P3: Run {run} is {} and has not settled: {state:#?}", state.run.status()));
        world.count(format!("Run {}", state.run.status()));
        let entries: Vec<_> = audit.iter().filter(|entry| entry.run == run).cloned().collect();
        one_decision(world, run, &entries);
        on_the_record(world, run, &entries, target);
        operators_hear_of_failures(world, run, &entries);
    }
    for (number, wish) in people.wishes().iter().enumerate() {
        let refusals = people.refusals_of(wish.who);
        once(world, number, wish, refusals, &audit, runs.iter().map(|stored| stored.state.run.id()).collect());
    }
    no_more_than_wished(world, &people.wishes(), &audit);
    audit.iter().for_each(|entry| tally(world, entry));
}

/// P4: one decision, and one vote for each person.
fn one_decision(world: &World, run: RunId, entries: &[AuditEntry]) {
    let decided = entries.iter().filter(|entry| {
        let decides = matches!(entry.event.name, Step::Approve | Step::Deny);
        decides && matches!(entry.kind, AuditKind::Completed)
    });
    let decided = decided.count();
    world.check(decided <= 1, || format!("P4: Run {run} was decided {decided} times"));
    let mut voters = BTreeSet::new();
    for entry in entries {
        match &entry.kind {
            AuditKind::Counted { .. } => {
                let who = entry.event.actor.username();
                world.check(voters.insert(who), || format!("P4: {who} voted twice on Run {run}"));
            }
            // Somebody who may vote again later may do so.
            AuditKind::ApprovalWithdrawn { approver, .. } => {
                voters.remove(&**approver);
            }
            _ => {}
        }
    }
}

/// P3: the error destination hears of the first failure of a revocation, unless that is on record as undelivered.
fn operators_hear_of_failures(world: &World, run: RunId, entries: &[AuditEntry]) {
    let failure = entries.iter().find_map(|entry| match &entry.kind {
        AuditKind::RevokeFailed { error, .. } => Some(error),
        _ => None,
    });
    let Some(failure) = failure else { return };
    let is_undelivered = entries.iter().any(|entry| matches!(entry.kind, AuditKind::AlertUndelivered { .. }));
    world.check(is_undelivered || world.operators.were_alerted_of(run, failure), || {
        format!("P3: nobody was alerted that a revocation of Run {run} had failed: {failure}")
    });
}

/// P6: the calls at the target are audited, and each event is settled.
fn on_the_record(world: &World, run: RunId, entries: &[AuditEntry], target: &Target) {
    for summary in EventSummary::of(entries) {
        world.check(summary.status != EventStatus::Processing, || format!("P6: not settled: {summary:?}"));
    }
    let is_of_grant = |kind: &AuditKind| matches!(kind, AuditKind::Granted { .. } | AuditKind::GrantFailed { .. });
    let is_of_revocation = |kind: &AuditKind| {
        use AuditKind::{Rearmed, RevokeFailed, RevokeRetried, Revoked, RevokedProvisionally, WrittenOff};
        // These replace an attempt that may be in flight.
        let replaces = matches!(kind, RevokeRetried { .. } | WrittenOff { .. } | Rearmed);
        replaces || matches!(kind, Revoked { .. } | RevokedProvisionally { .. } | RevokeFailed { .. })
    };
    let calls = target.calls();
    let is_of_run = |call: &CallKey| call.0.run == run && !target.is_lost(call);
    let called = |place| calls.iter().filter(|(call, (called, _))| is_of_run(call) && *called == place).count();
    let recorded = |is_it: fn(&AuditKind) -> bool| entries.iter().filter(|entry| is_it(&entry.kind)).count();
    // The outcome of a call that was made before it was on record is dropped if the Run went on otherwise than was predicted.
    let may_be_lost = world.troubles.has(Trouble::Outage);
    let (grants, revocations) = (called(fault::Place::Grant), called(fault::Place::Revoke));
    world.check(grants <= recorded(is_of_grant), || format!("P6: a grant of Run {run} is not audited"));
    let is_recorded = revocations <= recorded(is_of_revocation) || may_be_lost;
    world.check(is_recorded, || format!("P6: a revocation of Run {run} is not audited"));
}

/// P1 and P6: whatever got a reply has happened once, and is audited.
fn once(world: &World, number: usize, wish: &Wish, refusals: usize, audit: &[AuditEntry], runs: BTreeSet<RunId>) {
    match &wish.answer {
        None => world.broken(format_args!("P1: wish {number} never got a reply: {wish:?}")),
        Some(Answer::Taken(receipt)) => {
            world.check(runs.contains(&receipt.run), || format!("P1: the Run of wish {number} is gone"));
            let of_it = audit.iter().filter(|entry| entry.event.id == receipt.event);
            let (refused, begun): (Vec<_>, Vec<_>) =
                of_it.filter(|entry| begins(entry)).partition(|entry| matches!(entry.kind, AuditKind::Refused { .. }));
            // Whoever is not permitted any more is refused later: when their turn comes, or when the hook has returned.
            let begun = if begun.is_empty() { refused.len() } else { begun.len() };
            world.check(begun == 1, || format!("P1: wish {number} was accepted, and happened {begun} times: {wish:?}"));
        }
        Some(Answer::Refused(code)) => {
            let is_it = |entry: &&AuditEntry| match &entry.kind {
                // An approval of a request that cannot be granted any more closes it.
                AuditKind::Refused { error }
                | AuditKind::SubmissionRefused { error, .. }
                | AuditKind::Failed { error } => error.code == *code,
                _ => false,
            };
            let refused = audit.iter().filter(is_it).any(|entry| is_of(entry, wish) || names_another(entry, wish));
            // Refusals that precede the machine are recorded if the store takes that, and up to a limit.
            let may_be_left_out = world.has_unreliable_store() || refusals > MAX_RECORDED_REFUSALS;
            world.check(refused || may_be_left_out, || {
                format!("P6: the refusal of wish {number} is not audited: {wish:?}")
            });
        }
    }
}

/// Returns whether the entry records the admission or the refusal of an event.
fn begins(entry: &AuditEntry) -> bool {
    use AuditKind::{Received, Refused, RevokeRetried, WrittenOff};
    matches!(entry.kind, Received | Refused { .. } | RevokeRetried { .. } | WrittenOff { .. })
}

/// Returns whether the entry may belong to the wish.
fn is_of(entry: &AuditEntry, wish: &Wish) -> bool {
    let is_by = match &entry.kind {
        // Whoever is not known is on record as what they claimed.
        AuditKind::SubmissionRefused { is_known_actor: false, .. } => true,
        // Nor is it the same person if the address had become free before the submission was looked at.
        AuditKind::SubmissionRefused { .. } if may_name(wish, entry.event.actor.username()) => true,
        _ => entry.event.actor.id() == staff::id(wish.who),
    };
    is_by && is_alike(entry, wish)
}

/// Returns whether the entry may belong to a wish whose address somebody else had when the submission was looked at: it is an action of
/// theirs then.
fn names_another(entry: &AuditEntry, wish: &Wish) -> bool {
    let actor = &entry.event.actor;
    actor.id() != staff::id(wish.who) && may_name(wish, actor.username()) && is_alike(entry, wish)
}

/// Returns whether the entry is about the action of the wish, whoever it is by.
fn is_alike(entry: &AuditEntry, wish: &Wish) -> bool {
    let (step, run) = match wish.action {
        WishAction::Request { .. } => (Step::Request, None),
        WishAction::Approve(run) => (Step::Approve, Some(run)),
        WishAction::Deny(run) => (Step::Deny, Some(run)),
        WishAction::Revoke(run) | WishAction::WriteOff(run) => (Step::Deescalate, Some(run)),
    };
    let by_hand = !matches!(entry.event.channel.kind(), ChannelType::Sdk | ChannelType::Scheduler);
    by_hand && entry.event.name == step && run.is_none_or(|run| run == entry.run)
}

/// Returns whether the wish may have named its person by this address.
fn may_name(wish: &Wish, address: &str) -> bool {
    wish.by == By::Address && (address == wish.who || address == staff::other_address(wish.who))
}

/// P1: the same key is one input, however often it is submitted.
fn no_more_than_wished(world: &World, wishes: &[Wish], audit: &[AuditEntry]) {
    let begun: Vec<_> = audit.iter().filter(|entry| begins(entry)).collect();
    for wish in wishes {
        let begun: Vec<_> = begun.iter().filter(|entry| is_of(entry, wish)).collect();
        // Wishes of the same person, and of those whose address that person had when their submissions were looked at.
        let is_by = |other: &Wish| other.who == wish.who || begun.iter().any(|entry| names_another(entry, other));
        let wished = wishes.iter().filter(|other| is_same_action(&other.action, &wish.action) && is_by(other));
        let wished = wished.count();
        let happened: BTreeSet<_> = begun.iter().map(|entry| entry.event.id).collect();
        world.check(happened.len() <= wished, || {
            format!(
                "P1: {} wished {:?} {wished} times, and it happened {} times",
                wish.who,
                wish.action,
                happened.len()
            )
        });
    }
}

/// Returns whether the audit log does not distinguish two wishes.
fn is_same_action(one: &WishAction, other: &WishAction) -> bool {
    match (one, other) {
        // The Run is unknown in advance.
        (WishAction::Request { .. }, WishAction::Request { .. }) => true,
        (
            WishAction::Revoke(one) | WishAction::WriteOff(one),
            WishAction::Revoke(other) | WishAction::WriteOff(other),
        ) => one == other,
        _ => one == other,
    }
}

fn tally(world: &World, entry: &AuditEntry) {
    let what = match &entry.kind {
        AuditKind::Revoked { still_needed_by: 1.., .. } => "access still held by another Run",
        AuditKind::Revoked { .. } if entry.status == RunStatus::Errored => "revoked after a failed grant",
        AuditKind::RevokedProvisionally { .. } => "revoked while a grant may take effect",
        AuditKind::RevokeFailed { .. } => "revocation retried",
        AuditKind::GrantFailed { retry_at: Some(_), .. } => "grant retried",
        AuditKind::RevokeRetried { .. } => "revocation retried by an operator",
        AuditKind::WrittenOff { .. } => "revocation written off",
        AuditKind::Refused { .. } => "refusal",
        AuditKind::SubmissionRefused { .. } => "refusal before the machine",
        AuditKind::ApprovalWithdrawn { .. } => "approval withdrawn",
        AuditKind::GrantFailed { error, .. } | AuditKind::Failed { error } if error.code == codes::REQUEST_OUTDATED => {
            "outdated request"
        }
        AuditKind::GrantFailed { error, .. } | AuditKind::Failed { error } if error.code == codes::UNKNOWN_TARGET => {
            "request for a target that is gone"
        }
        AuditKind::GrantFailed { error, .. } | AuditKind::Failed { error } if error.code == codes::USER_LOCKED => {
            "requester locked before the grant"
        }
        AuditKind::GrantFailed { error, .. } | AuditKind::Failed { error } if error.code == codes::UNKNOWN_USER => {
            "requester deleted before the grant"
        }
        AuditKind::GrantFailed { error, .. } | AuditKind::Failed { error } if error.code == codes::NOT_PERMITTED => {
            "requester demoted before the grant"
        }
        AuditKind::Reported { error } if error.code == codes::HOOK_OVERRULED => "hook overruled",
        _ => return,
    };
    world.count(what);
}
