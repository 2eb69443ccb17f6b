//! The diagram of the guide, compared with the machine.
//!
//! The test explores a request and its access with the real [`step`]: everybody clicks on everything, every effect succeeds and fails,
//! and every timer fires. What it finds is listed in `docs/machine.md` and drawn in `docs/machine.svg`, whose arrows say in their
//! titles what they mean.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use jiff::Timestamp;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{Notification, PermissionLevel, RequestPermission, SlackChannelName};
use uuid::Uuid;

use super::harness::{HOUR, everybody, flow};

type Arrow = (&'static str, &'static str, &'static str);

/// Names a state as in the diagram.
fn place(run: Option<&RunState>) -> &'static str {
    let Some(run) = run else { return "start" };
    match (&run.access, run.run.status()) {
        (Access::Revoking { .. }, RunStatus::Errored) => "failed, being revoked",
        (Access::Revoking { .. }, _) => "being revoked",
        (Access::WrittenOff(_), _) => "written off",
        (Access::Granting(_), _) => "being granted",
        (_, status) => status.as_str(),
    }
}

/// An event in the life of a Run: an input, its time, and its name in the diagram.
struct Move {
    body: InputBody,
    at: Timestamp,
    name: &'static str,
}

fn error(is_retryable: bool) -> EffectError {
    let kind = if is_retryable { ErrorKind::Unavailable } else { ErrorKind::Forbidden };
    let mut error = EffectError::new(kind, codes::HTTP_ERROR_RESPONSE, "the service failed");
    error.retryable = is_retryable;
    error
}

fn routing() -> Outcome {
    let notifications =
        ["#first", "#second"].map(|name| Notification::to(SlackChannelName::new(name).unwrap()).timeout(HOUR));
    let permission = RequestPermission::decided_by(PermissionLevel::Member);
    Outcome::Routed { handlers: vec![], routing: Routing::new(permission, notifications.to_vec()) }
}

/// The outcomes of an effect, with their names in the diagram.
fn outcomes(kind: &EffectKind) -> Vec<(Outcome, &'static str)> {
    match kind {
        EffectKind::Route => vec![(routing(), "routed"), (Outcome::Failed(error(false)), "a handler fails")],
        EffectKind::OpenForm => {
            vec![(Outcome::Done, "the form is shown"), (Outcome::Failed(error(false)), "a handler fails")]
        }
        EffectKind::Identify { .. } => vec![
            (
                Outcome::Identified {
                    identity: "ana".into(),
                    resource: "admins".into(),
                    handler: None,
                    settle_time: MIN_SETTLE_TIME,
                    has_standing_access: false,
                    prior: None,
                    level: None,
                    enforces_end: false,
                },
                "the account is known",
            ),
            (Outcome::NoLongerValid(error(false)), "not valid any more"),
            (Outcome::Failed(error(false)), "the account is unknown"),
        ],
        EffectKind::Grant { .. } => vec![
            (Outcome::Granted { output: None }, "granted"),
            (Outcome::NoLongerValid(error(false)), "not valid any more"),
            (Outcome::Failed(error(false)), "refused"),
            (Outcome::Failed(error(true)), "fails"),
        ],
        EffectKind::Revoke { .. } => {
            vec![(Outcome::Revoked(Revocation::default()), "revoked"), (Outcome::Failed(error(true)), "fails")]
        }
        // Only whether anybody was notified counts.
        EffectKind::Deliver { .. } => vec![
            (Outcome::Delivered(vec![DeliveryResult::OptedOut { destination: "#first".into() }]), "delivered"),
            (Outcome::Failed(error(false)), "nobody is notified"),
        ],
        // Other messages do not change the state of a Run.
        _ => Vec::new(),
    }
}

fn moves(flow: &Flow, run: Option<&RunState>, now: Timestamp) -> Vec<Move> {
    let [ana, ben, _, ada, _] = everybody();
    let mut moves = Vec::new();
    let request = || {
        let mut request = RequestInput::default();
        request.target = flow.strategy().map(|strategy| strategy.targets()[0].clone());
        request.duration = Some(HOUR);
        Action::Request(Box::new(request))
    };
    let clicks = [
        (&ana, Action::Prompt, "the form is opened"),
        (&ana, request(), "submitted"),
        (&ana, Action::deny(), "withdrawn"),
        (&ben, Action::approve(), "approved"),
        (&ben, Action::deny(), "denied"),
        (&ana, Action::Revoke, "revoked early"),
        (&ada, Action::WriteOff { reason: "the service is gone".into() }, "written off"),
    ];
    // What is clicked meanwhile waits, and happens afterwards.
    let clicks = clicks.into_iter().filter(|_| run.is_none_or(|run| !run.is_busy()));
    for (number, (actor, action, name)) in (0_u128..).zip(clicks) {
        let count = u128::from(run.map_or(0, |run| run.next_seq + run.next_generation));
        let event = EventId::from_uuid(Uuid::from_u128((number << 64) | (count + 1)));
        let channel = Channel::new(ChannelType::Slack);
        moves.push(Move { body: InputBody::Submitted { event, actor: actor.clone(), channel, action }, at: now, name });
    }
    let Some(run) = run else { return moves };
    for (seq, pending) in &run.pending {
        for (outcome, name) in outcomes(&pending.kind) {
            let at = pending.not_before.map_or(now, |not_before| not_before.max(now));
            moves.push(Move { body: InputBody::EffectDone { seq: *seq, outcome }, at, name });
        }
    }
    for (kind, timer) in &run.timers {
        let name = match kind {
            TimerKind::Forward => "nobody acts",
            TimerKind::Lifetime => "its lifetime ends",
            _ => "its time is over",
        };
        let body = InputBody::TimerFired { kind: *kind, generation: timer.generation };
        moves.push(Move { body, at: timer.at.max(now), name });
    }
    if run.can_be_closed() {
        moves.push(Move { body: InputBody::FlowRemoved, at: now, name: "the flow is removed" });
    }
    moves
}

/// Distinguishes states by what can happen next, so that a revocation that is retried forever is explored once.
fn fingerprint(run: &RunState) -> String {
    let pending = run.pending.values().filter(|one| !outcomes(&one.kind).is_empty());
    let pending: Vec<_> = pending.map(|one| (one.kind.name(), one.attempt.min(4))).collect();
    let timers: Vec<_> = run.timers.keys().map(|kind| kind.name()).collect();
    let stage = run.active_event.as_ref().map(|active| (active.event.name, active.stage));
    let access = match &run.access {
        Access::Revoking { revoked_at, .. } => format!("revoking {}", revoked_at.is_some()),
        _ => place(Some(run)).to_owned(),
    };
    format!(
        "{access} {:?} {stage:?} {pending:?} {timers:?} {} {}",
        run.run.status(),
        run.current_notification,
        run.queue.len()
    )
}

fn explore() -> BTreeSet<Arrow> {
    let flow = flow(true, FlowParams::default());
    let rules = Rules { flow: &flow, hooks: Hooks::NONE };
    let id = RunId::from_uuid(Uuid::from_u128(7));
    let start: Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
    let people = everybody();

    let mut arrows = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = VecDeque::from([None]);
    while let Some(run) = open.pop_front() {
        let now = run.as_ref().map_or(start, |run: &RunState| run.updated_at);
        for Move { body, at, name } in moves(&flow, run.as_ref(), now) {
            let ids = people.iter().map(|user| user.id());
            let input = Input::new(id, flow.srn().clone(), at, body).with_people(People::new(ids, people.clone()));
            let Transition { state: Some(next), .. } = step(&rules, run.as_ref(), &input) else { continue };
            let (from, to) = (place(run.as_ref()), place(Some(&next)));
            let is_repeated = name == "fails" && from.ends_with("revoked");
            if from != to || is_repeated {
                arrows.insert((from, to, name));
            }
            if seen.insert(fingerprint(&next)) {
                assert!(seen.len() < 5_000, "the exploration has no end");
                open.push_back(Some(next));
            }
        }
    }
    arrows
}

fn docs(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file)).unwrap()
}

/// Writes the arrows as the page lists them: one line for each pair of states.
fn list(arrows: &BTreeSet<Arrow>) -> String {
    let mut by_pair = BTreeMap::<_, Vec<_>>::new();
    for (from, to, name) in arrows {
        by_pair.entry((*from, *to)).or_default().push(*name);
    }
    by_pair.iter().map(|((from, to), names)| format!("{from:<22} -> {to:<22} {}\n", names.join(", "))).collect()
}

#[test]
fn the_page_lists_what_the_machine_does() {
    let expected = list(&explore());
    assert!(docs("machine.md").contains(&expected), "docs/machine.md should contain\n{expected}");
}

#[test]
fn the_drawing_shows_what_the_machine_does() {
    let svg = docs("machine.svg");
    let titles = svg.split("<title>").skip(1).map(|rest| rest.split("</title>").next().unwrap());
    let drawn: BTreeSet<_> = titles.filter(|title| title.contains(" -> ")).map(str::to_owned).collect();
    let expected: BTreeSet<_> = explore().into_iter().map(|(from, to, _)| format!("{from} -> {to}")).collect();
    assert_eq!(drawn, expected);
}
