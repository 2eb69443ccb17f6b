//! The checks that are repeated when a request is decided and before access is granted: what is decided is what was asked.
//!
//! A request is checked when it is made. Until it is decided, the configuration can change and people can leave, so everything that
//! would refuse a new request refuses the old one too: the target is gone or has other settings, the flow grants access elsewhere, the
//! duration or a value of the form is not offered any more, or the requester may not make requests any more. Such a request is closed,
//! because nobody could ever approve it.
//!
//! A request of an earlier version has no [fingerprint](super::Fingerprint). Its target and everything else in it are checked all the
//! same; only a change of the account before the first start of this version goes unnoticed.

use std::time::Duration;

use super::effect_error::EffectError;
use super::fingerprint::{Fingerprint, changed};
use super::people::check_requester;
use super::permissions::check_agent_duration;
use super::state::{ActiveEvent, RequestData, RunState, Stage};
use crate::error::{ErrorCode, ErrorKind, codes};
use crate::forms::{FieldMap, FieldSpec, FieldValue, MAX_DURATION, format_duration};
use crate::model::{AccessTarget, Flow, User};
use crate::suggest;

/// The name of the field that selects the duration.
const DURATION: &str = "duration";

/// Checks, right before the strategy is called, that access may still be granted. `requester` is the user who made the request, as the
/// directory has them now.
///
/// # Errors
/// The reason why it may not, for the requester and the approver.
pub fn check_grant(
    flow: &Flow,
    state: &RunState,
    target: &AccessTarget,
    requester: Option<&User>,
) -> Result<(), EffectError> {
    check_requester(requester)?;
    let Some(request) = &state.request else { return Ok(()) };
    // Here too, because a hook may have set the duration.
    requester.map_or(Ok(()), |requester| check_agent_duration(flow, requester, request.duration))?;
    check_place(flow, request, target)?;
    // Access that is granted again ends when it was to end before, or when its extension says, whatever is offered now.
    let is_regrant = |active: &ActiveEvent| matches!(active.stage, Stage::Regrant | Stage::Extend);
    if state.active_event.as_ref().is_some_and(is_regrant) {
        Ok(())
    } else {
        check_offer(flow, request, request.duration)
    }
}

/// Checks a request that is about to be approved, for this target and duration.
pub(super) fn check_request(
    flow: &Flow,
    request: &RequestData,
    target: Option<&AccessTarget>,
    duration: Option<Duration>,
) -> Result<(), EffectError> {
    match target {
        Some(target) => check_place(flow, request, target)?,
        None => check_fingerprint(flow, request)?,
    }
    check_offer(flow, request, duration)
}

/// Checks an extension that is about to be requested or approved: the access is where it was requested, and the flow offers the duration.
pub(super) fn check_extension(
    flow: &Flow,
    request: &RequestData,
    duration: Option<Duration>,
    is_set_by_hook: bool,
) -> Result<(), EffectError> {
    match &request.target {
        Some(target) => check_place(flow, request, target)?,
        None => check_fingerprint(flow, request)?,
    }
    check_fields(flow, &request.fields)?;
    match duration {
        Some(duration) if is_set_by_hook => check_hook_duration(flow, duration),
        Some(duration) => check_duration(flow, duration),
        None => Err(refused(codes::INVALID_DURATION, "the extension has no duration")),
    }
}

fn refused(code: ErrorCode, reason: impl Into<String>) -> EffectError {
    EffectError::new(ErrorKind::Conflict, code, reason)
}

/// Checks that access to the target would be granted where it was requested, to what was requested.
fn check_place(flow: &Flow, request: &RequestData, target: &AccessTarget) -> Result<(), EffectError> {
    check_fingerprint(flow, request)?;
    let (name, flow_name) = (target.name(), flow.name());
    let Some(declared) = flow.strategy().and_then(|strategy| strategy.target_by_id(target.id())) else {
        return Err(refused(codes::UNKNOWN_TARGET, format!("`{name}` is no longer a target of flow `{flow_name}`")));
    };
    let difference = match declared.bind(&request.fields) {
        Ok(bound) => changed(target.settings(), bound.settings()).map(str::to_owned),
        Err(error) => {
            return Err(refused(codes::REQUEST_OUTDATED, format!("target `{name}` has changed: {}", error.message())));
        }
    };
    match difference {
        None => Ok(()),
        Some(setting) => {
            Err(refused(codes::REQUEST_OUTDATED, format!("the setting `{setting}` of target `{name}` has changed")))
        }
    }
}

fn check_fingerprint(flow: &Flow, request: &RequestData) -> Result<(), EffectError> {
    let then = request.fingerprint.as_ref();
    match then.and_then(|then| then.difference(&Fingerprint::of(flow))) {
        None => Ok(()),
        Some(difference) => Err(refused(codes::REQUEST_OUTDATED, difference)),
    }
}

/// Checks that the flow still offers what was chosen in the form.
fn check_offer(flow: &Flow, request: &RequestData, duration: Option<Duration>) -> Result<(), EffectError> {
    check_fields(flow, &request.fields)?;
    if flow.strategy().is_none() {
        return Ok(());
    }
    let (ends, name) = (ends_by_itself(flow), flow.name());
    match duration {
        Some(duration) if request.duration_set_by_hook || Some(duration) != request.duration => {
            check_hook_duration(flow, duration)
        }
        Some(_) if !ends => {
            let reason = format!("flow `{name}` takes no duration any more: its access lasts until it is revoked");
            Err(refused(codes::INVALID_DURATION, reason))
        }
        Some(duration) => check_duration(flow, duration),
        None if flow.params().schedule_deescalation => {
            let reason = format!("flow `{name}` now needs a duration, and the request has none");
            Err(refused(codes::INVALID_DURATION, reason))
        }
        None => Ok(()),
    }
}

/// Checks that the values of the form are still among the options that the flow declares.
fn check_fields(flow: &Flow, fields: &FieldMap) -> Result<(), EffectError> {
    for spec in flow.fields().iter().filter(|spec| spec.name() != DURATION) {
        let Some(value) = fields.get(spec.name()) else { continue };
        if let Err(error) = spec.check_allowed(value) {
            return Err(refused(error.code().clone(), format!("{}, as it did when it was requested", error.message())));
        }
    }
    Ok(())
}

// Durations.

/// Returns whether requests of the flow have a duration.
fn ends_by_itself(flow: &Flow) -> bool {
    flow.params().schedule_deescalation || flow.field(DURATION).is_some()
}

/// Returns the durations that the flow offers; empty if it takes any.
pub(crate) fn offered_durations(flow: &Flow) -> Vec<Duration> {
    let duration = |value: &FieldValue| match value {
        FieldValue::Duration(duration) => Some(*duration),
        _ => None,
    };
    match flow.field(DURATION).map(FieldSpec::allowed_values) {
        Some(values) => values.iter().filter_map(duration).collect(),
        None => flow.params().durations.clone(),
    }
}

/// Returns a hint with the durations that the flow offers.
pub(crate) fn offered_durations_hint(offered: &[Duration]) -> String {
    let offered: Vec<_> = offered.iter().map(|duration| format_duration(*duration)).collect();
    match offered.as_slice() {
        [] => "a duration is `3600` (in seconds) or `1h`, for example".to_owned(),
        _ => format!("the durations offered are {}", suggest::quoted(offered.iter().map(String::as_str))),
    }
}

fn check_duration(flow: &Flow, duration: Duration) -> Result<(), EffectError> {
    let offered = offered_durations(flow);
    if offered.is_empty() || offered.contains(&duration) {
        return Ok(());
    }
    let (name, duration) = (flow.name(), format_duration(duration));
    let reason = format!("flow `{name}` no longer offers a duration of {duration}");
    Err(refused(codes::INVALID_DURATION, reason).with_hint(offered_durations_hint(&offered)))
}

/// Returns the longest duration that the flow offers.
pub(super) fn longest_duration(flow: &Flow) -> Duration {
    offered_durations(flow).into_iter().max().unwrap_or(MAX_DURATION)
}

/// Checks a duration that a hook has chosen. It may be one that the flow does not offer, but not longer than those.
pub(super) fn check_hook_duration(flow: &Flow, duration: Duration) -> Result<(), EffectError> {
    if !ends_by_itself(flow) {
        return Ok(());
    }
    let longest = longest_duration(flow);
    if duration <= longest {
        return Ok(());
    }
    let (name, duration, longest) = (flow.name(), format_duration(duration), format_duration(longest));
    let reason = format!("a duration of {duration} is too long: flow `{name}` offers at most {longest}");
    Err(refused(codes::INVALID_DURATION, reason))
}
