//! A Run with a fake engine around it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::audit::{AuditEntry, AuditKind};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{Notification, PermissionLevel, RequestPermission, SlackChannelName};
use uuid::Uuid;

pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// A Run with a fake engine: pending effects, timers, and the entitlements held.
pub(super) struct World {
    pub(super) flow: Arc<Flow>,
    pub(super) hooks: Hooks,
    pub(super) permission: RequestPermission,
    pub(super) notifications: Vec<Notification>,
    pub(super) now: Timestamp,
    /// The settle time of the strategy.
    pub(super) settle_time: Duration,
    pub(super) state: Option<RunState>,
    pub(super) effects: BTreeMap<u64, Effect>,
    /// Effects that were requested and cancelled. The engine may execute them all the same.
    pub(super) cancelled: BTreeMap<u64, Effect>,
    pub(super) timers: BTreeMap<TimerKind, (Timestamp, u64)>,
    pub(super) holds: BTreeSet<EntitlementKey>,
    pub(super) audit: Vec<AuditEntry>,
    pub(super) events: u128,
    /// Whether the target may have the access, according to the outcomes.
    pub(super) granted: bool,
    /// The number of grants that were requested.
    pub(super) grants_asked: u32,
    /// The events that were accepted.
    pub(super) accepted: Vec<EventId>,
    /// Whether the requester has the access before the grant.
    pub(super) has_standing_access: bool,
    /// The lesser access that the requester has before the grant.
    pub(super) prior: Option<PriorState>,
    /// Whether the target ends access by itself.
    pub(super) enforces_end: bool,
}

pub(super) fn user(name: &str, role: UserRole) -> Arc<User> {
    let id = UserId::from_uuid(Uuid::new_v5(&Uuid::nil(), name.as_bytes()));
    Arc::new(User::person(id, &format!("{name}@example.com")).unwrap().with_role(role))
}

pub(super) fn people() -> Vec<Arc<User>> {
    vec![
        user("ana", UserRole::Member),
        user("ben", UserRole::Member),
        user("cho", UserRole::Member),
        user("ada", UserRole::Admin),
        user("gus", UserRole::Guest),
    ]
}

pub(super) fn everybody() -> [Arc<User>; 5] {
    people().try_into().unwrap()
}

pub(super) fn flow(access: bool, params: FlowParams) -> Arc<Flow> {
    let name: Slug = "prod".parse().unwrap();
    let mut flow = Flow::builder(name.clone(), "acme").params(params);
    if access {
        let target = AccessTarget::new("acme", "okta_group", "admins".parse().unwrap()).with_setting("group_id", "g1");
        flow = flow.strategy(sym_sdk::model::Strategy::new(name, "okta").with_target(target));
    }
    Arc::new(flow.build())
}

impl World {
    pub(super) fn new(flow: Arc<Flow>, hooks: Hooks, permission: RequestPermission) -> Self {
        Self {
            flow,
            hooks,
            permission,
            notifications: vec![Notification::to(SlackChannelName::new("#requests").unwrap())],
            now: "2024-02-29T12:00:00Z".parse().unwrap(),
            settle_time: MIN_SETTLE_TIME,
            state: None,
            effects: BTreeMap::new(),
            cancelled: BTreeMap::new(),
            timers: BTreeMap::new(),
            holds: BTreeSet::new(),
            audit: Vec::new(),
            events: 0,
            granted: false,
            grants_asked: 0,
            accepted: Vec::new(),
            has_standing_access: false,
            prior: None,
            enforces_end: false,
        }
    }

    pub(super) fn access() -> Self {
        let permission = RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin);
        Self::new(flow(true, FlowParams::default()), Hooks::NONE, permission)
    }

    pub(super) fn input(&mut self, body: InputBody) -> InputReply {
        self.input_with(body, |input| input)
    }

    /// Delivers an input with further facts about it.
    pub(super) fn input_with(&mut self, body: InputBody, facts: impl FnOnce(Input) -> Input) -> InputReply {
        let run = RunId::from_uuid(Uuid::from_u128(7));
        let input = facts(Input::new(run, self.flow.srn().clone(), self.now, body));
        let rules = Rules { flow: &self.flow, hooks: self.hooks };
        let before = self.state.clone();
        let transition = step(&rules, self.state.as_ref(), &input);
        assert_eq!(transition, step(&rules, before.as_ref(), &input), "a step is a function of its arguments");
        if let Some(state) = transition.state {
            // The stored form is read back unchanged.
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(serde_json::from_str::<RunState>(&json).unwrap(), state);
            self.state = Some(state);
        }
        for effect in transition.effects {
            if let EffectKind::Grant { .. } = effect.kind {
                self.grants_asked += 1;
                let state = self.state.as_ref().expect("a Run that asks for a grant");
                match &state.access {
                    Access::Held(_) => assert_eq!(state.run.status(), RunStatus::Escalated, "granted again"),
                    _ => assert_eq!(state.run.status(), RunStatus::Approved, "only what is approved is granted"),
                }
            }
            assert!(self.effects.insert(effect.key.seq, effect).is_none(), "effect numbers are unique");
        }
        if let Some(state) = &self.state {
            self.cancelled.extend(self.effects.extract_if(.., |seq, _| !state.pending.contains_key(seq)));
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
                EntitlementChange::Hold(key) => assert!(self.holds.insert(key)),
                EntitlementChange::Release(key) => assert!(self.holds.remove(&key)),
                _ => unreachable!(),
            }
        }
        self.audit.extend(transition.audit);
        transition.reply
    }

    pub(super) fn act(&mut self, who: &Arc<User>, action: Action) -> InputReply {
        self.act_through(who, ChannelType::Slack, action)
    }

    pub(super) fn act_through(&mut self, who: &Arc<User>, channel: ChannelType, action: Action) -> InputReply {
        self.act_in(who, Channel::new(channel), action)
    }

    fn act_in(&mut self, who: &Arc<User>, channel: Channel, action: Action) -> InputReply {
        self.events += 1;
        let event = EventId::from_uuid(Uuid::from_u128(self.events));
        let reply = self.input(InputBody::Submitted { event, actor: who.clone(), channel, action });
        if let InputReply::Accepted { event: accepted } = &reply {
            assert_eq!(*accepted, Some(event));
            self.accepted.push(event);
        }
        reply
    }

    pub(super) fn request(&mut self, who: &Arc<User>) -> InputReply {
        self.request_through(who, Channel::new(ChannelType::Slack))
    }

    pub(super) fn request_through(&mut self, who: &Arc<User>, channel: Channel) -> InputReply {
        let mut request = RequestInput::default();
        if let Some(strategy) = self.flow.strategy() {
            request.target = Some(strategy.targets()[0].clone());
            request.duration = self.flow.params().schedule_deescalation.then_some(HOUR);
        }
        self.act_in(who, channel, Action::Request(Box::new(request)))
    }

    /// Makes a request and executes all effects, so that it is open.
    pub(super) fn open(&mut self, who: &Arc<User>) {
        self.request(who);
        self.settle();
    }

    /// Makes a request, approves it and executes all effects.
    pub(super) fn escalate(&mut self, requester: &Arc<User>, approver: &Arc<User>) {
        self.open(requester);
        self.approve(approver);
        self.settle();
    }

    pub(super) fn approve(&mut self, who: &Arc<User>) -> InputReply {
        self.act(who, Action::approve())
    }

    /// Asks for an extension, and executes all effects, so that it is open.
    pub(super) fn extend(&mut self, who: &Arc<User>, duration: Duration) -> InputReply {
        let reply = self.act(who, Action::Extend(ExtensionInput::new(duration)));
        self.settle();
        reply
    }

    /// Returns the extension that is in progress, or the last one.
    pub(super) fn extension(&self) -> &Extension {
        self.state().extension.as_ref().expect("there is an extension")
    }

    pub(super) fn approve_extension(&mut self, who: &Arc<User>) -> InputReply {
        let extension = Some(self.extension().id);
        self.act(who, Action::Approve { decision_message: None, duration: None, extension, seen: None })
    }

    pub(super) fn deny_extension(&mut self, who: &Arc<User>) -> InputReply {
        let extension = Some(self.extension().id);
        self.act(who, Action::Deny { decision_message: None, extension, seen: None })
    }

    /// Returns the end of the access, by the state and by the timer, which must be the same.
    pub(super) fn end(&self) -> Timestamp {
        let until = self.state().access_until().expect("access with an end");
        assert_eq!(self.timers[&TimerKind::Expire].0, until);
        until
    }

    pub(super) fn revoke(&mut self, who: &Arc<User>) -> InputReply {
        self.act(who, Action::Revoke)
    }

    pub(super) fn write_off(&mut self, who: &Arc<User>, reason: &str) -> InputReply {
        self.act(who, Action::WriteOff { reason: reason.into() })
    }

    /// Removes access that no Run accounts for.
    pub(super) fn remove(&mut self, who: &Arc<User>) -> InputReply {
        let target = self.flow.strategy().expect("a flow that gives access").targets()[0].clone();
        self.act(who, Action::Remove(Box::new(Removal::new(target, "u9", "g1"))))
    }

    pub(super) fn deny(&mut self, who: &Arc<User>) -> InputReply {
        self.act(who, Action::deny())
    }

    /// Executes an effect successfully.
    pub(super) fn succeed(&mut self, seq: u64) {
        let outcome = match &self.effects[&seq].kind {
            EffectKind::Hook { hook, .. } => verdict(*hook, HookResult::Continue),
            EffectKind::Route => Outcome::Routed {
                handlers: vec![],
                routing: Routing::new(self.permission.clone(), self.notifications.clone()),
            },
            EffectKind::Deliver { .. } => Outcome::Delivered(vec![DeliveryResult::Delivered {
                destination: "#requests".into(),
                message: MessageRef::new("test", seq.to_string()),
            }]),
            EffectKind::Remind { .. } => Outcome::Delivered(vec![DeliveryResult::Delivered {
                destination: "#requests".into(),
                message: MessageRef::new("test", "1"),
            }]),
            EffectKind::Identify { .. } => Outcome::Identified {
                identity: "u1".into(),
                resource: "g1".into(),
                handler: None,
                settle_time: self.settle_time,
                has_standing_access: self.has_standing_access,
                prior: self.prior.clone(),
                level: None,
                enforces_end: self.enforces_end,
            },
            EffectKind::Grant { .. } => Outcome::Granted { output: None },
            EffectKind::Revoke { .. } => Outcome::Revoked(Revocation::default()),
            _ => Outcome::Done,
        };
        self.finish(seq, outcome);
    }

    pub(super) fn fail(&mut self, seq: u64, retryable: bool) {
        let mut error = EffectError::new(ErrorKind::Handler, codes::HANDLER_FAILED, "it broke");
        error.retryable = retryable;
        self.finish(seq, Outcome::Failed(error));
    }

    /// Fails the attempts at a grant that are left.
    pub(super) fn fail_grants(&mut self) {
        while let Some(seq) = self.find(is_grant) {
            let error = EffectError::new(ErrorKind::Forbidden, codes::HANDLER_FAILED, "it is refused");
            self.finish(seq, Outcome::Failed(error));
        }
    }

    pub(super) fn finish(&mut self, seq: u64, outcome: Outcome) {
        let effect = self.effects.remove(&seq).expect("the effect is pending");
        if let Some(at) = effect.not_before {
            self.now = self.now.max(at);
        }
        match (&effect.kind, &outcome) {
            // A failed grant may have had its effect.
            (EffectKind::Grant { .. }, _) => self.granted = true,
            (EffectKind::Revoke { .. }, Outcome::Revoked(_)) => self.granted = false,
            _ => {}
        }
        self.input(InputBody::EffectDone { seq, outcome: outcome.clone() });
        // A repeated outcome, as after a crash, changes nothing.
        let again = self.state.clone();
        assert_eq!(self.input(InputBody::EffectDone { seq, outcome }), InputReply::Stale);
        assert_eq!(self.state, again);
    }

    /// Delivers the outcome of a cancelled effect.
    pub(super) fn finish_cancelled(&mut self, seq: u64, outcome: Outcome) {
        self.cancelled.remove(&seq).expect("the effect was cancelled");
        let before = self.state.clone();
        assert_eq!(self.input(InputBody::EffectDone { seq, outcome }), InputReply::Stale);
        assert_eq!(self.state, before);
    }

    /// Loses what ends the access from the store, and rearms the Run.
    pub(super) fn lose_expiry(&mut self) -> InputReply {
        let end = self.state().pending_expiry().expect("access has an expiry");
        if let Some(seq) = end.effect {
            self.effects.remove(&seq);
        }
        if end.timer.is_some() {
            self.timers.remove(&TimerKind::Expire);
        }
        self.input(InputBody::Rearm)
    }

    /// Executes all effects in order, until none is left.
    pub(super) fn settle(&mut self) {
        while let Some(seq) = self.effects.keys().next().copied() {
            self.succeed(seq);
        }
    }

    pub(super) fn fire(&mut self, kind: TimerKind) -> InputReply {
        let (at, generation) = self.timers.remove(&kind).expect("the timer is set");
        self.now = self.now.max(at);
        self.input(InputBody::TimerFired { kind, generation })
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.now += by;
        while let Some((kind, _)) =
            self.timers.iter().map(|(kind, (at, _))| (*kind, *at)).find(|(_, at)| *at <= self.now)
        {
            self.fire(kind);
        }
    }

    pub(super) fn find(&self, wanted: impl Fn(&EffectKind) -> bool) -> Option<u64> {
        self.effects.iter().find(|(_, effect)| wanted(&effect.kind)).map(|(seq, _)| *seq)
    }

    /// Executes effects in order until one is `wanted`, and returns that.
    pub(super) fn settle_until(&mut self, wanted: impl Fn(&EffectKind) -> bool) -> u64 {
        loop {
            if let Some(seq) = self.find(&wanted) {
                return seq;
            }
            let seq = *self.effects.keys().next().expect("the effect is requested");
            self.succeed(seq);
        }
    }

    /// Returns the messages that were sent: to whom, and the text.
    pub(super) fn messages(&self) -> Vec<(String, String)> {
        let messages = self.audit.iter().filter_map(|entry| match &entry.kind {
            AuditKind::Messaged { to, text } => Some((to.clone(), text.clone())),
            _ => None,
        });
        messages.collect()
    }

    pub(super) fn state(&self) -> &RunState {
        self.state.as_ref().expect("the Run exists")
    }

    pub(super) fn status(&self) -> RunStatus {
        self.state().run.status()
    }

    pub(super) fn refusal(&self, reply: &InputReply) -> String {
        match reply {
            InputReply::Refused { error, .. } => error.to_string(),
            other => format!("not refused: {other:?}"),
        }
    }
}

pub(super) fn verdict(hook: Hook, verdict: HookResult) -> Outcome {
    let name: &'static str = if matches!(hook, Hook::On(_)) { "on_hook" } else { "after_hook" };
    Outcome::Hook { handler: HandlerRef::new(name, "tests", "tests.rs", 1), result: verdict }
}

pub(super) fn is_hook(wanted: Hook) -> impl Fn(&EffectKind) -> bool {
    move |kind| matches!(kind, EffectKind::Hook { hook, .. } if *hook == wanted)
}

pub(super) fn is_grant(kind: &EffectKind) -> bool {
    matches!(kind, EffectKind::Grant { .. })
}

pub(super) fn is_revoke(kind: &EffectKind) -> bool {
    matches!(kind, EffectKind::Revoke { .. })
}
