//! Properties of the approval machine over random histories, and its rules one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use sym_sdk::audit::{AuditEntry, AuditKind, EventStatus, EventSummary, HandlerResult};
use sym_sdk::error::codes;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{NextEvent, Notification, PermissionLevel, RequestPermission, SlackChannelName, Step};
use sym_sdk::routing::PermissionScope;
use sym_sdk::template::ApprovalTemplate;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);

/// A Run with everything around it that the machine does not have: a queue of effects, timers, and a record of who holds what.
struct World {
    flow: Arc<Flow>,
    hooks: Hooks,
    permission: RequestPermission,
    notifications: Vec<Notification>,
    now: Timestamp,
    state: Option<RunState>,
    effects: BTreeMap<u64, Effect>,
    timers: BTreeMap<TimerKind, (Timestamp, u64)>,
    holds: BTreeSet<EntitlementKey>,
    audit: Vec<AuditEntry>,
    events: u128,
    /// Whether the strategy has granted access that it has not taken away, as far as the outcomes tell.
    granted: bool,
    /// What has been asked of the strategy.
    grants_asked: u32,
    /// The events that were taken.
    accepted: Vec<EventId>,
}

fn user(name: &str, role: UserRole) -> Arc<User> {
    let id = UserId::from_uuid(Uuid::new_v5(&Uuid::nil(), name.as_bytes()));
    Arc::new(User::person(id, &format!("{name}@example.com")).unwrap().with_role(role))
}

fn people() -> Vec<Arc<User>> {
    vec![
        user("ana", UserRole::Member),
        user("ben", UserRole::Member),
        user("cho", UserRole::Member),
        user("ada", UserRole::Admin),
        user("gus", UserRole::Guest),
    ]
}

fn flow(access: bool, params: FlowParams) -> Arc<Flow> {
    let name: Slug = "prod".parse().unwrap();
    let mut flow = Flow::builder(name.clone(), "acme").params(params);
    if access {
        let target = AccessTarget::new("acme", "okta_group", "admins".parse().unwrap()).with_setting("group_id", "g1");
        flow = flow.strategy(sym_sdk::model::Strategy::new(name, "okta").with_target(target));
    }
    Arc::new(flow.build())
}

impl World {
    fn new(flow: Arc<Flow>, hooks: Hooks, permission: RequestPermission) -> Self {
        Self {
            flow,
            hooks,
            permission,
            notifications: vec![Notification::to(SlackChannelName::new("#requests").unwrap())],
            now: "2024-02-29T12:00:00Z".parse().unwrap(),
            state: None,
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            holds: BTreeSet::new(),
            audit: Vec::new(),
            events: 0,
            granted: false,
            grants_asked: 0,
            accepted: Vec::new(),
        }
    }

    fn access() -> Self {
        let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member);
        Self::new(flow(true, FlowParams::default()), Hooks::NONE, permission)
    }

    fn input(&mut self, body: InputBody) -> Reply {
        let run = RunId::from_uuid(Uuid::from_u128(7));
        let input = Input::new(run, self.flow.srn().clone(), self.now, body);
        let rules = Rules { flow: &self.flow, hooks: self.hooks };
        let before = self.state.clone();
        let transition = step(&rules, self.state.as_ref(), &input);
        assert_eq!(transition, step(&rules, before.as_ref(), &input), "a step is a function of its arguments");
        if let Some(state) = transition.state {
            // What is stored is what is read back.
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(serde_json::from_str::<RunState>(&json).unwrap(), state);
            self.state = Some(state);
        }
        for effect in transition.effects {
            if let EffectKind::Grant { .. } = effect.kind {
                self.grants_asked += 1;
                let status = self.state.as_ref().map(|state| state.run.status());
                assert_eq!(status, Some(RunStatus::Approved), "only what is approved is granted");
            }
            assert!(self.effects.insert(effect.key.seq, effect).is_none(), "effect numbers are unique");
        }
        for change in transition.timers {
            match change {
                TimerChange::Set { kind, at, generation } => self.timers.insert(kind, (at, generation)),
                TimerChange::Cancel { kind } => self.timers.remove(&kind),
                _ => unreachable!(),
            };
        }
        for change in transition.holds {
            match change {
                HoldChange::Hold(key) => assert!(self.holds.insert(key)),
                HoldChange::Release(key) => assert!(self.holds.remove(&key)),
                _ => unreachable!(),
            }
        }
        self.audit.extend(transition.audit);
        transition.reply
    }

    fn act(&mut self, who: &Arc<User>, action: Action) -> Reply {
        self.act_through(who, ChannelType::Slack, action)
    }

    fn act_through(&mut self, who: &Arc<User>, channel: ChannelType, action: Action) -> Reply {
        self.events += 1;
        let event = EventId::from_uuid(Uuid::from_u128(self.events));
        let reply =
            self.input(InputBody::Submitted { event, actor: who.clone(), channel: Channel::new(channel), action });
        if let Reply::Accepted { event: accepted } = &reply {
            assert_eq!(*accepted, Some(event));
            self.accepted.push(event);
        }
        reply
    }

    fn request(&mut self, who: &Arc<User>) -> Reply {
        let mut request = RequestInput::default();
        if let Some(strategy) = self.flow.strategy() {
            request.target = Some(strategy.targets()[0].clone());
            request.duration = Some(HOUR);
        }
        self.act(who, Action::Request(Box::new(request)))
    }

    fn approve(&mut self, who: &Arc<User>) -> Reply {
        self.act(who, Action::Approve { decision_message: None })
    }

    fn deny(&mut self, who: &Arc<User>) -> Reply {
        self.act(who, Action::Deny { decision_message: None })
    }

    /// Carries out an effect with the outcome that it has when all goes well.
    fn succeed(&mut self, seq: u64) {
        let outcome = match &self.effects[&seq].kind {
            EffectKind::Hook { hook, .. } => verdict(*hook, HookVerdict::Continue),
            EffectKind::Route => Outcome::Routed {
                handlers: vec![],
                routing: Routing::new(self.permission.clone(), self.notifications.clone()),
            },
            EffectKind::Deliver { .. } => Outcome::Delivered(vec![DeliveryResult::Delivered {
                destination: "#requests".into(),
                message: MessageRef::new("test", seq.to_string()),
            }]),
            EffectKind::Identify { .. } => {
                Outcome::Identified { identity: "u1".into(), resource: "g1".into(), handler: None }
            }
            EffectKind::Grant { .. } => Outcome::Granted { output: None },
            EffectKind::Revoke { .. } => Outcome::Revoked(Revocation::default()),
            _ => Outcome::Done,
        };
        self.finish(seq, outcome);
    }

    fn fail(&mut self, seq: u64, retryable: bool) {
        let mut error = EffectError::new(codes::HANDLER_FAILED, "it broke");
        error.retryable = retryable;
        self.finish(seq, Outcome::Failed(error));
    }

    fn finish(&mut self, seq: u64, outcome: Outcome) {
        let effect = self.effects.remove(&seq).expect("the effect is under way");
        if let Some(at) = effect.not_before {
            self.now = self.now.max(at);
        }
        match (&effect.kind, &outcome) {
            // A grant that fails may have been carried out all the same.
            (EffectKind::Grant { .. }, _) => self.granted = true,
            (EffectKind::Revoke { .. }, Outcome::Revoked(_)) => self.granted = false,
            _ => {}
        }
        self.input(InputBody::EffectDone { seq, outcome: outcome.clone() });
        // The same outcome again, as after a crash, changes nothing.
        let again = self.state.clone();
        assert_eq!(self.input(InputBody::EffectDone { seq, outcome }), Reply::Stale);
        assert_eq!(self.state, again);
    }

    /// Carries out all that is asked for, in order, until nothing is left.
    fn settle(&mut self) {
        while let Some(seq) = self.effects.keys().next().copied() {
            self.succeed(seq);
        }
    }

    fn fire(&mut self, kind: TimerKind) -> Reply {
        let (at, generation) = self.timers.remove(&kind).expect("the timer is set");
        self.now = self.now.max(at);
        self.input(InputBody::TimerFired { kind, generation })
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        while let Some((kind, _)) =
            self.timers.iter().map(|(kind, (at, _))| (*kind, *at)).find(|(_, at)| *at <= self.now)
        {
            self.fire(kind);
        }
    }

    fn find(&self, wanted: impl Fn(&EffectKind) -> bool) -> Option<u64> {
        self.effects.iter().find(|(_, effect)| wanted(&effect.kind)).map(|(seq, _)| *seq)
    }

    fn state(&self) -> &RunState {
        self.state.as_ref().expect("the Run exists")
    }

    fn status(&self) -> RunStatus {
        self.state().run.status()
    }

    fn refusal(&self, reply: &Reply) -> String {
        match reply {
            Reply::Refused { error, .. } => error.to_string(),
            other => format!("not refused: {other:?}"),
        }
    }
}

fn verdict(hook: Hook, verdict: HookVerdict) -> Outcome {
    let name: &'static str = if matches!(hook, Hook::On(_)) { "on_hook" } else { "after_hook" };
    Outcome::Hook { handler: HandlerRef::new(name, "tests", "tests.rs", 1), verdict }
}

fn is_hook(wanted: Hook) -> impl Fn(&EffectKind) -> bool {
    move |kind| matches!(kind, EffectKind::Hook { hook, .. } if *hook == wanted)
}

fn is_grant(kind: &EffectKind) -> bool {
    matches!(kind, EffectKind::Grant { .. })
}

fn is_revoke(kind: &EffectKind) -> bool {
    matches!(kind, EffectKind::Revoke { .. })
}

#[test]
fn an_access_request_goes_from_request_to_deescalation() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.request(&ana);
    world.settle();
    assert_eq!(world.status(), RunStatus::Requested);
    world.approve(&ben);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
    assert_eq!(world.state().run.actor(Step::Escalate), Some(&*ben));
    assert_eq!(world.holds.len(), 1);
    world.advance(HOUR);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
    assert!(world.holds.is_empty());
    assert!(world.timers.is_empty());
    assert!(world.state().is_finished());
}

#[test]
fn the_end_of_access_is_set_before_the_strategy_is_asked() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    while world.find(is_grant).is_none() {
        let seq = *world.effects.keys().next_back().unwrap();
        world.succeed(seq);
    }
    assert!(world.timers.contains_key(&TimerKind::Expire));
    assert_eq!(world.holds.len(), 1);
}

#[test]
fn an_approval_only_flow_stops_after_approval() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member);
    let mut world = World::new(flow(false, FlowParams::default()), Hooks::NONE, permission);
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    world.settle();
    assert_eq!(world.status(), RunStatus::Approved);
    assert!(world.state().is_finished());
    assert!(world.timers.is_empty());
}

#[test]
fn the_second_of_two_decisions_is_refused_with_the_name_of_the_first() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    world.settle();
    let reply = world.deny(&cho);
    expect_test::expect!["this request was already approved by ben@example.com (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&world.refusal(&reply));
    assert_eq!(world.status(), RunStatus::Escalated);
}

#[test]
fn a_decision_that_waited_for_another_one_is_told_so() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    assert!(matches!(world.deny(&cho), Reply::Accepted { .. }), "it waits for the hook of the first");
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
    let refused: Vec<_> = world.audit.iter().filter(|entry| matches!(entry.kind, AuditKind::Refused { .. })).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].event.actor, cho);
    let told = world.audit.iter().any(|entry| {
        matches!(&entry.kind, AuditKind::Messaged { to, text } if to == "cho@example.com" && text.contains("already approved"))
    });
    assert!(told, "the one who came second hears of it");
}

#[test]
fn nobody_decides_beyond_the_permissions() {
    let [ana, ben, cho, ada, gus] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.permission = RequestPermission::new(
        PermissionLevel::Admin,
        PermissionScope::try_from(sym_sdk::prelude::user_ids([&*ben])).unwrap(),
    );
    world.request(&ana);
    world.settle();
    for (who, expected) in [
        (
            &cho,
            expect_test::expect![
                "cho@example.com is not among those who may decide this request (SymSDK:NOT_PERMITTED)"
            ],
        ),
        (
            &gus,
            expect_test::expect![
                "gus@example.com is not among those who may decide this request (SymSDK:NOT_PERMITTED)"
            ],
        ),
        (
            &ana,
            expect_test::expect![
                "ana@example.com is not among those who may decide this request (SymSDK:NOT_PERMITTED)"
            ],
        ),
    ] {
        let reply = world.approve(who);
        expected.assert_eq(&world.refusal(&reply));
    }
    assert_eq!(world.status(), RunStatus::Requested);
    world.approve(&ada);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated, "admins always may");
}

#[test]
fn requesters_approve_their_own_request_only_where_it_is_allowed() {
    let [ana, .., ada, _] = <[_; 5]>::try_from(people()).unwrap();
    for who in [&ana, &ada] {
        let mut world = World::access();
        world.request(who);
        world.settle();
        let reply = world.approve(who);
        expect_test::expect!["requesters cannot approve their own request (SymSDK:SELF_APPROVAL)"]
            .assert_eq(&world.refusal(&reply));

        let mut world = World::access();
        world.permission = world.permission.clone().allow_self_approval(true);
        world.request(who);
        world.settle();
        world.approve(who);
        world.settle();
        assert_eq!(world.status(), RunStatus::Escalated);
    }
}

#[test]
fn requesters_may_always_withdraw() {
    let ana = user("ana", UserRole::Member);
    let mut world = World::access();
    world.permission = RequestPermission::admins_only();
    world.request(&ana);
    world.settle();
    world.deny(&ana);
    world.settle();
    assert_eq!(world.status(), RunStatus::Denied);
}

#[test]
fn guests_never_request_and_decide_only_where_flow_and_permissions_admit_them() {
    let [ana, .., gus] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    let reply = world.request(&gus);
    expect_test::expect!["gus@example.com is a guest; guests cannot make requests (SymSDK:NOT_PERMITTED)"]
        .assert_eq(&world.refusal(&reply));
    assert!(world.state.is_none(), "nothing is stored");
    assert_eq!(world.audit.len(), 1, "but it is on the record");

    for (guests, level, admitted) in [
        (false, PermissionLevel::AllUsers, false),
        (true, PermissionLevel::Member, false),
        (true, PermissionLevel::AllUsers, true),
    ] {
        let mut params = FlowParams::default();
        params.allow_guest_interaction = guests;
        let permission = RequestPermission::new(PermissionLevel::Admin, level);
        let mut world = World::new(flow(true, params), Hooks::NONE, permission);
        world.request(&ana);
        world.settle();
        let reply = world.approve(&gus);
        assert_eq!(matches!(reply, Reply::Accepted { .. }), admitted, "guests {guests}, level {level:?}: {reply:?}");
    }
}

#[test]
fn two_approvals_are_needed_when_two_are_asked_for_and_one_denial_denies() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.permission = world.permission.clone().approvals(2);
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    world.settle();
    assert_eq!(world.status(), RunStatus::Requested);
    let reply = world.approve(&ben);
    expect_test::expect!["you have approved this request already; it waits for others (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&world.refusal(&reply));
    let mut denied = World { state: world.state.clone(), ..World::access() };
    denied.deny(&cho);
    assert_eq!(denied.status(), RunStatus::Denied);
    world.approve(&cho);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
}

#[test]
fn an_approval_that_its_own_hook_fires_again_is_still_one_vote() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.permission = world.permission.clone().approvals(2);
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    let hook = world.find(is_hook(Hook::On(Step::Approve))).unwrap();
    let again = ApprovalTemplate::approve().reason("with a better reason");
    world.finish(hook, verdict(Hook::On(Step::Approve), HookVerdict::Fire(again.into())));
    world.settle();
    assert_eq!(world.status(), RunStatus::Requested, "another approver is still needed");
}

fn fire_from(on: Step, next: NextEvent) -> World {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(on));
    world.request(&ana);
    let mut guard = 0;
    let mut fired = false;
    while !fired && guard < 50 {
        guard += 1;
        if let Some(hook) = world.find(is_hook(Hook::On(on))) {
            world.finish(hook, verdict(Hook::On(on), HookVerdict::Fire(next.clone().into())));
            fired = true;
        } else if let Some(seq) = world.effects.keys().next().copied() {
            world.succeed(seq);
        } else if world.state().is_open() {
            world.approve(&ben);
        } else {
            world.advance(HOUR);
        }
    }
    assert!(fired, "the hook was called");
    world
}

#[test]
fn a_hook_that_approves_a_request_skips_the_reducers() {
    let mut world = fire_from(Step::Request, ApprovalTemplate::approve().reason("on call"));
    assert!(world.find(|kind| matches!(kind, EffectKind::Route)).is_none());
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
    let decision = world.state().decision.as_ref().unwrap();
    assert_eq!(decision.channel.kind(), ChannelType::Sdk);
    assert_eq!(decision.reason.as_deref(), Some("on call"));
    assert_eq!(world.state().run.requester().unwrap().username(), "ana@example.com");
}

#[test]
fn requests_only_go_forward() {
    for (on, next) in [
        (Step::Escalate, ApprovalTemplate::deny()),
        (Step::Approve, ApprovalTemplate::request()),
        (Step::Approve, ApprovalTemplate::prompt()),
    ] {
        let world = fire_from(on, next);
        assert_eq!(world.status(), RunStatus::Errored, "from {on}");
        assert_eq!(world.grants_asked, 0);
    }
}

#[test]
fn no_hook_escalates_what_is_not_approved() {
    let world = fire_from(Step::Request, ApprovalTemplate::escalate());
    assert_eq!(world.status(), RunStatus::Errored);
    assert_eq!(world.state().error.as_ref().unwrap().code, codes::DEESCALATE_INVALID_RUN);
    assert_eq!(world.grants_asked, 0);
}

#[test]
fn a_hook_may_fire_its_own_event_once() {
    let mut world = fire_from(Step::Request, ApprovalTemplate::request().duration(Duration::from_secs(600)));
    let hook = world.find(is_hook(Hook::On(Step::Request))).expect("the hook is asked again");
    let mut again = World { state: world.state.clone(), effects: world.effects.clone(), ..World::access() };
    again.hooks = world.hooks;
    again.finish(hook, verdict(Hook::On(Step::Request), HookVerdict::Fire(ApprovalTemplate::request().into())));
    assert_eq!(again.status(), RunStatus::Errored, "but not twice");
    world.settle();
    assert_eq!(world.status(), RunStatus::Requested);
    assert_eq!(world.state().request.as_ref().unwrap().duration, Some(Duration::from_secs(600)));
}

#[test]
fn an_ignored_event_changes_nothing_and_is_told_to_its_actor() {
    let world = {
        let mut world = fire_from(Step::Approve, ApprovalTemplate::ignore().message("ask your manager"));
        world.settle();
        world
    };
    assert_eq!(world.status(), RunStatus::Requested);
    assert!(world.state().decision.is_none());
    let told = world.audit.iter().any(|entry| {
        matches!(&entry.kind, AuditKind::Messaged { to, text } if to == "ben@example.com" && text == "ask your manager")
    });
    assert!(told);
}

#[test]
fn a_scheduled_deescalation_can_be_put_off_and_not_lost() {
    let mut world = fire_from(Step::Deescalate, ApprovalTemplate::ignore());
    assert_eq!(world.status(), RunStatus::Escalated);
    assert!(world.timers.contains_key(&TimerKind::Expire), "it comes again");
    world.settle();
    world.advance(IGNORED_EXPIRY_DELAY);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn a_failing_hook_does_not_keep_access_from_ending() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate)).with(Hook::After(Step::Deescalate));
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    world.settle();
    world.advance(HOUR);
    let hook = world.find(is_hook(Hook::On(Step::Deescalate))).unwrap();
    world.fail(hook, false);
    assert!(world.find(|kind| matches!(kind, EffectKind::Alert { .. })).is_some());
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn a_grant_that_fails_for_good_is_cleaned_up() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    let mut attempts = 0;
    loop {
        if let Some(seq) = world.find(is_grant) {
            attempts += 1;
            world.fail(seq, true);
        } else if let Some(seq) = world.find(|kind| matches!(kind, EffectKind::Identify { .. })) {
            world.succeed(seq);
        } else {
            break;
        }
    }
    assert_eq!(attempts, ESCALATE_ATTEMPTS);
    assert_eq!(world.status(), RunStatus::Errored);
    assert!(world.find(is_revoke).is_some());
    world.settle();
    assert_eq!(world.status(), RunStatus::Errored);
    assert!(!world.granted && world.holds.is_empty() && world.timers.is_empty());
    assert!(world.state().is_finished());
}

#[test]
fn a_revocation_is_tried_until_it_succeeds() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    world.settle();
    world.advance(HOUR);
    let mut alerts = 0;
    let began = world.now;
    for attempt in 1..=200 {
        let seq = world.find(is_revoke).expect("it is tried again");
        assert_eq!(world.effects[&seq].attempt, attempt);
        world.fail(seq, false);
        while let Some(seq) = world.find(|kind| matches!(kind, EffectKind::Alert { .. })) {
            alerts += 1;
            world.succeed(seq);
        }
        assert_eq!(world.status(), RunStatus::Escalated);
    }
    let days = world.now.duration_since(began).as_hours() / 24;
    assert_eq!(alerts, 1 + days, "told at once and once a day");
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn a_revoke_and_the_timer_revoke_once() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate));
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    world.settle();
    world.act(&ana, Action::Revoke);
    let generation = world.timers.remove(&TimerKind::Expire).unwrap().1;
    world.now += HOUR;
    // The timer falls due while the revoke's hook runs.
    world.input(InputBody::TimerFired { kind: TimerKind::Expire, generation });
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
    let revoked = world.audit.iter().filter(|entry| matches!(entry.kind, AuditKind::Revoked { .. })).count();
    assert_eq!(revoked, 1);
    let reply = world.act(&cho, Action::Revoke);
    expect_test::expect![
        "only an escalated request can be revoked; this one is deescalated (DeescalateAPI:INVALID_RUN)"
    ]
    .assert_eq(&world.refusal(&reply));
}

#[test]
fn a_request_goes_on_to_the_next_notification_and_expires_after_the_last() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let minute = Duration::from_secs(60);
    let channel = |name: &str| Notification::to(SlackChannelName::new(name).unwrap()).timeout(minute);
    let mut world = World::access();
    world.notifications = vec![channel("#first"), channel("#second"), channel("#third")];
    world.request(&ana);
    // The first cannot be delivered, so the second is sent at once.
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.succeed(route);
    let first = world.find(|kind| matches!(kind, EffectKind::Deliver { .. })).unwrap();
    world.fail(first, false);
    assert_eq!(world.status(), RunStatus::Forwarded);
    assert_eq!(world.state().current_notification, 1);
    world.settle();
    // Nobody acts on the second, nor on the third.
    world.advance(minute);
    assert_eq!(world.state().current_notification, 2);
    world.settle();
    world.advance(minute);
    world.settle();
    assert_eq!(world.status(), RunStatus::Expired);
    let reply = world.approve(&ben);
    expect_test::expect!["this request has expired; nobody acted on it in time (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&world.refusal(&reply));
}

#[test]
fn a_delivery_is_tried_again_while_that_may_help() {
    let ana = user("ana", UserRole::Member);
    let mut world = World::access();
    world.request(&ana);
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.succeed(route);
    for attempt in 1..=3 {
        let seq = world.find(|kind| matches!(kind, EffectKind::Deliver { .. })).unwrap();
        assert_eq!(world.effects[&seq].attempt, attempt);
        world.fail(seq, true);
    }
    world.settle();
    assert_eq!(world.status(), RunStatus::Expired, "there is no other notification, so nobody could ever answer");
    let told = world.audit.iter().any(
        |entry| matches!(&entry.kind, AuditKind::Messaged { text, .. } if text.contains("Nobody could be notified")),
    );
    assert!(told);
}

#[test]
fn open_ended_access_lasts_until_it_is_revoked() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut params = FlowParams::default();
    params.schedule_deescalation = false;
    let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member);
    let mut world = World::new(flow(true, params), Hooks::NONE, permission);
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    world.settle();
    assert!(world.timers.is_empty());
    world.act(&cho, Action::Revoke);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn where_early_revocation_is_off_only_admins_revoke() {
    let [ana, ben, _, ada, _] = <[_; 5]>::try_from(people()).unwrap();
    let mut params = FlowParams::default();
    params.allow_revoke = false;
    let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member);
    let mut world = World::new(flow(true, params), Hooks::NONE, permission);
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    world.settle();
    let reply = world.act(&ana, Action::Revoke);
    expect_test::expect![
        "flow `prod` does not allow access to be revoked early; an administrator can (SymSDK:NOT_PERMITTED)"
    ]
    .assert_eq(&world.refusal(&reply));
    world.act(&ada, Action::Revoke);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn a_closed_source_takes_no_requests() {
    let ana = user("ana", UserRole::Member);
    let mut params = FlowParams::default();
    params.allowed_sources = Some([Source::Api].into());
    let mut world = World::new(flow(true, params), Hooks::NONE, RequestPermission::admins_only());
    let reply = world.request(&ana);
    expect_test::expect!["flow `prod` takes no requests from slack; allowed: api (SymSDK:NOT_PERMITTED)"]
        .assert_eq(&world.refusal(&reply));
}

#[test]
fn time_within_a_run_never_runs_backwards() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.request(&ana);
    world.settle();
    let before = world.state().updated_at;
    world.now -= 5 * HOUR;
    world.approve(&ben);
    world.settle();
    assert_eq!(world.state().updated_at, before);
    let (end, _) = world.timers[&TimerKind::Expire];
    assert_eq!(end, world.now + HOUR, "access ends by the clock that fires its timer");
}

#[test]
fn a_clock_that_was_ahead_for_a_while_holds_up_no_end_of_access() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let years = 10 * 365 * 24 * HOUR;
    let mut world = World::access();
    world.now += years;
    world.request(&ana);
    world.settle();
    world.now -= years;
    world.approve(&ben);
    world.settle();
    assert_eq!(world.timers[&TimerKind::Expire].0, world.now + HOUR);
    world.advance(HOUR);
    world.fail(world.find(is_revoke).unwrap(), false);
    let again = &world.effects[&world.find(is_revoke).unwrap()];
    assert_eq!(again.not_before, Some(world.now + Duration::from_secs(1)));
}

#[test]
fn a_person_whose_address_changes_is_still_the_same_person() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let renamed = |user: &User| Arc::new(User::person(user.id(), &format!("new-{}", user.username())).unwrap());
    let mut world = World::access();
    world.permission = world.permission.clone().approvals(2);
    world.request(&ana);
    world.settle();
    let reply = world.approve(&renamed(&ana));
    expect_test::expect!["requesters cannot approve their own request (SymSDK:SELF_APPROVAL)"]
        .assert_eq(&world.refusal(&reply));
    world.approve(&ben);
    let reply = world.approve(&renamed(&ben));
    expect_test::expect!["you have approved this request already; it waits for others (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&world.refusal(&reply));
}

#[test]
fn an_alert_of_a_failing_revocation_that_is_not_sent_is_raised_again() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let is_alert = |kind: &EffectKind| matches!(kind, EffectKind::Alert { .. });
    let mut world = World::access();
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    world.settle();
    world.advance(HOUR);
    world.fail(world.find(is_revoke).unwrap(), false);
    world.fail(world.find(is_alert).expect("the first failure is told"), true);
    world.fail(world.find(is_revoke).unwrap(), false);
    world.succeed(world.find(is_alert).expect("nobody was told so far"));
    world.fail(world.find(is_revoke).unwrap(), false);
    assert!(world.find(is_alert).is_none(), "once a day is enough");
}

#[test]
fn who_approved_hears_why_a_hook_ignored_the_escalation() {
    let mut world = fire_from(Step::Escalate, ApprovalTemplate::ignore().message("the target is frozen"));
    world.settle();
    assert_eq!(world.status(), RunStatus::Approved);
    let told = world.audit.iter().any(|entry| {
        matches!(&entry.kind, AuditKind::Messaged { to, text } if to == "ben@example.com" && text == "the target is frozen")
    });
    assert!(told);
}

#[test]
fn a_failed_delivery_is_reported_under_the_event_that_sent_it() {
    let ana = user("ana", UserRole::Member);
    let mut world = World::access();
    world.request(&ana);
    let mut routing = Routing::new(world.permission.clone(), world.notifications.clone());
    routing.continue_on_delivery_failure = false;
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.finish(route, Outcome::Routed { handlers: vec![], routing });
    world.fail(world.find(|kind| matches!(kind, EffectKind::Deliver { .. })).unwrap(), false);
    world.settle();
    let events: BTreeSet<_> = world.audit.iter().map(|entry| entry.event.id).collect();
    assert_eq!(events.len(), 1, "there was one event: the request");
}

#[test]
fn what_is_repeated_does_not_make_a_run_grow() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.permission = world.permission.clone().approvals(3);
    world.request(&ana);
    world.settle();
    let mut sizes = Vec::new();
    for _ in 0..100 {
        // One click is counted once, one is ignored by a hook, one is refused, and all of them come at once.
        world.approve(&ben);
        world.approve(&cho);
        world.approve(&ana);
        while let Some(seq) = world.effects.keys().next().copied() {
            match &world.effects[&seq].kind {
                EffectKind::Hook { hook, .. } if world.effects[&seq].event.actor == cho => {
                    let hook = *hook;
                    world.finish(seq, verdict(hook, HookVerdict::Fire(ApprovalTemplate::ignore().into())));
                }
                _ => world.succeed(seq),
            }
        }
        sizes.push(serde_json::to_string(world.state()).unwrap().len());
    }
    assert!(sizes[99] <= sizes[0] + 8, "only numbers may get longer: {} became {}", sizes[0], sizes[99]);
    // Nor does it without bound while the event in hand is slow.
    for _ in 0..1_000 {
        world.deny(&ben);
        world.approve(&cho);
    }
    assert!(world.state().queue.len() <= 64);
}

/// One random thing that happens.
#[derive(Clone, Debug)]
enum Move {
    Act { who: usize, what: u8, channel: u8 },
    Finish { which: usize, how: u8 },
    Timer { which: usize },
    StaleTimer { generation: u64 },
    Wait { seconds: u64 },
}

fn moves() -> impl Strategy<Value = Move> + Clone {
    prop_oneof![
        3 => (0..5usize, 0..6u8, 0..3u8).prop_map(|(who, what, channel)| Move::Act { who, what, channel }),
        6 => (0..8usize, 0..12u8).prop_map(|(which, how)| Move::Finish { which, how }),
        1 => (0..2usize).prop_map(|which| Move::Timer { which }),
        1 => (0..4u64).prop_map(|generation| Move::StaleTimer { generation }),
        1 => (1..4000u64).prop_map(|seconds| Move::Wait { seconds }),
    ]
}

use proptest::strategy::Strategy;

fn worlds() -> impl Strategy<Value = (bool, u16, bool, bool, bool, u8, bool, u8)> {
    (any::<bool>(), any::<u16>(), any::<bool>(), any::<bool>(), any::<bool>(), 1..3u8, any::<bool>(), 0..3u8)
}

fn make_world(
    (access, hooks, revoke, schedule, guests, approvals, allow_self, level): (
        bool,
        u16,
        bool,
        bool,
        bool,
        u8,
        bool,
        u8,
    ),
) -> World {
    let mut params = FlowParams::default();
    params.allow_revoke = revoke || !schedule;
    params.schedule_deescalation = schedule;
    params.allow_guest_interaction = guests;
    let level = [PermissionLevel::Admin, PermissionLevel::Member, PermissionLevel::AllUsers][usize::from(level)];
    let hooks = Step::ALL
        .into_iter()
        .flat_map(|step| [Hook::On(step), Hook::After(step)])
        .enumerate()
        .filter(|(bit, _)| hooks & (1 << bit) != 0)
        .map(|(_, hook)| hook)
        .collect();
    let permission =
        RequestPermission::new(PermissionLevel::Admin, level).approvals(approvals).allow_self_approval(allow_self);
    let mut world = World::new(flow(access, params), hooks, permission);
    let timeout = Duration::from_secs(300);
    world.notifications =
        ["#one", "#two"].map(|name| Notification::to(SlackChannelName::new(name).unwrap()).timeout(timeout)).into();
    world
}

fn play(world: &mut World, next: &Move) {
    let people = people();
    match next {
        Move::Act { who, what, channel } => {
            let channel = [ChannelType::Slack, ChannelType::Api, ChannelType::Web][usize::from(*channel)];
            let who = &people[*who];
            let action = match what {
                0 => Action::Prompt,
                1 | 2 => {
                    let mut request = RequestInput::default();
                    request.target = world.flow.strategy().map(|strategy| strategy.targets()[0].clone());
                    request.duration = world.flow.strategy().map(|_| HOUR);
                    Action::Request(Box::new(request))
                }
                3 => Action::Approve { decision_message: None },
                4 => Action::Deny { decision_message: Some("no".into()) },
                _ => Action::Revoke,
            };
            world.act_through(who, channel, action);
        }
        Move::Finish { which, how } => {
            let Some(seq) = world.effects.keys().nth(which % world.effects.len().max(1)).copied() else { return };
            match (how, &world.effects[&seq].kind) {
                (0, _) => world.fail(seq, true),
                (1, _) => world.fail(seq, false),
                (2..=7, EffectKind::Hook { hook: hook @ Hook::On(_), .. }) => {
                    let next = match how {
                        2 => ApprovalTemplate::approve(),
                        3 => ApprovalTemplate::deny(),
                        4 => ApprovalTemplate::ignore(),
                        5 => ApprovalTemplate::escalate(),
                        6 => ApprovalTemplate::deescalate(),
                        _ => ApprovalTemplate::request(),
                    };
                    let hook = *hook;
                    world.finish(seq, verdict(hook, HookVerdict::Fire(next.into())));
                }
                (8, EffectKind::Grant { .. }) => {
                    world.finish(seq, Outcome::Rejected { output: None, errors: vec!["no".into()] });
                }
                _ => world.succeed(seq),
            }
        }
        Move::Timer { which } => {
            let kinds: Vec<_> = world.timers.keys().copied().collect();
            if let Some(kind) = kinds.get(which % kinds.len().max(1)) {
                world.fire(*kind);
            }
        }
        Move::StaleTimer { generation } => {
            let live = world.timers.get(&TimerKind::Expire).map(|(_, live)| *live);
            if world.state.is_some() && live != Some(*generation) {
                let before = world.state.clone();
                let reply = world.input(InputBody::TimerFired { kind: TimerKind::Expire, generation: *generation });
                assert_eq!(reply, Reply::Stale);
                assert_eq!(world.state, before);
            }
        }
        Move::Wait { seconds } => world.now += Duration::from_secs(*seconds),
    }
}

/// What must hold after every step.
fn check(world: &World, before: Option<&RunState>) {
    let Some(state) = &world.state else {
        assert!(world.effects.is_empty() && world.timers.is_empty() && world.holds.is_empty());
        return;
    };
    let status = state.run.status();

    // P2: no grant without an approval, and none without its end set beforehand.
    if state.may_hold_access() {
        let decision = state.decision.as_ref().expect("access without a decision");
        assert_eq!(decision.name, Step::Approve);
        if !decision.by_code {
            let approvers: BTreeSet<_> = state.run.approvals().iter().map(|user| user.id()).collect();
            assert!(approvers.len() >= usize::from(world.permission.required_approvals()), "too few approvals");
            for approver in state.run.approvals() {
                let admitted = world.permission.approve_deny().admits(approver);
                let as_guest = approver.role() != UserRole::Guest || world.flow.params().allow_guest_interaction;
                let oneself = state.run.requester() != Some(approver) || world.permission.self_approval_allowed();
                assert!(admitted && as_guest && oneself, "{} was not to approve", approver.username());
            }
        }
    }
    if let Access::Granting(_) | Access::Held(_) = &state.access {
        let ends = world.timers.contains_key(&TimerKind::Expire)
            || state.queue.iter().any(|queued| matches!(queued, Queued::Timer(TimerKind::Expire)))
            || state.cycle.as_ref().is_some_and(|cycle| cycle.event.name == Step::Deescalate);
        let open_ended = !world.flow.params().schedule_deescalation && world.flow.params().allow_revoke;
        assert!(ends || open_ended, "access without an end: {state:#?}");
        assert_eq!(world.holds.len(), 1);
    }
    // P3: what is being taken away is asked for, until it is confirmed.
    if let Access::Revoking { .. } = &state.access {
        assert!(world.find(is_revoke).is_some(), "a revocation was lost");
    }
    if world.granted {
        assert!(state.may_hold_access(), "access was granted, and the Run has forgotten it");
    }
    if !state.may_hold_access() {
        assert!(world.holds.is_empty());
        assert!(!world.timers.contains_key(&TimerKind::Expire));
    }
    assert!(state.is_open() || !world.timers.contains_key(&TimerKind::Forward), "a closed request is not forwarded");
    // P4: one decision.
    let decisions = world.audit.iter().filter(|entry| {
        matches!(entry.kind, AuditKind::Completed) && matches!(entry.status, RunStatus::Approved | RunStatus::Denied)
    });
    assert!(decisions.count() <= 1, "decided twice");
    // Nothing that is repeated makes a Run grow.
    assert!(state.queue.len() <= 64 + 3, "{} inputs wait", state.queue.len());
    assert!(state.delivered.len() <= world.notifications.len());
    let approvers: BTreeSet<_> = state.run.approvals().iter().map(|user| user.id()).collect();
    assert_eq!(approvers.len(), state.run.approvals().len(), "somebody voted twice");
    // The event in hand waits for an effect that is under way.
    if let Some(cycle) = &state.cycle {
        assert!(world.effects.contains_key(&cycle.seq), "an event waits for nothing");
    }
    let known: BTreeSet<_> = world.effects.keys().copied().collect();
    let pending: BTreeSet<_> = state.pending.keys().copied().collect();
    assert_eq!(known, pending, "what is pending is what was asked for");
    let live: BTreeMap<_, _> = state.timers.iter().map(|(kind, timer)| (*kind, (timer.at, timer.generation))).collect();
    assert_eq!(live, world.timers, "the live timers are those that were set");

    if let Some(before) = before {
        let was = before.run.status();
        if was.is_terminal() && was != status {
            panic!("a {was} Run became {status}");
        }
        assert!(state.updated_at >= before.updated_at);
        if before.decision.is_some() {
            assert_eq!(before.decision, state.decision, "a decision was changed");
        }
        // A denied, expired or merely requested Run never gets access.
        if matches!(was, RunStatus::Denied | RunStatus::Expired) {
            assert_eq!(state.access, Access::None);
        }
    }
}

/// P6: once a Run is at rest, each event that was taken, or that followed from one, has come to exactly one end.
fn check_record(audit: &[AuditEntry], accepted: &[EventId]) {
    let mut ends: BTreeMap<EventId, (u32, bool)> = BTreeMap::new();
    for entry in audit {
        let (ended, went_elsewhere) = ends.entry(entry.event.id).or_default();
        match &entry.kind {
            AuditKind::Completed | AuditKind::Ignored { .. } | AuditKind::Failed { .. } | AuditKind::Refused { .. } => {
                *ended += 1;
            }
            // A vote that waits for others, or an event that a hook replaced by another one.
            AuditKind::Counted { .. } | AuditKind::HandlerCalled { result: HandlerResult::Fired { .. }, .. } => {
                *went_elsewhere = true;
            }
            _ => {}
        }
    }
    for event in accepted {
        assert!(ends.contains_key(event), "event {event} was taken and left no trace");
    }
    for (event, (ended, went_elsewhere)) in &ends {
        assert!(*ended == 1 || (*ended == 0 && *went_elsewhere), "event {event} ended {ended} times");
    }
    for summary in EventSummary::of(audit) {
        assert_ne!(summary.status, EventStatus::Processing, "{summary:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_promises_hold(
        setup in worlds(),
        history in proptest::collection::vec(moves(), 1..60),
    ) {
        let mut world = make_world(setup);
        for next in &history {
            let before = world.state.clone();
            play(&mut world, next);
            check(&world, before.as_ref());
        }
        // Left alone, with all going well from now on, every Run comes to rest without access, or waits for a person.
        for _ in 0..400 {
            if let Some(seq) = world.effects.keys().next().copied() {
                world.succeed(seq);
            } else if let Some(kind) = world.timers.keys().next().copied() {
                world.fire(kind);
            } else {
                break;
            }
            check(&world, None);
        }
        prop_assert!(world.effects.is_empty() && world.timers.is_empty(), "the Run does not come to rest");
        if let Some(state) = &world.state {
            prop_assert!(state.cycle.is_none() && state.queue.is_empty());
            if state.may_hold_access() {
                prop_assert!(!world.flow.params().schedule_deescalation, "access without an end");
                world.act(&user("ada", UserRole::Admin), Action::Revoke);
                world.settle();
            }
            prop_assert!(!world.granted, "access was left behind");
        }
        check_record(&world.audit, &world.accepted);
    }
}
