//! Permissions: the actions that a user may take on a Run, by its state.
//!
//! [`check`] decides about an input, and [`allowed_actions`] answers the question a front end has: which buttons would work. Both
//! go through [`check_kind`], so a button is never offered for an action that the same state refuses. Every rule comes in two
//! halves: whether the *state* allows the action at all, and whether the *actor* may take it.

use std::time::Duration;

use jiff::Timestamp;

use super::Rules;
use super::access::Access;
use super::effect_error::EffectError;
use super::extension::{ExtensionStatus, Round, check_extendable};
use super::input::{Action, ActionKind, ExtensionInput};
use super::outcome::Routing;
use super::queue;
use super::recheck::{check_extension, offered_durations, offered_durations_hint};
use super::reminders::check_remindable;
use super::request_digest::RequestDigest;
use super::state::RunState;
use crate::error::{ErrorCode, ErrorKind, codes};
use crate::forms::format_duration;
use crate::model::{AgentOwner, ChannelType, EventId, Flow, RunStatus, Source, Step, User, UserRole, UserType};
use crate::normalize::is_blank;

/// Returns the actions that `user` may take on an existing Run in its current state.
///
/// The answer follows from the rules by which inputs are decided. It covers decisions and what happens to access afterwards;
/// [`ActionKind::Prompt`], [`ActionKind::Request`] and [`ActionKind::Remove`] begin a Run and are never part of it. A Run that
/// changes in the meantime may still refuse an action.
///
/// `now` is the time by the engine's clock, which revocations in progress and expired access depend on.
pub fn allowed_actions(flow: &Flow, state: &RunState, user: &User, now: Timestamp) -> Vec<ActionKind> {
    let on_existing_runs = [
        ActionKind::Approve,
        ActionKind::Deny,
        ActionKind::Extend,
        ActionKind::ApproveExtension,
        ActionKind::DenyExtension,
        ActionKind::Remind,
        ActionKind::Revoke,
        ActionKind::WriteOff,
        ActionKind::Regrant,
    ];
    on_existing_runs.into_iter().filter(|kind| check_kind(flow, state, now, user, *kind).is_ok()).collect()
}

/// The sender of an action: who takes it, and through which kind of channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    pub(super) actor: &'a User,
    pub(super) channel: ChannelType,
}

/// The way in which an admitted action proceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is started.
    Started,
    /// It waits for the active event, and is checked again when its turn comes.
    Queued,
}

/// Decides about an action that arrives.
pub(super) fn admit(
    rules: &Rules<'_>,
    state: &RunState,
    clock: Timestamp,
    sender: Sender<'_>,
    action: &Action,
) -> Result<Admission, EffectError> {
    let admission = admit_kind(rules, state, clock, sender, action.kind())?;
    if admission == Admission::Started {
        check_content(rules, state, sender, action)?;
    }
    Ok(admission)
}

/// Decides about an action of a kind, whatever its content.
pub(super) fn admit_kind(
    rules: &Rules<'_>,
    state: &RunState,
    clock: Timestamp,
    sender: Sender<'_>,
    kind: ActionKind,
) -> Result<Admission, EffectError> {
    if state.active_event.is_some() {
        return queue::check(rules.flow, state, sender.actor, kind).map(|()| Admission::Queued);
    }
    check_channel(rules.flow, sender, kind)?;
    check_kind(rules.flow, state, clock, sender.actor, kind).map(|()| Admission::Started)
}

/// Checks an action against the Run in its current state, when no event is active.
pub(super) fn check(
    rules: &Rules<'_>,
    state: &RunState,
    clock: Timestamp,
    sender: Sender<'_>,
    action: &Action,
) -> Result<(), EffectError> {
    check_channel(rules.flow, sender, action.kind())?;
    check_kind(rules.flow, state, clock, sender.actor, action.kind())?;
    check_content(rules, state, sender, action)
}

/// Checks that actions of this kind are accepted from the channel.
fn check_channel(flow: &Flow, sender: Sender<'_>, kind: ActionKind) -> Result<(), EffectError> {
    check_agent_channel(sender)?;
    if sender.channel == ChannelType::Cli {
        require_person(sender.actor)?;
    }
    match kind {
        // First, so that a guest is told the reason that holds for every channel.
        ActionKind::Prompt | ActionKind::Request => {
            may_begin(sender.actor).and_then(|()| check_source(flow, sender.channel))
        }
        ActionKind::Extend => check_source(flow, sender.channel),
        _ if sender.channel == ChannelType::Cli => is_for_command_line(kind),
        _ => Ok(()),
    }
}

/// Checks what an action says, which its sender may take.
fn check_content(rules: &Rules<'_>, state: &RunState, sender: Sender<'_>, action: &Action) -> Result<(), EffectError> {
    match action {
        Action::Request(request) => check_agent_duration(rules.flow, sender.actor, request.duration),
        Action::Extend(extension) => check_extension_input(rules.flow, state, extension),
        Action::Approve { duration, extension, seen, .. } => {
            is_open_extension(state, *extension)?;
            is_unchanged(state, *extension, *seen)?;
            let round = extension.map_or(Round::Request, Round::Extension);
            duration.map_or(Ok(()), |duration| is_offered_for_less(rules.flow, state, round, duration))
        }
        Action::Deny { decision_message, extension, seen } => {
            is_open_extension(state, *extension)?;
            is_unchanged(state, *extension, *seen)?;
            has_reason(rules.flow, state, sender.actor, decision_message.as_deref())
        }
        Action::WriteOff { reason } if reason.trim().is_empty() => Err(refused(
            ErrorKind::InvalidInput,
            codes::MISSING_ARGUMENT,
            "a write-off needs a reason for the audit log",
        )),
        _ => Ok(()),
    }
}

/// Checks an action of this kind on a Run in its current state.
pub(crate) fn check_kind(
    flow: &Flow,
    state: &RunState,
    clock: Timestamp,
    actor: &User,
    kind: ActionKind,
) -> Result<(), EffectError> {
    match kind {
        ActionKind::Prompt => may_begin(actor).and_then(|()| is_new(state)),
        ActionKind::Request => may_begin(actor).and_then(|()| may_submit(state, actor)),
        ActionKind::Approve => {
            is_undecided(state, clock).and_then(|()| may_approve(flow, state, Round::Request, actor))
        }
        ActionKind::Deny => is_undecided(state, clock).and_then(|()| may_deny(flow, state, Round::Request, actor)),
        ActionKind::Extend => check_extendable(flow, state, clock).and_then(|()| may_extend(state, actor)),
        ActionKind::ApproveExtension => {
            is_undecided_extension(state, clock).and_then(|round| may_approve(flow, state, round, actor))
        }
        ActionKind::DenyExtension => {
            is_undecided_extension(state, clock).and_then(|round| may_deny(flow, state, round, actor))
        }
        ActionKind::Remind => check_remindable(state, clock).and_then(|()| may_remind(state, actor)),
        ActionKind::Revoke => is_revocable(state, clock).and_then(|()| may_revoke(flow, state, actor)),
        ActionKind::WriteOff => may_operate(actor).and_then(|()| is_being_revoked(state)),
        ActionKind::Regrant => may_operate(actor).and_then(|()| is_regrantable(state, clock)),
        ActionKind::Remove => may_operate(actor).and_then(|()| can_remove(flow, state)),
    }
}

/// Checks whether the actor may ever take an action of this kind on the Run, whatever its state will be, and returns whether that is
/// certain: a request that is not routed yet has no approvers.
pub(super) fn check_actor(flow: &Flow, state: &RunState, actor: &User, kind: ActionKind) -> Result<bool, EffectError> {
    let extension = state.extension.as_ref().map_or(Round::Request, |extension| Round::Extension(extension.id));
    let checked = match kind {
        ActionKind::Prompt | ActionKind::Request => may_begin(actor),
        ActionKind::Approve => may_decide(flow, state, Round::Request, actor),
        ActionKind::Deny => may_deny(flow, state, Round::Request, actor),
        ActionKind::Extend => may_extend(state, actor),
        ActionKind::Remind => may_remind(state, actor),
        ActionKind::ApproveExtension => may_decide(flow, state, extension, actor),
        ActionKind::DenyExtension => may_deny(flow, state, extension, actor),
        ActionKind::Revoke => may_revoke(flow, state, actor),
        ActionKind::WriteOff | ActionKind::Regrant | ActionKind::Remove => may_operate(actor),
    };
    match checked {
        Ok(()) => Ok(true),
        Err(error) => match kind {
            ActionKind::Approve | ActionKind::Deny | ActionKind::Revoke if state.routing.is_none() => {
                admits_guest(flow, actor).map(|()| actor.is_admin())
            }
            ActionKind::ApproveExtension | ActionKind::DenyExtension if state.routing_in(extension).is_none() => {
                admits_guest(flow, actor).map(|()| actor.is_admin())
            }
            _ => Err(error),
        },
    }
}

fn refused(kind: ErrorKind, code: ErrorCode, message: impl Into<String>) -> EffectError {
    EffectError::new(kind, code, message)
}

fn forbidden(message: impl Into<String>) -> EffectError {
    refused(ErrorKind::Forbidden, codes::NOT_PERMITTED, message)
}

fn not_applicable(message: impl Into<String>) -> EffectError {
    refused(ErrorKind::Conflict, codes::DEESCALATE_INVALID_RUN, message)
}

fn invalid_event(message: &str) -> EffectError {
    refused(ErrorKind::InvalidInput, codes::INVALID_EVENT, message)
}

fn already_begun() -> EffectError {
    invalid_event("this request has already begun; start a new one")
}

// Beginning a Run.

/// Checks that the user may make requests at all.
pub(crate) fn may_begin(actor: &User) -> Result<(), EffectError> {
    if actor.role() == UserRole::Guest {
        let error = forbidden(format!("{} is a guest; guests cannot make requests", actor.username()));
        return Err(error.with_hint("ask an administrator to make them a member"));
    }
    Ok(())
}

/// Checks that the flow accepts requests from the channel.
pub(crate) fn check_source(flow: &Flow, channel: ChannelType) -> Result<(), EffectError> {
    let source = match channel {
        ChannelType::Slack => Source::Slack,
        ChannelType::Api => Source::Api,
        ChannelType::Web => Source::Web,
        ChannelType::Mcp => Source::Mcp,
        // Whatever `allowed_sources` says: nobody is authenticated there.
        ChannelType::Cli => return Err(forbidden("requests are not accepted on the command line")),
        // Requests that code makes are not restricted.
        ChannelType::Sdk | ChannelType::Scheduler => return Ok(()),
    };
    match &flow.params().allowed_sources {
        Some(allowed) if !allowed.contains(&source) => {
            let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
            let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
            let name = flow.name();
            Err(forbidden(format!("flow `{name}` does not accept requests from {source}; allowed sources: {allowed}")))
        }
        // Access for programs that decide by themselves what they need is given only where somebody has thought of it.
        None if source == Source::Mcp => {
            let message = format!("flow `{}` does not admit agents", flow.name());
            Err(forbidden(message).with_hint("a flow admits them with `mcp` among its `allowed_sources`"))
        }
        _ => Ok(()),
    }
}

/// Checks that agents act through MCP and nobody else does: the token of an agent is good for nothing more.
fn check_agent_channel(sender: Sender<'_>) -> Result<(), EffectError> {
    let Sender { actor, channel } = sender;
    match channel {
        ChannelType::Mcp if !actor.is_agent() => {
            let message = format!("{} is not an agent, and only agents act through MCP", actor.username());
            Err(forbidden(message))
        }
        ChannelType::Mcp | ChannelType::Sdk | ChannelType::Scheduler => Ok(()),
        _ if actor.is_agent() => {
            Err(forbidden(format!("{} is an agent, and agents act through MCP alone", actor.username())))
        }
        _ => Ok(()),
    }
}

/// Checks the duration for which an agent asks for access, or is about to be given it.
pub(super) fn check_agent_duration(
    flow: &Flow,
    requester: &User,
    duration: Option<Duration>,
) -> Result<(), EffectError> {
    let Some(longest) = flow.params().max_agent_duration.filter(|_| requester.is_agent()) else { return Ok(()) };
    if duration.is_some_and(|duration| duration <= longest) {
        return Ok(());
    }
    let (name, longest) = (flow.name(), format_duration(longest));
    let asked = duration.map_or_else(|| "access without an end".to_owned(), format_duration);
    let message = format!("flow `{name}` gives agents at most {longest}, and this is for {asked}");
    Err(refused(ErrorKind::InvalidInput, codes::INVALID_DURATION, message)
        .with_hint(format!("ask for {longest} or less")))
}

/// Checks that the user whom the command line names on a file is no bot. A bot acts by its token, and the record would say that it did what
/// a person at a keyboard has done.
pub(crate) fn require_person(user: &User) -> Result<(), EffectError> {
    if user.user_type() != UserType::Bot {
        return Ok(());
    }
    let message = format!("{} is a bot, and bots do not act on a file", user.username());
    Err(forbidden(message)
        .with_hint("name the person who does this, by e-mail address; a bot calls a server with its token"))
}

/// Checks that the action takes access away. The command line acts as whoever it names, so it must not be able to give any.
fn is_for_command_line(kind: ActionKind) -> Result<(), EffectError> {
    match kind {
        ActionKind::Revoke | ActionKind::WriteOff => Ok(()),
        _ => Err(forbidden("only revocations and write-offs are accepted on the command line")),
    }
}

fn is_new(state: &RunState) -> Result<(), EffectError> {
    let is_new = state.run.status() == RunStatus::Pending && state.request.is_none() && !state.closed;
    if is_new { Ok(()) } else { Err(already_begun()) }
}

fn may_submit(state: &RunState, actor: &User) -> Result<(), EffectError> {
    let begun = !matches!(state.run.status(), RunStatus::Pending | RunStatus::Prompted);
    if begun || state.request.is_some() || state.closed {
        return Err(invalid_event("this request was already submitted; start a new one"));
    }
    match state.run.actor(Step::Prompt) {
        Some(prompted) if !prompted.is_same(actor) => {
            Err(forbidden(format!("only {}, who opened the form, can submit it", prompted.username())))
        }
        _ => Ok(()),
    }
}

// Deciding a request.

pub(super) fn expired() -> EffectError {
    let message = "this request has expired; nobody acted on it in time";
    refused(ErrorKind::Conflict, codes::ALREADY_DECIDED, message)
}

/// Checks that the request can be decided. It cannot once its lifetime is over, even if the timer has not fired yet.
fn is_undecided(state: &RunState, clock: Timestamp) -> Result<(), EffectError> {
    let decided = |message: String| refused(ErrorKind::Conflict, codes::ALREADY_DECIDED, message);
    if state.is_overdue(clock) {
        return Err(expired());
    }
    if state.is_open() {
        return Ok(());
    }
    Err(match (&state.decision, state.run.status()) {
        (Some(decision), _) => {
            let (decided_as, who) = (decision.name.past_tense(), decision.actor.username());
            decided(format!("this request was already {decided_as} by {who}"))
        }
        (None, RunStatus::Expired) => expired(),
        (None, RunStatus::Errored) => decided("this request has failed; submit it again".to_owned()),
        (None, RunStatus::Pending) if state.request.is_none() && state.run.actor(Step::Prompt).is_none() => {
            refused(ErrorKind::NotFound, codes::UNKNOWN_RUN, "there is no such request")
        }
        (None, _) => invalid_event("this request is not waiting for a decision"),
    })
}

/// Checks the permissions of the request or the extension, apart from the rule on self-approval.
fn may_decide(flow: &Flow, state: &RunState, round: Round, actor: &User) -> Result<(), EffectError> {
    if actor.is_agent() {
        let message = format!("{} is an agent: agents ask, and people decide", actor.username());
        return Err(forbidden(message));
    }
    // A request that a hook decided was never routed, and has no approvers.
    if !state.routing_in(round).is_some_and(|routing| routing.permission.approve_deny().admits(actor)) {
        return Err(forbidden(format!("{} is not permitted to decide this request", actor.username())));
    }
    admits_guest(flow, actor)
}

fn admits_guest(flow: &Flow, actor: &User) -> Result<(), EffectError> {
    if actor.role() == UserRole::Guest && !flow.params().allow_guest_interaction {
        let message = format!("{} is a guest, and flow `{}` does not admit guests", actor.username(), flow.name());
        return Err(forbidden(message).with_hint("set `allow_guest_interaction = true` in the flow to admit them"));
    }
    Ok(())
}

fn may_approve(flow: &Flow, state: &RunState, round: Round, actor: &User) -> Result<(), EffectError> {
    may_vote(flow, state, round, actor)?;
    if state.approvals_in(round).iter().any(|approver| approver.may_be(actor)) {
        let message = "you have already approved this request; it needs more approvals from others";
        return Err(refused(ErrorKind::Conflict, codes::ALREADY_DECIDED, message));
    }
    Ok(())
}

/// Checks that the approval of a user would count, had they not approved yet and the request not been decided.
pub(super) fn may_vote(flow: &Flow, state: &RunState, round: Round, actor: &User) -> Result<(), EffectError> {
    may_decide(flow, state, round, actor)?;
    if !state.routing_in(round).is_some_and(|routing| routing.permission.self_approval_allowed()) {
        is_not_own_request(state, actor)?;
    }
    if !state.routing_in(round).is_some_and(|routing| routing.permission.approve_deny().admits_approval(actor)) {
        let message = format!("{} is a bot, and the permissions of this request do not name it", actor.username());
        return Err(forbidden(message).with_hint("ask a person to approve, or name the bot in `get_permissions`"));
    }
    Ok(())
}

/// Checks that the user neither is the requester, nor the owner of the agent that is, nor has made the request in the requester's name: each
/// would be alone in asking and approving.
pub(crate) fn is_not_own_request(state: &RunState, user: &User) -> Result<(), EffectError> {
    let own = |message: String| Err(refused(ErrorKind::Forbidden, codes::SELF_APPROVAL, message));
    if state.run.requester().is_some_and(|requester| requester.may_be(user)) {
        return own("requesters cannot approve their own request".to_owned());
    }
    if is_owner(state, |owner| owner.may_be(user)) {
        return own("nobody can approve the request of their own agent".to_owned());
    }
    // The name tells, as an address does for people: a bot that was deleted and added again is the same one under another id.
    if state.run.source_channel().bot().is_some_and(|bot| bot.eq_ignore_ascii_case(user.username())) {
        let message = format!("{} has made this request for somebody else, and cannot approve it", user.username());
        return own(message);
    }
    Ok(())
}

/// Checks that a person who has approved may still do so, given how the directory has them now. Whether they may approve their own
/// request was decided when they did.
pub(super) fn may_still_approve(
    flow: &Flow,
    state: &RunState,
    round: Round,
    approver: &User,
    current: Option<&User>,
) -> Result<(), EffectError> {
    match current {
        Some(current) if current.is_locked() => Err(forbidden(format!("{} is locked", approver.username()))),
        Some(current) => may_decide(flow, state, round, current),
        None => Err(forbidden(format!("{} is no longer a user", approver.username()))),
    }
}

fn may_deny(flow: &Flow, state: &RunState, round: Round, actor: &User) -> Result<(), EffectError> {
    // A requester may always withdraw the request, and so may whoever answers for them.
    if asks(state, actor) { Ok(()) } else { may_decide(flow, state, round, actor) }
}

/// Returns what waits for a decision: the request, or an extension.
pub(super) fn awaits_decision(state: &RunState, clock: Timestamp) -> Result<Round, EffectError> {
    match state.open_extension() {
        Some(_) => is_undecided_extension(state, clock),
        None => is_undecided(state, clock).map(|()| Round::Request),
    }
}

fn may_remind(state: &RunState, actor: &User) -> Result<(), EffectError> {
    if is_requester(state, actor) {
        return Ok(());
    }
    Err(forbidden("only the requester can have those who decide reminded"))
}

/// Checks the duration of an approval: one that the flow offers, and not longer than what was asked for.
fn is_offered_for_less(flow: &Flow, state: &RunState, round: Round, duration: Duration) -> Result<(), EffectError> {
    let invalid = |message: String| refused(ErrorKind::InvalidInput, codes::INVALID_DURATION, message);
    let Some(asked) = state.asked_duration_in(round) else {
        return Err(invalid("this request has no duration that could be shortened".to_owned()));
    };
    let offered = offered_durations(flow);
    let (approved, limit) = (format_duration(duration), format_duration(asked));
    if duration > asked {
        return Err(invalid(format!("an approval for {approved} is longer than the {limit} that were asked for")));
    }
    if duration != asked && !offered.is_empty() && !offered.contains(&duration) {
        let message = format!("flow `{}` does not offer a duration of {approved}", flow.name());
        return Err(invalid(message).with_hint(offered_durations_hint(&offered)));
    }
    if duration.is_zero() { Err(invalid("an approval needs a duration".to_owned())) } else { Ok(()) }
}

/// Checks that a denial has a reason, if the flow requires one. A requester withdraws without.
fn has_reason(flow: &Flow, state: &RunState, actor: &User, reason: Option<&str>) -> Result<(), EffectError> {
    if !flow.params().require_denial_reason || asks(state, actor) || !reason.is_none_or(is_blank) {
        return Ok(());
    }
    let message = "a denial needs a reason, which the requester is told";
    Err(refused(ErrorKind::InvalidInput, codes::MISSING_ARGUMENT, message).with_hint("enter a reason"))
}

// Extending access.

pub(super) fn extension_expired() -> EffectError {
    let message = "this extension has expired; nobody acted on it before the access ended";
    refused(ErrorKind::Conflict, codes::ALREADY_DECIDED, message)
}

/// Only whoever has the access can ask for more time.
fn may_extend(state: &RunState, actor: &User) -> Result<(), EffectError> {
    may_begin(actor)?;
    if actor.is_agent() {
        return Err(forbidden("agents are given no extensions").with_hint("make another request"));
    }
    if is_requester(state, actor) { Ok(()) } else { Err(forbidden("only the requester can ask for an extension")) }
}

/// Checks the content of a request for an extension, and that the access is where it was requested.
fn check_extension_input(flow: &Flow, state: &RunState, input: &ExtensionInput) -> Result<(), EffectError> {
    if input.duration.is_zero() {
        return Err(refused(ErrorKind::InvalidInput, codes::INVALID_DURATION, "an extension needs a duration"));
    }
    let offered = offered_durations(flow);
    if !offered.is_empty() && !offered.contains(&input.duration) {
        let (name, duration) = (flow.name(), format_duration(input.duration));
        let message = format!("flow `{name}` does not offer a duration of {duration}");
        return Err(refused(ErrorKind::InvalidInput, codes::INVALID_DURATION, message)
            .with_hint(offered_durations_hint(&offered)));
    }
    match &state.request {
        Some(request) => check_extension(flow, request, Some(input.duration), false),
        None => Ok(()),
    }
}

/// Checks that an extension can be decided, and returns it.
fn is_undecided_extension(state: &RunState, clock: Timestamp) -> Result<Round, EffectError> {
    let Some(extension) = state.extension.as_deref() else {
        return Err(refused(ErrorKind::NotFound, codes::UNKNOWN_RUN, "there is no such extension"));
    };
    let conflict = |message| refused(ErrorKind::Conflict, codes::ALREADY_DECIDED, message);
    let who = || extension.decision.as_ref().map(|decision| format!(" by {}", decision.actor.username()));
    match extension.status {
        ExtensionStatus::Open if state.is_overdue(clock) => Err(extension_expired()),
        ExtensionStatus::Open => Ok(Round::Extension(extension.id)),
        ExtensionStatus::Pending => Err(invalid_event("this extension is not waiting for a decision")),
        ExtensionStatus::Expired => Err(extension_expired()),
        ExtensionStatus::Closed => Err(conflict("this extension is closed; the access was not extended".to_owned())),
        status => {
            let (status, who) = (status.as_str(), who().unwrap_or_default());
            Err(conflict(format!("this extension was already {status}{who}")))
        }
    }
}

/// Checks that a decision is about the extension that waits for one.
fn is_open_extension(state: &RunState, id: Option<EventId>) -> Result<(), EffectError> {
    if id.is_none_or(|id| state.open_extension().is_some_and(|extension| extension.id == id)) {
        return Ok(());
    }
    let message = "this extension was settled before; another one waits for a decision";
    Err(refused(ErrorKind::Conflict, codes::ALREADY_DECIDED, message))
}

/// Checks that a decision is about what its author has seen, if they say what that was.
fn is_unchanged(state: &RunState, extension: Option<EventId>, seen: Option<RequestDigest>) -> Result<(), EffectError> {
    let round = extension.map_or(Round::Request, Round::Extension);
    if seen.is_none_or(|seen| RequestDigest::in_round(state, round) == Some(seen)) {
        return Ok(());
    }
    let message = "the request has changed since it was shown";
    Err(refused(ErrorKind::Conflict, codes::REQUEST_CHANGED, message).with_hint("look at it again before you decide"))
}

// Ending access.

fn is_revocable(state: &RunState, clock: Timestamp) -> Result<(), EffectError> {
    match &state.access {
        Access::Held(_) => Ok(()),
        Access::Revoking { .. } => match state.pending_revocation() {
            // A retry can be brought forward only before it is due: a due one may already be executing.
            Some((_, pending)) if pending.not_before.is_none_or(|at| at <= clock) => {
                Err(not_applicable("the access is already being revoked"))
            }
            _ => Ok(()),
        },
        _ => {
            let status = state.run.status();
            Err(not_applicable(format!("only an escalated request can be revoked; this one is {status}")))
        }
    }
}

fn may_revoke(flow: &Flow, state: &RunState, actor: &User) -> Result<(), EffectError> {
    // The platform ends the access of users who are locked or deleted.
    if actor.is_admin() || actor.user_type() == UserType::System {
        return Ok(());
    }
    // An agent may give back what it has, whatever people may do: what it asks for is its own doing.
    if actor.is_agent() && is_requester(state, actor) {
        return Ok(());
    }
    if !flow.params().allow_revoke {
        let name = flow.name();
        return Err(forbidden(format!("flow `{name}` does not allow early revocation; ask an administrator")));
    }
    if asks(state, actor) || has_approved(state, actor) {
        return Ok(());
    }
    may_decide(flow, state, Round::Request, actor)
}

// Operations.

/// Administrators may repair what went wrong. So may the platform itself, on its own initiative.
fn may_operate(actor: &User) -> Result<(), EffectError> {
    if actor.is_admin() || actor.user_type() == UserType::System {
        return Ok(());
    }
    Err(forbidden(format!("{} is not an administrator", actor.username())).with_hint("ask an administrator to do it"))
}

fn is_being_revoked(state: &RunState) -> Result<(), EffectError> {
    if matches!(state.access, Access::Revoking { .. }) {
        return Ok(());
    }
    let status = state.run.status();
    let error = not_applicable(format!("only a revocation in progress can be written off; this request is {status}"));
    Err(if matches!(state.access, Access::Held(_)) { error.with_hint("revoke the access first") } else { error })
}

fn is_regrantable(state: &RunState, clock: Timestamp) -> Result<(), EffectError> {
    match &state.access {
        Access::Held(grant) if grant.until.is_none_or(|until| clock < until) => Ok(()),
        _ => Err(not_applicable("the request does not currently give access")),
    }
}

fn can_remove(flow: &Flow, state: &RunState) -> Result<(), EffectError> {
    if flow.strategy().is_none() {
        let message = format!("flow `{}` has no access strategy", flow.name());
        return Err(refused(ErrorKind::InvalidInput, codes::ACCESS_STRATEGY_NOT_FOUND, message));
    }
    if state.access != Access::None {
        return Err(already_begun());
    }
    is_new(state)
}

// Looking at a Run.

/// Checks that somebody may see a Run: the person who began it, the bot that did so for them, the owner of the agent that did, those whom
/// `webapp_view` or `approve_deny` admits, and administrators. To all others, it is as if there were no such Run.
pub(super) fn may_view(state: &RunState, user: &User) -> Result<(), EffectError> {
    let admits = |routing: &Routing| {
        routing.permission.webapp_view().admits(user) || routing.permission.approve_deny().admits(user)
    };
    let of_extension = state.extension.as_deref().and_then(|extension| extension.routing.as_ref());
    let has_begun = state.requester_id().or(state.opener_id()) == Some(user.id());
    let by_agent = state.owner_id() == Some(user.id());
    if user.is_admin()
        || has_begun
        || state.is_begun_by_bot(user)
        || by_agent
        || state.routing.iter().chain(of_extension).any(admits)
    {
        return Ok(());
    }
    let message = format!("there is no Run {}", state.run.id());
    Err(refused(ErrorKind::NotFound, codes::UNKNOWN_RUN, message))
}

// Comparing people. These give rights, so only the id counts. What forbids something compares with `User::may_be` instead.

fn is_requester(state: &RunState, actor: &User) -> bool {
    state.run.requester().is_some_and(|requester| requester.is_same(actor))
}

/// Whether the user is the requester, or answers for it: the owner of the agent.
fn asks(state: &RunState, actor: &User) -> bool {
    is_requester(state, actor) || is_owner(state, |owner| owner.id() == actor.id())
}

/// Whether the requester is an agent whose owner is the one looked for.
fn is_owner(state: &RunState, is: impl FnOnce(&AgentOwner) -> bool) -> bool {
    state.run.requester().and_then(|requester| requester.owner()).is_some_and(is)
}

/// Whether the user has approved the request, or the extension by which the access lasts.
fn has_approved(state: &RunState, actor: &User) -> bool {
    let granted = state.extension.iter().filter(|extension| extension.status == ExtensionStatus::Granted);
    let approvals = state.run.approvals().iter().chain(granted.flat_map(|extension| &extension.approvals));
    approvals.into_iter().any(|approver| approver.is_same(actor))
}
