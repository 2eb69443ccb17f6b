//! Properties of the machine under random histories.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::Strategy;
use sym_sdk::audit::{AuditEntry, AuditKind, EventStatus, EventSummary, HandlerResult};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{Notification, PermissionLevel, RequestPermission, SlackChannelName, Step};
use sym_sdk::template::ApprovalTemplate;

use super::harness::*;

/// One random move of a history.
#[derive(Clone, Debug)]
enum Move {
    Act { who: usize, what: u8, channel: u8 },
    Finish { which: usize, how: u8 },
    Timer { which: usize },
    StaleTimer { generation: u64 },
    Wait { seconds: u64 },
    Late { which: usize },
    Loss,
}

fn moves() -> impl Strategy<Value = Move> + Clone {
    prop_oneof![
        3 => (0..5usize, 0..13u8, 0..3u8).prop_map(|(who, what, channel)| Move::Act { who, what, channel }),
        6 => (0..8usize, 0..12u8).prop_map(|(which, how)| Move::Finish { which, how }),
        1 => (0..2usize).prop_map(|which| Move::Timer { which }),
        1 => (0..4u64).prop_map(|generation| Move::StaleTimer { generation }),
        1 => (1..4000u64).prop_map(|seconds| Move::Wait { seconds }),
        1 => (0..3usize).prop_map(|which| Move::Late { which }),
        1 => Just(Move::Loss),
    ]
}

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
    let permission = RequestPermission::decided_by(level)
        .seen_by(PermissionLevel::Admin)
        .approvals(approvals)
        .allow_self_approval(allow_self);
    let mut world = World::new(flow(access, params), hooks, permission);
    world.enforces_end = guests != allow_self;
    let timeout = Duration::from_secs(300);
    world.notifications = ["#one", "#two"]
        .map(|name| Notification::to(SlackChannelName::new(name).unwrap()).timeout(timeout))
        .map(|notification| if guests { notification.remind(timeout / 3, 2) } else { notification })
        .into();
    world
}

/// Half of all histories begin in a state that takes many moves to reach: access, or a revocation that fails.
fn begin(world: &mut World, start: u8) {
    let [ana, ben, _, ada, _] = everybody();
    if start < 2 || world.flow.strategy().is_none() {
        return;
    }
    world.open(&ana);
    for approver in [&ada, &ben] {
        world.approve(approver);
        world.settle();
    }
    if start == 3 {
        world.revoke(&ada);
        while let Some(seq) = world.effects.keys().next().copied() {
            if is_revoke(&world.effects[&seq].kind) {
                return world.fail(seq, true);
            }
            world.succeed(seq);
        }
    }
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
                    request.duration =
                        world.flow.strategy().filter(|_| world.flow.params().schedule_deescalation).map(|_| HOUR);
                    Action::Request(Box::new(request))
                }
                3 => Action::approve(),
                4 => Action::Deny { decision_message: Some("no".into()), extension: None, seen: None },
                5 => Action::Revoke,
                6 => Action::WriteOff { reason: "removed by hand".into() },
                7 => Action::Regrant,
                8 | 9 => Action::Extend(ExtensionInput::new(if *what == 8 { HOUR } else { HOUR / 6 })),
                10 => Action::Approve {
                    decision_message: None,
                    duration: None,
                    extension: Some(extension_id(world)),
                    seen: None,
                },
                12 => Action::Remind,
                11 => Action::Deny { decision_message: None, extension: Some(extension_id(world)), seen: None },
                _ => match world.flow.strategy() {
                    Some(strategy) => Action::Remove(Box::new(Removal::new(strategy.targets()[0].clone(), "u9", "g1"))),
                    None => Action::Revoke,
                },
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
                    world.finish(seq, verdict(hook, HookResult::Fire(next.into())));
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
                assert_eq!(reply, InputReply::Stale);
                assert_eq!(world.state, before);
            }
        }
        Move::Wait { seconds } => world.now += Duration::from_secs(*seconds),
        Move::Late { which } => {
            let Some(seq) = world.cancelled.keys().nth(which % world.cancelled.len().max(1)).copied() else { return };
            world.finish_cancelled(seq, Outcome::Revoked(Revocation::default()));
        }
        Move::Loss => match &world.state {
            Some(state) if state.may_hold_access() => {
                world.lose_expiry();
            }
            Some(_) => assert_eq!(world.input(InputBody::Rearm), InputReply::Stale),
            None => {}
        },
    }
}

/// Returns the id of the extension that is in progress, or that was last.
fn extension_id(world: &World) -> EventId {
    let extension = world.state.as_ref().and_then(|state| state.extension.as_ref());
    extension.map_or(EventId::from_uuid(uuid::Uuid::nil()), |extension| extension.id)
}

/// Checks that extensions keep within their bounds, and hold up nothing.
fn check_extensions(world: &World, state: &RunState) {
    let longest = world.flow.params().durations.iter().max().copied().unwrap_or(Duration::MAX);
    let mut decided = BTreeSet::new();
    for entry in &world.audit {
        match &entry.kind {
            AuditKind::Extended { from, until, .. } => {
                assert!(until >= from, "an extension shortened the access");
                assert!(*until <= entry.at + longest, "access was extended beyond the longest duration");
            }
            AuditKind::Completed if matches!(entry.event.name, Step::Approve | Step::Deny) => {
                if let Some(extension) = entry.event.extension {
                    assert!(decided.insert(extension.id), "an extension was decided twice");
                }
            }
            _ => {}
        }
    }
    if let Access::Held(grant) = &state.access
        && let Some((at, _)) = world.timers.get(&TimerKind::Expire)
    {
        assert!(state.deferrals > 0 || Some(*at) == grant.until, "the timer is not that of the end");
    }
    let Some(extension) = &state.extension else { return };
    let active = state.active_event.as_ref().filter(|active| active.event.extension.is_some());
    match extension.status {
        ExtensionStatus::Open => {}
        ExtensionStatus::Pending => assert!(active.is_some(), "an extension waits for nothing"),
        ExtensionStatus::Approved => assert_eq!(active.map(|active| active.stage), Some(Stage::Extend)),
        _ => assert!(active.is_none(), "a settled extension has an active event"),
    }
    if matches!(extension.status, ExtensionStatus::Open | ExtensionStatus::Pending | ExtensionStatus::Approved) {
        assert!(matches!(state.access, Access::Held(_)), "an extension outlasts the access");
        assert!(
            !state.queue.contains(&QueuedInput::Timer(TimerKind::Expire)) || active.is_none(),
            "it holds up the end"
        );
    }
    if let (ExtensionStatus::Granted, Some(decision)) = (extension.status, &extension.decision)
        && !decision.decided_by_hook
    {
        assert!(extension.approvals.len() >= usize::from(world.permission.required_approvals()), "too few approvals");
        for approver in &extension.approvals {
            let admitted = world.permission.approve_deny().admits(approver);
            let oneself = state.run.requester() != Some(approver) || world.permission.self_approval_allowed();
            assert!(admitted && oneself, "{} must not approve", approver.username());
        }
    }
    assert!(extension.delivered.len() <= world.notifications.len());
    if extension.is_open() {
        assert!(world.timers.contains_key(&TimerKind::Lifetime) || state.is_busy(), "an extension without an end");
    }
}

/// Checks the invariants of every state.
fn check(world: &World, before: Option<&RunState>) {
    let Some(state) = &world.state else {
        assert!(world.effects.is_empty() && world.timers.is_empty() && world.holds.is_empty());
        return;
    };
    let status = state.run.status();

    // Access that no request gave is only ever revoked.
    let removal = world.grants_asked == 0 && matches!(state.access, Access::Revoking { .. });
    // P2: no grant without an approval, and none without an expiry set beforehand.
    if state.may_hold_access() && !removal {
        let decision = state.decision.as_ref().expect("access without a decision");
        assert_eq!(decision.name, Step::Approve);
        if !decision.decided_by_hook {
            let approvers: BTreeSet<_> = state.run.approvals().iter().map(|user| user.id()).collect();
            assert!(approvers.len() >= usize::from(world.permission.required_approvals()), "too few approvals");
            for approver in state.run.approvals() {
                let admitted = world.permission.approve_deny().admits(approver);
                let as_guest = approver.role() != UserRole::Guest || world.flow.params().allow_guest_interaction;
                let oneself = state.run.requester() != Some(approver) || world.permission.self_approval_allowed();
                assert!(admitted && as_guest && oneself, "{} must not approve", approver.username());
            }
        }
    }
    if let Access::Granting(_) | Access::Held(_) = &state.access {
        let ends = world.timers.contains_key(&TimerKind::Expire)
            || state.queue.iter().any(|queued| matches!(queued, QueuedInput::Timer(TimerKind::Expire)))
            || state.active_event.as_ref().is_some_and(|active| active.event.name == Step::Deescalate);
        let open_ended = !world.flow.params().schedule_deescalation && world.flow.params().allow_revoke;
        assert!(ends || open_ended, "access without an expiry: {state:#?}");
        assert_eq!(world.holds.len(), 1);
    }
    // P3: a revocation is requested, one at a time, until it is confirmed or written off.
    let revocations = world.effects.values().filter(|effect| is_revoke(&effect.kind)).count();
    let revoking = matches!(state.access, Access::Revoking { .. });
    assert_eq!(revocations, usize::from(revoking), "a revocation was lost, or requested twice");
    let written_off = matches!(state.access, Access::WrittenOff(_));
    if world.granted {
        assert!(state.may_hold_access() || written_off, "access was granted, and the Run does not account for it");
    }
    if written_off {
        let by_admin = world.audit.iter().any(|entry| {
            matches!(entry.kind, AuditKind::WrittenOff { .. }) && entry.event.actor.role() == UserRole::Admin
        });
        assert!(by_admin, "only an admin may write off");
        assert_eq!(status, RunStatus::Errored);
    }
    // Whatever ends the access is known and was requested.
    let end = state.pending_expiry().expect("access without an expiry");
    assert!(end.effect.is_none_or(|seq| world.effects.contains_key(&seq)), "the expiry waits for an unknown effect");
    let timer = world.timers.get(&TimerKind::Expire).map(|(_, generation)| *generation);
    assert!(end.timer.is_none_or(|end| timer == Some(end.generation)), "the expiry timer is not the one that was set");
    let is_held = matches!(state.access, Access::Held(_));
    assert!(is_held || !world.timers.contains_key(&TimerKind::Warn), "a warning of access that has ended");
    let is_open = state.is_open() || state.open_extension().is_some();
    assert!(is_open || !world.timers.contains_key(&TimerKind::Remind), "a reminder of what was decided");
    if !state.may_hold_access() {
        assert!(world.holds.is_empty());
        assert!(!world.timers.contains_key(&TimerKind::Expire));
    }
    check_extensions(world, state);
    assert!(
        state.is_open() || state.open_extension().is_some() || !world.timers.contains_key(&TimerKind::Forward),
        "a decided request must not be forwarded"
    );
    // P4: one decision.
    let decisions = world.audit.iter().filter(|entry| {
        matches!(entry.kind, AuditKind::Completed) && matches!(entry.status, RunStatus::Approved | RunStatus::Denied)
    });
    assert!(decisions.count() <= 1, "decided twice");
    // Repeated inputs do not grow the state.
    assert!(state.queue.len() <= 64 + 3, "{} inputs are queued", state.queue.len());
    assert!(state.delivered.len() <= world.notifications.len());
    let approvers: BTreeSet<_> = state.run.approvals().iter().map(|user| user.id()).collect();
    assert_eq!(approvers.len(), state.run.approvals().len(), "a person voted twice");
    // The active event waits for an effect in flight.
    if let Some(active) = &state.active_event {
        assert!(world.effects.contains_key(&active.seq), "an event waits for an unknown effect");
    }
    let known: BTreeSet<_> = world.effects.keys().copied().collect();
    let pending: BTreeSet<_> = state.pending.keys().copied().collect();
    assert_eq!(known, pending, "the pending effects are those that were requested");
    let live: BTreeMap<_, _> = state.timers.iter().map(|(kind, timer)| (*kind, (timer.at, timer.generation))).collect();
    assert_eq!(live, world.timers, "the timers of the state are those that were set");

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

/// An action is offered if and only if it would be accepted.
fn check_allowed_actions(world: &World) {
    // While an event is active, actions are queued before they are checked.
    let Some(state) = world.state.as_ref().filter(|state| !state.is_busy()) else { return };
    let actions = [
        Action::approve(),
        Action::deny(),
        Action::Revoke,
        Action::WriteOff { reason: "removed by hand".into() },
        Action::Regrant,
        Action::Remind,
        Action::Extend(ExtensionInput::new(HOUR)),
        Action::Approve { decision_message: None, duration: None, extension: Some(extension_id(world)), seen: None },
        Action::Deny { decision_message: None, extension: Some(extension_id(world)), seen: None },
    ];
    for actor in people() {
        let allowed = allowed_actions(&world.flow, state, &actor, world.now);
        for action in &actions {
            let body = InputBody::Submitted {
                event: EventId::from_uuid(uuid::Uuid::nil()),
                actor: actor.clone(),
                channel: Channel::new(ChannelType::Slack),
                action: action.clone(),
            };
            let input = Input::new(state.run.id(), state.flow.clone(), world.now, body);
            let reply = step(&Rules { flow: &world.flow, hooks: world.hooks }, Some(state), &input).reply;
            let accepted = matches!(reply, InputReply::Accepted { .. });
            assert_eq!(allowed.contains(&action.kind()), accepted, "{action:?} of {}: {reply:?}", actor.username());
        }
    }
}

/// Abilities are the answers of a step, also while an event is active.
fn check_abilities(world: &World, who: usize, channel: ChannelType) {
    let Some(state) = world.state.as_ref() else { return };
    let people = people();
    let actor = &people[who % people.len()];
    let rules = Rules { flow: &world.flow, hooks: world.hooks };
    let abilities = abilities(&rules, state, actor, channel, world.now);
    let message = Some("no".to_owned());
    let (approve, deny) = match state.open_extension() {
        Some(extension) => (
            Action::approve_extension(extension.id),
            Action::Deny { decision_message: message, extension: Some(extension.id), seen: RequestDigest::of(state) },
        ),
        None => (Action::approve(), Action::Deny { decision_message: message, extension: None, seen: None }),
    };
    let verdicts = [
        (approve, &abilities.approve),
        (deny, &abilities.deny),
        (Action::Extend(ExtensionInput::new(HOUR)), &abilities.extend),
        (Action::Remind, &abilities.remind),
        (Action::Revoke, &abilities.revoke),
        (Action::WriteOff { reason: "removed by hand".into() }, &abilities.write_off),
        (Action::Regrant, &abilities.regrant),
    ];
    for (action, verdict) in verdicts {
        let body = InputBody::Submitted {
            event: EventId::from_uuid(uuid::Uuid::nil()),
            actor: actor.clone(),
            channel: Channel::new(channel),
            action: action.clone(),
        };
        let input = Input::new(state.run.id(), state.flow.clone(), world.now, body);
        let answer = match step(&rules, Some(state), &input).reply {
            InputReply::Refused { error, .. } => Err(error),
            _ => Ok(()),
        };
        assert_eq!(verdict, &answer, "{action:?} of {} through {channel}", actor.username());
    }
}

/// Visible changes are on the record: otherwise nobody who waits for changes would hear of them.
fn check_change_is_recorded(before: Option<&RunState>, after: &RunState, recorded: usize) {
    let visible = |state: &RunState| {
        let extension = state.extension.as_ref();
        let grant = state.access.grant().map(|grant| (grant.identity.clone(), grant.until));
        (
            (std::mem::discriminant(&state.access), grant),
            (state.run.status(), state.request.clone(), state.routing.clone()),
            (state.run.approvals().to_vec(), state.decision.clone(), state.error.clone(), state.closed),
            (state.current_notification, state.delivered.len(), state.is_stuck(), state.ended_at),
            extension.map(|extension| (extension.id, extension.status, extension.approvals.clone(), extension.until)),
        )
    };
    if before.map(visible) != Some(visible(after)) {
        assert!(recorded > 0, "a change is not on the record: {before:#?} {after:#?}");
    }
}

/// P6: once a Run is finished, each event that was accepted, or that followed from one, is settled exactly once.
fn check_record(audit: &[AuditEntry], accepted: &[EventId]) {
    let mut ends: BTreeMap<EventId, (u32, bool)> = BTreeMap::new();
    for entry in audit {
        let (ended, was_replaced) = ends.entry(entry.event.id).or_default();
        match &entry.kind {
            AuditKind::Completed
            | AuditKind::Ignored { .. }
            | AuditKind::Failed { .. }
            | AuditKind::Refused { .. }
            | AuditKind::WrittenOff { .. }
            | AuditKind::Regranted { .. }
            | AuditKind::RegrantFailed { .. } => *ended += 1,
            // A vote that needs others, an event that a hook replaced, or a retry that another event settles.
            AuditKind::Counted { .. }
            | AuditKind::RevokeRetried { .. }
            | AuditKind::ReminderBegun { .. }
            | AuditKind::HandlerCalled { result: HandlerResult::Fired { .. }, .. } => {
                *was_replaced = true;
            }
            _ => {}
        }
    }
    for event in accepted {
        assert!(ends.contains_key(event), "event {event} was accepted and is not in the audit log");
    }
    for (event, (ended, was_replaced)) in &ends {
        assert!(*ended == 1 || (*ended == 0 && *was_replaced), "event {event} was settled {ended} times");
    }
    for summary in EventSummary::of(audit) {
        assert_ne!(summary.status, EventStatus::Processing, "{summary:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_for_random_histories(
        setup in worlds(),
        start in 0..4u8,
        history in proptest::collection::vec(moves(), 1..60),
    ) {
        let mut world = make_world(setup);
        begin(&mut world, start);
        for next in &history {
            let before = world.state.clone();
            play(&mut world, next);
            check(&world, before.as_ref());
        }
        check_allowed_actions(&world);
        // Without further failures, every Run ends without access, or waits for a person.
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
        prop_assert!(world.effects.is_empty() && world.timers.is_empty(), "the Run does not finish");
        if let Some(state) = &world.state {
            prop_assert!(state.active_event.is_none() && state.queue.is_empty());
            if state.may_hold_access() {
                prop_assert!(!world.flow.params().schedule_deescalation, "access without an end");
                world.act(&user("ada", UserRole::Admin), Action::Revoke);
                world.settle();
            }
            let written_off = matches!(world.state().access, Access::WrittenOff(_));
            prop_assert!(!world.granted || written_off, "access was left over");
        }
        check_record(&world.audit, &world.accepted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn abilities_are_what_a_step_accepts(
        setup in worlds(),
        start in 0..4u8,
        history in proptest::collection::vec((moves(), 0..5usize, 0..3usize), 1..40),
    ) {
        let mut world = make_world(setup);
        begin(&mut world, start);
        for (next, who, channel) in &history {
            let (before, recorded) = (world.state.clone(), world.audit.len());
            play(&mut world, next);
            if let Some(state) = &world.state {
                check_change_is_recorded(before.as_ref(), state, world.audit.len() - recorded);
            }
            check_abilities(&world, *who, [ChannelType::Slack, ChannelType::Api, ChannelType::Cli][*channel]);
        }
    }
}
