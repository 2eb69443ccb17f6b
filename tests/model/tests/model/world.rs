//! One request with its environment, small enough to visit all states.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::machine::*;
use sym_sdk::model::Step;
use sym_sdk::model::*;
use sym_sdk::routing::{Notification, PermissionLevel, RequestPermission, SlackChannelName};
use uuid::Uuid;

use crate::surroundings::{Change, Configured, Flows, Standing, Surroundings};

/// The people. The first one makes the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Person {
    Ana,
    Ben,
    Cho,
}

impl Person {
    pub(crate) const ALL: [Self; 3] = [Self::Ana, Self::Ben, Self::Cho];
}

/// An action of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Click {
    Request,
    Approve,
    Deny,
    Revoke,
}

/// The result of an effect at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CallResult {
    Succeeds,
    /// It has no effect and can be retried.
    Fails,
    /// It has no effect and cannot be retried.
    Refused,
    /// It has its effect, and its outcome is an error that can be retried.
    TimesOut,
    /// Its outcome is an error that can be retried, and it has its effect later.
    LandsLate,
}

impl CallResult {
    const FAULTS: [Self; 4] = [Self::Fails, Self::Refused, Self::TimesOut, Self::LandsLate];
}

/// A transition of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Move {
    /// A person clicks.
    Submit(Person, Click),
    /// The same input is delivered again.
    Resubmit(Person, Click),
    /// A worker executes an effect. Its outcome is not committed yet.
    Execute(u64, CallResult),
    /// The outcome of an effect is committed.
    Record(u64),
    /// A due timer fires.
    Fire(TimerKind),
    /// The clock reaches the end of the access.
    TimePasses,
    /// The clock reaches the end of the settle window. What lands late has landed by then.
    WindowPasses,
    /// A grant that lands late takes effect.
    GrantLands,
    /// A revocation that lands late takes effect.
    RevocationLands,
    /// The process crashes. Uncommitted outcomes are lost, and their effects are executed again.
    Crash,
    /// The configuration or a person changes.
    Change(Change),
}

/// The bounds of the model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) approvals: u8,
    /// The clicks of people, with the maximum number of each.
    pub(crate) clicks: &'static [(Person, Click, u8)],
    pub(crate) faults: u8,
    pub(crate) crashes: u8,
    pub(crate) duplicates: u8,
    /// The changes that can happen once the request is made, and how many of them do at most.
    pub(crate) changes: (&'static [Change], u8),
    pub(crate) hooks: Hooks,
}

/// A state of the model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct World {
    pub(crate) run: Option<RunState>,
    /// The effects without a committed outcome, with the outcome that is to be committed.
    pub(crate) effects: BTreeMap<u64, (Effect, Option<Outcome>)>,
    pub(crate) timers: BTreeMap<TimerKind, (Timestamp, u64)>,
    pub(crate) is_late: bool,
    /// The number of settle windows that have passed.
    pub(crate) windows: u8,
    /// The number of grants, and of revocations, that have not landed.
    pub(crate) late_grants: u8,
    pub(crate) late_revocations: u8,
    /// The effects that were begun before a crash.
    pub(crate) interrupted: BTreeSet<u64>,
    /// Whether the access exists at the target.
    pub(crate) held: bool,
    pub(crate) clicks: BTreeMap<(Person, Click), u8>,
    pub(crate) approved: BTreeSet<Person>,
    pub(crate) faults: u8,
    pub(crate) crashes: u8,
    pub(crate) duplicates: u8,
    pub(crate) changes: u8,
    pub(crate) surroundings: Surroundings,
    pub(crate) seen: Seen,
}

/// The history of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// The first promise that was broken.
    pub(crate) broken: Option<&'static str>,
    pub(crate) decisions: u8,
    pub(crate) was_held: bool,
    pub(crate) refused_a_second_vote: bool,
    pub(crate) refused_after_a_decision: bool,
    pub(crate) granted_after_the_end: bool,
    pub(crate) lost_an_outcome: bool,
    pub(crate) landed_after_the_revocation: bool,
    pub(crate) withdrew_a_vote: bool,
    pub(crate) closed_for_its_requester: bool,
    pub(crate) refused_a_grant: bool,
    pub(crate) closed_with_its_flow: bool,
}

impl Hash for World {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // The stored form of a Run is complete.
        serde_json::to_string(&self.run).unwrap().hash(hasher);
        for (seq, (effect, outcome)) in &self.effects {
            (seq, effect.attempt, outcome.as_ref().map(Outcome::name)).hash(hasher);
            matches!(outcome, Some(Outcome::Failed(error)) if error.retryable).hash(hasher);
        }
        self.timers.hash(hasher);
        (self.is_late, self.held, &self.clicks, &self.approved).hash(hasher);
        (self.windows, self.late_grants, self.late_revocations, &self.interrupted).hash(hasher);
        (self.faults, self.crashes, self.duplicates, &self.seen).hash(hasher);
        (self.changes, &self.surroundings).hash(hasher);
    }
}

/// The flow, its permissions and the bounds of the model.
pub(crate) struct Request {
    flows: Flows,
    permission: RequestPermission,
    pub(crate) bounds: Bounds,
}

const HOUR: Duration = Duration::from_secs(3600);

impl Request {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let permission = RequestPermission::decided_by(PermissionLevel::Member)
            .seen_by(PermissionLevel::Admin)
            .approvals(bounds.approvals)
            .allow_self_approval(false);
        Self { flows: Flows::new(), permission, bounds }
    }

    pub(crate) fn begin(&self) -> World {
        let Bounds { faults, crashes, duplicates, .. } = self.bounds;
        World {
            run: None,
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            is_late: false,
            windows: 0,
            late_grants: 0,
            late_revocations: 0,
            interrupted: BTreeSet::new(),
            held: false,
            clicks: BTreeMap::new(),
            approved: BTreeSet::new(),
            faults,
            crashes,
            duplicates,
            changes: self.bounds.changes.1,
            surroundings: Surroundings::default(),
            seen: Seen::default(),
        }
    }

    /// Returns all moves that are possible.
    pub(crate) fn moves(&self, world: &World) -> Vec<Move> {
        let mut moves = Vec::new();
        let may_click = |person: &Person, click: &Click| world.surroundings.admits(*person, *click);
        for (person, click, limit) in self.bounds.clicks.iter().filter(|(person, click, _)| may_click(person, click)) {
            let clicked = world.clicks.get(&(*person, *click)).copied().unwrap_or_default();
            if clicked < *limit && (world.run.is_some() || *click == Click::Request) {
                moves.push(Move::Submit(*person, *click));
            }
            if clicked > 0 && world.duplicates > 0 {
                moves.push(Move::Resubmit(*person, *click));
            }
        }
        for (seq, (effect, outcome)) in &world.effects {
            if outcome.is_some() || !is_of_target(effect) {
                moves.push(Move::Record(*seq));
            } else if world.may_begin(effect) {
                moves.push(Move::Execute(*seq, CallResult::Succeeds));
                if world.faults > 0 {
                    moves.extend(CallResult::FAULTS.map(|result| Move::Execute(*seq, result)));
                }
            }
        }
        // A request may be forwarded at any time; its access does not end before its expiry.
        let due = world.timers.keys().filter(|kind| **kind == TimerKind::Forward || world.is_late);
        moves.extend(due.map(|kind| Move::Fire(*kind)));
        let has_landed = world.late_grants == 0;
        if has_landed && !world.is_late && world.timers.contains_key(&TimerKind::Expire) {
            moves.push(Move::TimePasses);
        }
        if has_landed && world.effects.values().any(|(effect, _)| world.waits_for_window(effect)) {
            moves.push(Move::WindowPasses);
        }
        if world.late_grants > 0 {
            moves.push(Move::GrantLands);
        }
        if world.late_revocations > 0 {
            moves.push(Move::RevocationLands);
        }
        if world.crashes > 0 && world.effects.values().any(|(_, outcome)| outcome.is_some()) {
            moves.push(Move::Crash);
        }
        if world.changes > 0 && world.run.is_some() {
            let changes = self.bounds.changes.0.iter().filter(|change| world.surroundings.is_changed_by(**change));
            moves.extend(changes.map(|change| Move::Change(*change)));
        }
        moves
    }

    pub(crate) fn after(&self, world: &World, next: Move) -> World {
        let mut world = world.clone();
        match next {
            Move::Submit(person, click) => {
                let count = world.clicks.entry((person, click)).or_default();
                *count += 1;
                let count = *count;
                self.click(&mut world, person, click, count);
            }
            Move::Resubmit(person, click) => {
                world.duplicates -= 1;
                let count = world.clicks[&(person, click)];
                self.click(&mut world, person, click, count);
            }
            Move::Execute(seq, result) => self.execute(&mut world, seq, result),
            Move::Record(seq) => {
                let (effect, outcome) = world.effects.remove(&seq).unwrap();
                let outcome = outcome.unwrap_or_else(|| self.outcome_of(&world, &effect));
                let people = world.people_for(&effect);
                let done = InputBody::EffectDone { seq, outcome };
                self.step_with(&mut world, done.clone(), people.clone());
                world.interrupted.remove(&seq);
                let again = self.transition(&world, done, people);
                let is_same = again.state.is_none_or(|state| world.run.as_ref() == Some(&state));
                let asks_for_nothing = again.effects.is_empty() && again.timers.is_empty() && again.audit.is_empty();
                let is_stale = again.reply == InputReply::Stale && is_same && asks_for_nothing;
                world.must(is_stale, "P7: an outcome counted twice");
            }
            Move::Fire(kind) => {
                let (_, generation) = world.timers.remove(&kind).unwrap();
                self.step(&mut world, InputBody::TimerFired { kind, generation });
            }
            Move::TimePasses => world.is_late = true,
            Move::WindowPasses => world.windows += 1,
            Move::GrantLands => {
                world.late_grants -= 1;
                world.held = true;
                world.seen.was_held = true;
                let run = world.run.as_ref();
                world.seen.landed_after_the_revocation |= run.is_some_and(|run| run.settles_at().is_some());
            }
            Move::RevocationLands => {
                world.late_revocations -= 1;
                world.held = false;
            }
            Move::Crash => {
                world.crashes -= 1;
                world.lose_outcomes();
            }
            Move::Change(change) => {
                world.changes -= 1;
                world.surroundings.apply(change);
                if let Change::RestartsWith(configured) = change {
                    world.lose_outcomes();
                    self.start_with(&mut world, configured);
                }
            }
        }
        self.execute_notifications(&mut world);
        world
    }

    /// Starts the program anew: open requests of a flow that is not configured are closed.
    fn start_with(&self, world: &mut World, configured: Configured) {
        let can_be_closed = world.run.as_ref().is_some_and(RunState::can_be_closed);
        if configured == Configured::Removed && can_be_closed {
            self.step(world, InputBody::FlowRemoved);
            let is_closed = world.run.as_ref().is_some_and(|run| run.run.status() == RunStatus::Errored);
            world.must(is_closed, "P5: a request stays open without its flow");
            world.seen.closed_with_its_flow |= is_closed;
        }
    }

    /// Submits click number `count`. An engine recognizes a repeated input by its key; here the machine receives it twice, as from
    /// an engine that does not.
    fn click(&self, world: &mut World, person: Person, click: Click, count: u8) {
        let had_voted = world.approved.contains(&person);
        let was_decided = world.run.as_ref().is_some_and(|run| run.decision.is_some());
        let Some(actor) = world.surroundings.user(person) else { return };
        let people = match click {
            Click::Approve => world.surroundings.people(world.run.as_ref(), actor.id()),
            _ => People::default(),
        };
        let body = submitted(&actor, click, count, self.flows.get(world.surroundings.configured));
        let reply = self.step_with(world, body, people);
        let is_refused = matches!(reply, InputReply::Refused { .. });
        match click {
            Click::Approve if !is_refused => {
                world.approved.insert(person);
            }
            Click::Approve => {
                world.seen.refused_a_second_vote |= had_voted && !was_decided;
                world.seen.refused_after_a_decision |= was_decided;
            }
            _ => {}
        }
    }

    fn execute(&self, world: &mut World, seq: u64, result: CallResult) {
        if result != CallResult::Succeeds {
            world.faults -= 1;
        }
        let kind = world.effects[&seq].0.kind.clone();
        let is_done = matches!(result, CallResult::Succeeds | CallResult::TimesOut);
        let outcome = match &kind {
            EffectKind::Grant { deadline, .. } => {
                let is_over = deadline.is_some_and(|deadline| deadline <= world.now());
                let may_be_granted = self.may_be_granted(world, &world.effects[&seq].0);
                if world.surroundings.configured == Configured::Removed {
                    flow_removed()
                } else if let Err(error) = may_be_granted {
                    // The runtime does not call the target.
                    world.seen.refused_a_grant = true;
                    Outcome::NoLongerValid(error)
                } else if is_over {
                    // The runtime no longer calls the target.
                    world.seen.granted_after_the_end = true;
                    let message = "its time had passed";
                    Outcome::NoLongerValid(EffectError::new(ErrorKind::Conflict, codes::ACCESS_EXPIRED, message))
                } else {
                    self.check_grant(world);
                    world.held |= is_done;
                    world.seen.was_held |= is_done;
                    world.late_grants += u8::from(result == CallResult::LandsLate);
                    Outcome::Granted { output: None }
                }
            }
            EffectKind::Revoke { .. } => {
                world.held &= !is_done;
                world.late_revocations += u8::from(result == CallResult::LandsLate);
                Outcome::Revoked(Revocation::default())
            }
            _ => unreachable!("only the target is called"),
        };
        let outcome = match result {
            CallResult::Succeeds => outcome,
            CallResult::Fails | CallResult::TimesOut | CallResult::LandsLate => failed(),
            CallResult::Refused => refused(),
        };
        world.effects.get_mut(&seq).unwrap().1 = Some(outcome);
    }

    /// Returns the outcome of an effect that is not executed at the target. It always succeeds, and when it does makes no difference
    /// to the promises.
    fn outcome_of(&self, world: &World, effect: &Effect) -> Outcome {
        let leads_to_access =
            matches!(effect.kind, EffectKind::Route | EffectKind::Identify { .. } | EffectKind::Hook { .. });
        if leads_to_access && world.surroundings.configured == Configured::Removed {
            return flow_removed();
        }
        match &effect.kind {
            EffectKind::Hook { hook, .. } => {
                let handler = HandlerRef::new(hook.as_str(), "flows", "flows.rs", 1);
                Outcome::Hook { handler, result: HookResult::Continue }
            }
            EffectKind::Route => {
                let channel = Notification::to(SlackChannelName::new("#requests").unwrap()).timeout(HOUR);
                Outcome::Routed { handlers: vec![], routing: Routing::new(self.permission.clone(), vec![channel]) }
            }
            EffectKind::Identify { .. } => match self.may_be_granted(world, effect) {
                Err(error) => Outcome::NoLongerValid(error),
                Ok(()) => Outcome::Identified {
                    identity: "ana".into(),
                    resource: "admins".into(),
                    handler: None,
                    settle_time: MIN_SETTLE_TIME,
                    has_standing_access: false,
                    prior: None,
                    level: None,
                    enforces_end: false,
                },
            },
            EffectKind::Deliver { .. } => {
                Outcome::Delivered(vec![DeliveryResult::OptedOut { destination: "#requests".into() }])
            }
            _ => Outcome::Done,
        }
    }

    /// Asks the machine whether access may still be granted, as the runtime does before each call.
    fn may_be_granted(&self, world: &World, effect: &Effect) -> Result<(), EffectError> {
        let (EffectKind::Identify { target } | EffectKind::Grant { target, .. }) = &effect.kind else { return Ok(()) };
        let flow = self.flows.get(world.surroundings.configured);
        let requester = world.surroundings.user(Person::Ana);
        check_grant(flow, world.run.as_ref().unwrap(), target, requester.as_deref())
    }

    /// Checks P2 and P5 when the target is called to grant access.
    fn check_grant(&self, world: &mut World) {
        let run = world.run.as_ref().unwrap();
        let is_approved = run.decision.as_ref().is_some_and(|decision| decision.name == Step::Approve);
        let people: BTreeSet<_> = run.run.approvals().iter().map(|user| user.id()).collect();
        let enough = people.len() >= usize::from(self.bounds.approvals);
        let by_others = run.run.requester().is_some_and(|requester| !people.contains(&requester.id()));
        let ends =
            world.timers.contains_key(&TimerKind::Expire) || run.queue.contains(&QueuedInput::Timer(TimerKind::Expire));
        world.must(is_approved && enough && by_others, "P2: access is granted that was not approved");
        world.must(ends, "P2: access is granted whose end is not committed");
        let is_member = world.surroundings.standing(Person::Ana) == Standing::Member;
        world.must(is_member, "P5: access is granted to somebody who may not get it any more");
        let is_unchanged = world.surroundings.configured == Configured::Unchanged;
        world.must(is_unchanged, "P5: access is granted that nobody asked for");
    }

    /// Executes effects that no event waits for. They succeed immediately: anything else would only multiply the states.
    fn execute_notifications(&self, world: &mut World) {
        let is_notification = |(effect, _): &(Effect, Option<Outcome>)| effect.lane() == Lane::Notify;
        while let Some(seq) = world.effects.iter().find(|(_, one)| is_notification(one)).map(|(seq, _)| *seq) {
            let (effect, _) = world.effects.remove(&seq).unwrap();
            let outcome = self.outcome_of(world, &effect);
            self.step(world, InputBody::EffectDone { seq, outcome });
        }
    }

    fn step(&self, world: &mut World, body: InputBody) -> InputReply {
        self.step_with(world, body, People::default())
    }

    fn transition(&self, world: &World, body: InputBody, people: People) -> Transition {
        let run = RunId::from_uuid(Uuid::from_u128(7));
        let is_interrupted = matches!(&body, InputBody::EffectDone { seq, .. } if world.interrupted.contains(seq));
        let flow = self.flows.get(world.surroundings.configured);
        let input = Input::new(run, flow.srn().clone(), world.now(), body).with_interrupted(is_interrupted);
        let input = input.with_people(people);
        let is_removed = world.surroundings.configured == Configured::Removed;
        let rules = Rules { flow, hooks: if is_removed { Hooks::NONE } else { self.bounds.hooks } };
        step(&rules, world.run.as_ref(), &input)
    }

    fn step_with(&self, world: &mut World, body: InputBody, people: People) -> InputReply {
        let Transition { state, effects, timers, audit, reply, .. } = self.transition(world, body, people);
        if let Some(state) = state {
            let before = world.run.replace(state);
            let (before, after) =
                (before.and_then(|run| run.decision), world.run.as_ref().and_then(|run| run.decision.clone()));
            world.must(before.is_none() || before == after, "P4: a decision was changed");
            if before.is_none() && after.is_some_and(|decision| decision.name == Step::Approve) {
                world.check_votes();
            }
        }
        for entry in &audit {
            use sym_sdk::audit::AuditKind::{ApprovalWithdrawn, Failed};
            world.seen.withdrew_a_vote |= matches!(entry.kind, ApprovalWithdrawn { .. });
            let is_undecided = world.run.as_ref().is_some_and(|run| run.decision.is_none());
            let for_requester = [codes::UNKNOWN_USER, codes::NOT_PERMITTED];
            world.seen.closed_for_its_requester |=
                matches!(&entry.kind, Failed { error } if is_undecided && for_requester.contains(&error.code));
        }
        let decides = |entry: &&sym_sdk::audit::AuditEntry| {
            let completed = matches!(entry.kind, sym_sdk::audit::AuditKind::Completed);
            completed && matches!(entry.status, RunStatus::Approved | RunStatus::Denied)
        };
        world.seen.decisions += u8::try_from(audit.iter().filter(decides).count()).unwrap();
        world.effects.extend(effects.into_iter().map(|effect| (effect.key.seq, (effect, None))));
        for change in timers {
            match change {
                TimerChange::Set { kind, at, generation } => world.timers.insert(kind, (at, generation)),
                TimerChange::Cancel { kind } => world.timers.remove(&kind),
                _ => unreachable!(),
            };
        }
        reply
    }
}

impl World {
    /// Returns noon, or a time long after the access has ended.
    fn now(&self) -> Timestamp {
        let noon = Timestamp::from_second(1_709_208_000).unwrap();
        let passed = MIN_SETTLE_TIME * u32::from(self.windows);
        if self.is_late { noon + 2 * HOUR + passed } else { noon + passed }
    }

    /// Whether the effect waits for the end of the settle window. Other retries may happen at any time.
    fn waits_for_window(&self, effect: &Effect) -> bool {
        effect.not_before.is_some_and(|at| at > self.now() + MIN_SETTLE_TIME / 2)
    }

    /// Returns whether an engine may execute the effect: one per entitlement at a time, and none that was cancelled.
    fn may_begin(&self, effect: &Effect) -> bool {
        let excludes =
            |(other, outcome): &(Effect, Option<Outcome>)| outcome.is_some() && other.exclusive == effect.exclusive;
        let is_excluded = effect.exclusive.is_some() && self.effects.values().any(excludes);
        !is_excluded && !self.waits_for_window(effect)
    }

    /// Forgets the outcomes that are not committed, with the process.
    fn lose_outcomes(&mut self) {
        let begun: Vec<_> =
            self.effects.iter().filter(|(_, (_, outcome))| outcome.is_some()).map(|(seq, _)| *seq).collect();
        self.seen.lost_an_outcome |= !begun.is_empty();
        self.interrupted.extend(begun);
        self.effects.values_mut().for_each(|(_, outcome)| *outcome = None);
    }

    /// Returns whom the runtime looks up before it executes an effect: those whom a decision depends on, if one can follow.
    fn people_for(&self, effect: &Effect) -> People {
        let run = self.run.as_ref().filter(|run| run.decision.is_none());
        match effect.kind {
            EffectKind::Route | EffectKind::Hook { .. } if run.is_some() => {
                self.surroundings.people(run, effect.event.actor.id())
            }
            _ => People::default(),
        }
    }

    /// Checks P5 when a request is approved.
    fn check_votes(&mut self) {
        let run = self.run.as_ref().unwrap();
        let votes_count = run.run.approvals().iter().all(|user| self.surroundings.is_member(user));
        let gets_access = run.run.requester().is_some_and(|user| self.surroundings.is_member(user));
        self.must(votes_count, "P5: a vote counts of somebody who may not vote any more");
        self.must(gets_access, "P5: a request is approved of somebody who may not get access any more");
    }

    fn must(&mut self, holds: bool, promise: &'static str) {
        if !holds {
            self.seen.broken.get_or_insert(promise);
        }
    }
}

fn is_of_target(effect: &Effect) -> bool {
    matches!(effect.kind, EffectKind::Grant { .. } | EffectKind::Revoke { .. })
}

/// The outcome of a call that had no effect, and will have none.
fn refused() -> Outcome {
    Outcome::Failed(EffectError::new(ErrorKind::Forbidden, codes::HTTP_ERROR_RESPONSE, "the service refused"))
}

/// The outcome of a call that can be retried. Whether it had its effect is unknown.
fn failed() -> Outcome {
    let mut error = EffectError::new(ErrorKind::Unavailable, codes::HTTP_ERROR_RESPONSE, "the service failed");
    error.retryable = true;
    Outcome::Failed(error)
}

/// The outcome of an effect that would lead to access by a flow that is not configured.
fn flow_removed() -> Outcome {
    Outcome::Failed(EffectError::new(ErrorKind::NotFound, codes::UNKNOWN_FLOW, "there is no flow `prod`"))
}

fn submitted(actor: &Arc<User>, click: Click, count: u8, flow: &Flow) -> InputBody {
    let action = match click {
        Click::Request => {
            let mut request = RequestInput::default();
            request.target = flow.strategy().map(|strategy| strategy.targets()[0].clone());
            request.duration = Some(HOUR);
            Action::Request(Box::new(request))
        }
        Click::Approve => Action::approve(),
        Click::Deny => Action::deny(),
        Click::Revoke => Action::Revoke,
    };
    let event =
        EventId::from_uuid(Uuid::new_v5(&Uuid::nil(), format!("{} {click:?} {count}", actor.username()).as_bytes()));
    InputBody::Submitted { event, actor: actor.clone(), channel: Channel::new(ChannelType::Slack), action }
}
