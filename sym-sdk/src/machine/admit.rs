//! Who may do what, and when.

use jiff::Timestamp;

use super::Rules;
use super::effect_error::EffectError;
use super::input::Action;
use super::state::{Access, EventRecord, RunState};
use crate::error::{ErrorCode, ErrorKind, codes};
use crate::model::{ChannelType, RunStatus, Source, Step, User, UserRole, UserType};

impl Action {
    /// The event that the action becomes.
    pub fn step(&self) -> Step {
        match self {
            Self::Prompt => Step::Prompt,
            Self::Request(_) => Step::Request,
            Self::Approve { .. } => Step::Approve,
            Self::Deny { .. } => Step::Deny,
            Self::Revoke | Self::WriteOff { .. } | Self::Remove(_) => Step::Deescalate,
            Self::Regrant => Step::Escalate,
        }
    }
}

/// Says whether the actor may do this to the Run as it stands now.
pub(super) fn admit(
    rules: &Rules<'_>,
    state: &RunState,
    clock: Timestamp,
    event: &EventRecord,
    action: &Action,
) -> Result<(), EffectError> {
    match action {
        Action::Prompt => may_begin(rules, event).and_then(|()| is_new(state)),
        Action::Request(_) => may_begin(rules, event).and_then(|()| may_submit(state, event)),
        Action::Approve { .. } => is_undecided(state).and_then(|()| may_approve(rules, state, &event.actor)),
        Action::Deny { .. } => is_undecided(state).and_then(|()| may_deny(rules, state, &event.actor)),
        Action::Revoke => can_revoke(state, clock).and_then(|()| may_revoke(rules, state, &event.actor)),
        Action::WriteOff { reason } => may_operate(&event.actor).and_then(|()| can_write_off(state, reason)),
        Action::Regrant => may_operate(&event.actor).and_then(|()| can_regrant(state, clock)),
        Action::Remove(_) => may_operate(&event.actor).and_then(|()| can_remove(rules, state)),
    }
}

fn refused(kind: ErrorKind, code: ErrorCode, message: impl Into<String>) -> EffectError {
    EffectError::new(kind, code, message)
}

fn may_begin(rules: &Rules<'_>, event: &EventRecord) -> Result<(), EffectError> {
    let flow = rules.flow;
    if event.actor.role() == UserRole::Guest {
        let message = format!("{} is a guest; guests cannot make requests", event.actor.username());
        let error = refused(ErrorKind::Forbidden, codes::NOT_PERMITTED, message)
            .with_hint("ask an administrator to make them a member");
        return Err(error);
    }
    let source = match event.channel.kind() {
        ChannelType::Slack => Source::Slack,
        ChannelType::Api => Source::Api,
        ChannelType::Web => Source::Web,
        ChannelType::Sdk | ChannelType::Scheduler => return Ok(()),
    };
    match &flow.params().allowed_sources {
        Some(allowed) if !allowed.contains(&source) => {
            let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
            let allowed = if allowed.is_empty() { "nowhere".to_owned() } else { allowed.join(", ") };
            Err(refused(
                ErrorKind::Forbidden,
                codes::NOT_PERMITTED,
                format!("flow `{}` takes no requests from {source}; allowed: {allowed}", flow.name()),
            ))
        }
        _ => Ok(()),
    }
}

fn is_new(state: &RunState) -> Result<(), EffectError> {
    if state.run.status() == RunStatus::Pending && state.request.is_none() && !state.closed {
        Ok(())
    } else {
        Err(refused(ErrorKind::InvalidInput, codes::INVALID_EVENT, "this request has begun already; begin a new one"))
    }
}

fn may_submit(state: &RunState, event: &EventRecord) -> Result<(), EffectError> {
    let begun = !matches!(state.run.status(), RunStatus::Pending | RunStatus::Prompted);
    if begun || state.request.is_some() || state.closed {
        return Err(refused(
            ErrorKind::InvalidInput,
            codes::INVALID_EVENT,
            "this request was submitted already; begin a new one",
        ));
    }
    match state.run.actor(Step::Prompt) {
        Some(prompted) if !is_same(prompted, &event.actor) => Err(refused(
            ErrorKind::Forbidden,
            codes::NOT_PERMITTED,
            format!("only {}, who opened the form, can submit it", prompted.username()),
        )),
        _ => Ok(()),
    }
}

fn is_undecided(state: &RunState) -> Result<(), EffectError> {
    if state.is_open() {
        return Ok(());
    }
    Err(match (&state.decision, state.run.status()) {
        (Some(decision), _) => {
            let how = decision.name.past_tense();
            refused(
                ErrorKind::Conflict,
                codes::ALREADY_DECIDED,
                format!("this request was already {how} by {}", decision.actor.username()),
            )
        }
        (None, RunStatus::Expired) => {
            refused(ErrorKind::Conflict, codes::ALREADY_DECIDED, "this request has expired; nobody acted on it in time")
        }
        (None, RunStatus::Errored) => {
            refused(ErrorKind::Conflict, codes::ALREADY_DECIDED, "this request has failed; it must be made again")
        }
        (None, RunStatus::Pending) if state.request.is_none() && state.run.actor(Step::Prompt).is_none() => {
            refused(ErrorKind::NotFound, codes::UNKNOWN_RUN, "there is no such request")
        }
        (None, _) => {
            refused(ErrorKind::InvalidInput, codes::INVALID_EVENT, "this request is not waiting for a decision")
        }
    })
}

/// Whether the request's permissions admit the person to decide, self-approval aside.
fn may_decide(rules: &Rules<'_>, state: &RunState, actor: &User) -> Result<(), EffectError> {
    // What code has decided was never routed: then there are no such people.
    if !state.routing.as_ref().is_some_and(|routing| routing.permission.approve_deny().admits(actor)) {
        return Err(refused(
            ErrorKind::Forbidden,
            codes::NOT_PERMITTED,
            format!("{} is not among those who may decide this request", actor.username()),
        ));
    }
    if actor.role() == UserRole::Guest && !rules.flow.params().allow_guest_interaction {
        let message = format!("{} is a guest, and flow `{}` admits no guests", actor.username(), rules.flow.name());
        let error = refused(ErrorKind::Forbidden, codes::NOT_PERMITTED, message)
            .with_hint("set `allow_guest_interaction = true` in the flow to admit them");
        return Err(error);
    }
    Ok(())
}

fn may_approve(rules: &Rules<'_>, state: &RunState, actor: &User) -> Result<(), EffectError> {
    may_decide(rules, state, actor)?;
    let self_approval = state.routing.as_ref().is_some_and(|routing| routing.permission.self_approval_allowed());
    if is_requester(state, actor) && !self_approval {
        return Err(refused(ErrorKind::Forbidden, codes::SELF_APPROVAL, "requesters cannot approve their own request"));
    }
    if state.run.approvals().iter().any(|approver| is_same(approver, actor)) {
        return Err(refused(
            ErrorKind::Conflict,
            codes::ALREADY_DECIDED,
            "you have approved this request already; it waits for others",
        ));
    }
    Ok(())
}

fn may_deny(rules: &Rules<'_>, state: &RunState, actor: &User) -> Result<(), EffectError> {
    // A requester may always withdraw.
    if is_requester(state, actor) { Ok(()) } else { may_decide(rules, state, actor) }
}

fn can_revoke(state: &RunState, clock: Timestamp) -> Result<(), EffectError> {
    match &state.access {
        Access::Held(_) => Ok(()),
        Access::Revoking { .. } => match state.revocation() {
            // Only an attempt whose time has not come can be brought forward: another one may be under way by now.
            Some((_, pending)) if pending.not_before.is_none_or(|at| at <= clock) => Err(refused(
                ErrorKind::Conflict,
                codes::DEESCALATE_INVALID_RUN,
                "the access is being taken away already",
            )),
            _ => Ok(()),
        },
        _ => Err(refused(
            ErrorKind::Conflict,
            codes::DEESCALATE_INVALID_RUN,
            format!("only an escalated request can be revoked; this one is {}", state.run.status()),
        )),
    }
}

fn may_revoke(rules: &Rules<'_>, state: &RunState, actor: &User) -> Result<(), EffectError> {
    if actor.is_admin() {
        return Ok(());
    }
    if !rules.flow.params().allow_revoke {
        return Err(refused(
            ErrorKind::Forbidden,
            codes::NOT_PERMITTED,
            format!("flow `{}` does not allow access to be revoked early; an administrator can", rules.flow.name()),
        ));
    }
    let approved = state.run.approvals().iter().any(|approver| is_same(approver, actor));
    if is_requester(state, actor) || approved { Ok(()) } else { may_decide(rules, state, actor) }
}

/// Admins repair what went wrong, and so does the platform by itself.
fn may_operate(actor: &User) -> Result<(), EffectError> {
    if actor.is_admin() || actor.user_type() == UserType::System {
        return Ok(());
    }
    let error =
        refused(ErrorKind::Forbidden, codes::NOT_PERMITTED, format!("{} is not an administrator", actor.username()))
            .with_hint("ask an administrator to do it");
    Err(error)
}

fn can_write_off(state: &RunState, reason: &str) -> Result<(), EffectError> {
    if !matches!(state.access, Access::Revoking { .. }) {
        return Err(refused(
            ErrorKind::Conflict,
            codes::DEESCALATE_INVALID_RUN,
            format!("only a revocation under way can be written off; this request is {}", state.run.status()),
        ));
    }
    if reason.trim().is_empty() {
        return Err(refused(
            ErrorKind::InvalidInput,
            codes::MISSING_ARGUMENT,
            "a write-off needs a reason, for the record",
        ));
    }
    Ok(())
}

fn can_regrant(state: &RunState, clock: Timestamp) -> Result<(), EffectError> {
    match &state.access {
        Access::Held(grant) if grant.until.is_none_or(|until| clock < until) => Ok(()),
        _ => Err(refused(
            ErrorKind::Conflict,
            codes::DEESCALATE_INVALID_RUN,
            "the request does not give access any more, or not yet",
        )),
    }
}

fn can_remove(rules: &Rules<'_>, state: &RunState) -> Result<(), EffectError> {
    if rules.flow.strategy().is_none() {
        let message = format!("flow `{}` gives no access", rules.flow.name());
        return Err(refused(ErrorKind::InvalidInput, codes::ACCESS_STRATEGY_NOT_FOUND, message));
    }
    if state.access != Access::None {
        return Err(refused(
            ErrorKind::InvalidInput,
            codes::INVALID_EVENT,
            "this request has begun already; begin a new one",
        ));
    }
    is_new(state)
}

fn is_requester(state: &RunState, actor: &User) -> bool {
    state.run.requester().is_some_and(|requester| is_same(requester, actor))
}

/// Whether two users are one person. Their names were kept at different times, and a name can change in between.
fn is_same(one: &User, other: &User) -> bool {
    one.id() == other.id() || one == other
}
