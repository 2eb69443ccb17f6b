//! Constructors of the events that a hook can return.

use super::NextEvent;
use crate::model::Step;

/// The events that an `on_` hook can return in place of the incoming one.
///
/// Creating an event has no effect; the hook has to return it.
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

    /// Makes the request. The target and the duration default to those of the Run.
    pub fn request() -> NextEvent {
        NextEvent::fire(Step::Request)
    }

    /// Approves the request. The target and the duration default to those of the Run.
    pub fn approve() -> NextEvent {
        NextEvent::fire(Step::Approve)
    }

    /// Denies the request. The requester is notified of the reason, if there is one.
    pub fn deny() -> NextEvent {
        NextEvent::fire(Step::Deny)
    }

    /// Grants access. The target and the duration default to those of the Run.
    pub fn escalate() -> NextEvent {
        NextEvent::fire(Step::Escalate)
    }

    /// Revokes access. The target defaults to that of the Run.
    pub fn deescalate() -> NextEvent {
        NextEvent::fire(Step::Deescalate)
    }

    /// Cancels the incoming event and leaves the Run as it is. [`NextEvent::message`] tells its actor the reason.
    pub fn ignore() -> NextEvent {
        NextEvent::ignore()
    }
}
