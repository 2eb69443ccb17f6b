//! One request with everything around it, in so few states that all can be visited.

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

/// Who takes part. The first makes the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Who {
    Ana,
    Ben,
    Cho,
}

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Deed {
    Request,
    Approve,
    Deny,
    Revoke,
}

/// What comes of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fate {
    Succeeds,
    /// It is not done, and may be tried again.
    Fails,
    /// It is not done, and trying again does not help.
    Refused,
    /// It is done, and its outcome is an error that may be tried again.
    TimesOut,
}

impl Fate {
    const FAULTS: [Self; 3] = [Self::Fails, Self::Refused, Self::TimesOut];
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Move {
    /// Somebody clicks.
    Submit(Who, Deed),
    /// The same input is delivered again.
    Resubmit(Who, Deed),
    /// A worker carries out an effect. Its outcome is on its way.
    Perform(u64, Fate),
    /// The outcome of an effect is committed.
    Record(u64),
    /// A timer that has fallen due is fired.
    Fire(TimerKind),
    /// The access has reached its end by the clock.
    TimePasses,
    /// The process dies. What was on its way is lost; what was asked for is asked for again.
    Crash,
}

/// How much may happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) approvals: u8,
    /// Inputs of people, each at most so often.
    pub(crate) clicks: &'static [(Who, Deed, u8)],
    pub(crate) faults: u8,
    pub(crate) crashes: u8,
    pub(crate) duplicates: u8,
}

/// What is left of the bounds, and what has happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct World {
    pub(crate) run: Option<RunState>,
    /// What was asked for and has no outcome on the record, with the outcome that is on its way.
    pub(crate) effects: BTreeMap<u64, (Effect, Option<Outcome>)>,
    pub(crate) timers: BTreeMap<TimerKind, (Timestamp, u64)>,
    pub(crate) is_late: bool,
    /// Whether the target gives the access. That is the truth.
    pub(crate) held: bool,
    pub(crate) clicks: BTreeMap<(Who, Deed), u8>,
    pub(crate) approved: BTreeSet<Who>,
    pub(crate) faults: u8,
    pub(crate) crashes: u8,
    pub(crate) duplicates: u8,
    pub(crate) seen: Seen,
}

/// What has been seen on the way here.
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
}

impl Hash for World {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // What is stored of a Run is all that there is to it.
        serde_json::to_string(&self.run).unwrap().hash(hasher);
        for (seq, (effect, outcome)) in &self.effects {
            (seq, effect.attempt, outcome.is_some(), matches!(outcome, Some(Outcome::Failed(_)))).hash(hasher);
            matches!(outcome, Some(Outcome::Failed(error)) if error.retryable).hash(hasher);
        }
        self.timers.hash(hasher);
        (self.is_late, self.held, &self.clicks, &self.approved).hash(hasher);
        (self.faults, self.crashes, self.duplicates, &self.seen).hash(hasher);
    }
}

/// The flow, its rules and what bounds the world.
pub(crate) struct Request {
    flow: Arc<Flow>,
    permission: RequestPermission,
    pub(crate) bounds: Bounds,
}

const HOUR: Duration = Duration::from_secs(3600);

fn user(who: Who) -> Arc<User> {
    let name = format!("{who:?}@example.com").to_lowercase();
    Arc::new(User::person(UserId::from_email(&name), &name).unwrap().with_role(UserRole::Member))
}

impl Request {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let name: Slug = "prod".parse().unwrap();
        let target = AccessTarget::new("acme", "okta_group", "admins".parse().unwrap());
        let strategy = Strategy::new(name.clone(), "okta").with_target(target);
        let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member)
            .approvals(bounds.approvals)
            .allow_self_approval(false);
        Self { flow: Arc::new(Flow::builder(name, "acme").strategy(strategy).build()), permission, bounds }
    }

    pub(crate) fn begin(&self) -> World {
        let Bounds { faults, crashes, duplicates, .. } = self.bounds;
        World {
            run: None,
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            is_late: false,
            held: false,
            clicks: BTreeMap::new(),
            approved: BTreeSet::new(),
            faults,
            crashes,
            duplicates,
            seen: Seen::default(),
        }
    }

    /// All that can happen.
    pub(crate) fn moves(&self, world: &World) -> Vec<Move> {
        let mut moves = Vec::new();
        for (who, deed, most) in self.bounds.clicks {
            let clicked = world.clicks.get(&(*who, *deed)).copied().unwrap_or_default();
            if clicked < *most && (world.run.is_some() || *deed == Deed::Request) {
                moves.push(Move::Submit(*who, *deed));
            }
            if clicked > 0 && world.duplicates > 0 {
                moves.push(Move::Resubmit(*who, *deed));
            }
        }
        for (seq, (effect, outcome)) in &world.effects {
            if outcome.is_some() || !is_of_target(effect) {
                moves.push(Move::Record(*seq));
            } else if world.may_begin(effect) {
                moves.push(Move::Perform(*seq, Fate::Succeeds));
                if world.faults > 0 {
                    moves.extend(Fate::FAULTS.map(|fate| Move::Perform(*seq, fate)));
                }
            }
        }
        // Nobody knows when a request is forwarded; its access does not end before its time.
        let due = world.timers.keys().filter(|kind| **kind == TimerKind::Forward || world.is_late);
        moves.extend(due.map(|kind| Move::Fire(*kind)));
        if !world.is_late && world.timers.contains_key(&TimerKind::Expire) {
            moves.push(Move::TimePasses);
        }
        if world.crashes > 0 && world.effects.values().any(|(_, outcome)| outcome.is_some()) {
            moves.push(Move::Crash);
        }
        moves
    }

    pub(crate) fn after(&self, world: &World, next: Move) -> World {
        let mut world = world.clone();
        match next {
            Move::Submit(who, deed) => {
                let count = world.clicks.entry((who, deed)).or_default();
                *count += 1;
                let count = *count;
                self.click(&mut world, who, deed, count);
            }
            Move::Resubmit(who, deed) => {
                world.duplicates -= 1;
                let count = world.clicks[&(who, deed)];
                self.click(&mut world, who, deed, count);
            }
            Move::Perform(seq, fate) => self.perform(&mut world, seq, fate),
            Move::Record(seq) => {
                let (effect, outcome) = world.effects.remove(&seq).unwrap();
                let outcome = outcome.unwrap_or_else(|| self.outcome_of(&effect));
                let done = InputBody::EffectDone { seq, outcome };
                self.step(&mut world, done.clone());
                let before = world.clone();
                let again = self.step(&mut world, done);
                world.must(again == InputReply::Stale && world == before, "P7: an outcome counted twice");
            }
            Move::Fire(kind) => {
                let (_, generation) = world.timers.remove(&kind).unwrap();
                self.step(&mut world, InputBody::TimerFired { kind, generation });
            }
            Move::TimePasses => world.is_late = true,
            Move::Crash => {
                world.crashes -= 1;
                world.seen.lost_an_outcome = true;
                world.effects.values_mut().for_each(|(_, outcome)| *outcome = None);
            }
        }
        self.tell_people(&mut world);
        world
    }

    /// Somebody clicks for the time `count`. An engine tells an input that comes twice by its key; here the machine gets it
    /// twice, as from an engine that does not.
    fn click(&self, world: &mut World, who: Who, deed: Deed, count: u8) {
        let had_voted = world.approved.contains(&who);
        let was_decided = world.run.as_ref().is_some_and(|run| run.decision.is_some());
        let reply = self.step(world, submitted(who, deed, count, &self.flow));
        let is_refused = matches!(reply, InputReply::Refused { .. });
        match deed {
            Deed::Approve if !is_refused => {
                world.approved.insert(who);
            }
            Deed::Approve => {
                world.seen.refused_a_second_vote |= had_voted && !was_decided;
                world.seen.refused_after_a_decision |= was_decided;
            }
            _ => {}
        }
    }

    fn perform(&self, world: &mut World, seq: u64, fate: Fate) {
        if fate != Fate::Succeeds {
            world.faults -= 1;
        }
        let kind = world.effects[&seq].0.kind.clone();
        let is_done = matches!(fate, Fate::Succeeds | Fate::TimesOut);
        let outcome = match &kind {
            EffectKind::Grant { deadline, .. } => {
                self.check_grant(world);
                let is_over = deadline.is_some_and(|deadline| deadline <= world.now());
                if is_over {
                    // The runtime does not call the target any more.
                    world.seen.granted_after_the_end = true;
                    failed(false)
                } else {
                    world.held |= is_done;
                    world.seen.was_held |= is_done;
                    Outcome::Granted { output: None }
                }
            }
            EffectKind::Revoke { .. } => {
                world.held &= !is_done;
                Outcome::Revoked(Revocation::default())
            }
            _ => unreachable!("only the target is called"),
        };
        let outcome = match fate {
            Fate::Succeeds => outcome,
            Fate::Fails | Fate::TimesOut => failed(true),
            Fate::Refused => failed(false),
        };
        world.effects.get_mut(&seq).unwrap().1 = Some(outcome);
    }

    /// What is not the target's doing succeeds. It makes no difference to the promises when it is under way.
    fn outcome_of(&self, effect: &Effect) -> Outcome {
        match &effect.kind {
            EffectKind::Route => {
                let channel = Notification::to(SlackChannelName::new("#requests").unwrap()).timeout(HOUR);
                Outcome::Routed { handlers: vec![], routing: Routing::new(self.permission.clone(), vec![channel]) }
            }
            EffectKind::Identify { .. } => {
                Outcome::Identified { identity: "ana".into(), resource: "admins".into(), handler: None }
            }
            EffectKind::Deliver { .. } => {
                Outcome::Delivered(vec![DeliveryResult::OptedOut { destination: "#requests".into() }])
            }
            _ => Outcome::Done,
        }
    }

    /// P2, at the moment at which the target is called.
    fn check_grant(&self, world: &mut World) {
        let run = world.run.as_ref().unwrap();
        let is_approved = run.decision.as_ref().is_some_and(|decision| decision.name == Step::Approve);
        let people: BTreeSet<_> = run.run.approvals().iter().map(|user| user.id()).collect();
        let enough = people.len() >= usize::from(self.bounds.approvals);
        let by_others = !people.contains(&user(Who::Ana).id());
        let ends =
            world.timers.contains_key(&TimerKind::Expire) || run.queue.contains(&QueuedInput::Timer(TimerKind::Expire));
        world.must(is_approved && enough && by_others, "P2: access is granted that was not approved");
        world.must(ends, "P2: access is granted whose end is not committed");
    }

    /// What nobody waits for is done at once, and always succeeds: it would only multiply the states.
    fn tell_people(&self, world: &mut World) {
        let told = |(effect, _): &(Effect, Option<Outcome>)| effect.lane() == Lane::Notify;
        while let Some(seq) = world.effects.iter().find(|(_, one)| told(one)).map(|(seq, _)| *seq) {
            let (effect, _) = world.effects.remove(&seq).unwrap();
            let outcome = self.outcome_of(&effect);
            self.step(world, InputBody::EffectDone { seq, outcome });
        }
    }

    fn step(&self, world: &mut World, body: InputBody) -> InputReply {
        let run = RunId::from_uuid(Uuid::from_u128(7));
        let input = Input::new(run, self.flow.srn().clone(), world.now(), body);
        let rules = Rules { flow: &self.flow, hooks: Hooks::NONE };
        let Transition { state, effects, timers, audit, reply, .. } = step(&rules, world.run.as_ref(), &input);
        if let Some(state) = state {
            let before = world.run.replace(state);
            let (before, after) =
                (before.and_then(|run| run.decision), world.run.as_ref().and_then(|run| run.decision.clone()));
            world.must(before.is_none() || before == after, "P4: a decision was changed");
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
    /// Noon; or long after the access has ended.
    fn now(&self) -> Timestamp {
        let noon = Timestamp::from_second(1_709_208_000).unwrap();
        if self.is_late { noon + 2 * HOUR } else { noon }
    }

    /// An engine carries out one effect of a piece of access at a time, and none that the Run no longer waits for.
    fn may_begin(&self, effect: &Effect) -> bool {
        let excludes =
            |(other, outcome): &(Effect, Option<Outcome>)| outcome.is_some() && other.exclusive == effect.exclusive;
        effect.exclusive.is_none() || !self.effects.values().any(excludes)
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

fn failed(retryable: bool) -> Outcome {
    let mut error = EffectError::new(ErrorKind::Unavailable, codes::HTTP_ERROR_RESPONSE, "the service failed");
    error.retryable = retryable;
    Outcome::Failed(error)
}

fn submitted(who: Who, deed: Deed, count: u8, flow: &Flow) -> InputBody {
    let action = match deed {
        Deed::Request => {
            let mut request = RequestInput::default();
            request.target = flow.strategy().map(|strategy| strategy.targets()[0].clone());
            request.duration = Some(HOUR);
            Action::Request(Box::new(request))
        }
        Deed::Approve => Action::Approve { decision_message: None },
        Deed::Deny => Action::Deny { decision_message: None },
        Deed::Revoke => Action::Revoke,
    };
    let event = EventId::from_uuid(Uuid::new_v5(&Uuid::nil(), format!("{who:?} {deed:?} {count}").as_bytes()));
    InputBody::Submitted { event, actor: user(who), channel: Channel::new(ChannelType::Slack), action }
}
