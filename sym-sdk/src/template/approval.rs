use super::NextEvent;
use crate::model::Step;

/// Builds the events that an `on_` hook may ask for instead of the incoming one.
///
/// Nothing happens until the hook returns what it has built.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// fn on_request(event: &Event) -> Option<NextEvent> {
///     if event.user().is_admin() {
///         return Some(ApprovalTemplate::approve().reason("admins need no approval"));
///     }
///     if event.fields().text("reason").is_ok_and(|reason| reason.len() < 10) {
///         return Some(ApprovalTemplate::ignore().message("please say more about why you need access"));
///     }
///     None
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ApprovalTemplate;

impl ApprovalTemplate {
    /// Opens the form.
    pub fn prompt() -> NextEvent {
        NextEvent::fire(Step::Prompt)
    }

    /// Makes the request. Target and duration default to those of the Run.
    pub fn request() -> NextEvent {
        NextEvent::fire(Step::Request)
    }

    /// Approves the request. Target and duration default to those of the Run.
    pub fn approve() -> NextEvent {
        NextEvent::fire(Step::Approve)
    }

    /// Denies the request. The requester is told the reason, if one is given.
    pub fn deny() -> NextEvent {
        NextEvent::fire(Step::Deny)
    }

    /// Grants access. Target and duration default to those of the Run.
    pub fn escalate() -> NextEvent {
        NextEvent::fire(Step::Escalate)
    }

    /// Removes access. The target defaults to that of the Run.
    pub fn deescalate() -> NextEvent {
        NextEvent::fire(Step::Deescalate)
    }

    /// Cancels the incoming event. The Run stays as it was. [`NextEvent::message`] says why to the person who did it.
    pub fn ignore() -> NextEvent {
        NextEvent::ignore()
    }
}
