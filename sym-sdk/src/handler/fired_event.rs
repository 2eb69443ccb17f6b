//! Compile-time checks of the events that hooks create.

use crate::model::Step;

/// Fails the build if a hook of one step fires another that is not after it. Called by the expansion of `#[hook]`, for events that are created
/// in the body of an `on_` hook.
#[allow(clippy::panic, reason = "evaluated at compile time only")]
#[doc(hidden)]
#[track_caller]
pub const fn check_fired_event(hook: Step, fired: Step) {
    if fired.rank() <= hook.rank() && fired as u8 != hook as u8 {
        panic!("{}", possible_events(hook));
    }
}

/// Says what hooks of a step can fire.
const fn possible_events(hook: Step) -> &'static str {
    match hook {
        Step::Prompt => {
            "a request only moves forward: `on_prompt` can fire `prompt`, `request`, `approve` or `deny`, or ignore the event"
        }
        Step::Request => {
            "a request only moves forward: `on_request` can fire `request`, `approve` or `deny`, or ignore the event"
        }
        Step::RequestForward => {
            "a request only moves forward: `on_request_forward` can fire `approve` or `deny`, or ignore the event"
        }
        Step::RequestExpire => {
            "a request only moves forward: `on_request_expire` can fire `approve` or `deny`, or ignore the event"
        }
        Step::Approve => "a request only moves forward: `on_approve` can fire `approve`, or ignore the event",
        Step::Deny => "a request only moves forward: `on_deny` can fire `deny`, or ignore the event",
        Step::Escalate => "a request only moves forward: `on_escalate` can fire `escalate`, or ignore the event",
        Step::Deescalate => "a request only moves forward: `on_deescalate` can fire `deescalate`, or ignore the event",
    }
}
