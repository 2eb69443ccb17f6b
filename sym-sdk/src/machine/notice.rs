//! Notices: messages to one person about a Run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::model::Step;

/// A message to one person about a Run.
///
/// Front ends decide how it looks; [`Notice::text`] is the plain wording, which is also recorded in the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// The request was approved.
    Approved {
        /// The approver; `None` if a hook approved it.
        by: Option<String>,
        /// The reason, if a hook gave one.
        reason: Option<String>,
    },
    /// The request was denied.
    Denied {
        /// The person who denied it; `None` if a hook did.
        by: Option<String>,
        /// The text entered with the decision, or the reason that a hook gave.
        reason: Option<String>,
    },
    /// The request expired because nobody acted on it.
    Expired,
    /// The request expired because it could not be delivered to anybody.
    Undeliverable,
    /// The request was closed, because it cannot be granted any more.
    Closed {
        /// The code of the error, for programs.
        code: ErrorCode,
        /// The reason.
        reason: String,
    },
    /// The person's approval was counted, and approvals of others were withdrawn, so that more are needed.
    ApprovalsMissing {
        /// The number of approvals that are still needed.
        missing: usize,
        /// The people whose approvals do not count any more.
        withdrawn: Vec<String>,
    },
    /// Access was granted.
    Granted {
        /// The target.
        target: String,
        /// The end of the access; `None` for access that lasts until it is revoked.
        until: Option<Timestamp>,
    },
    /// The access that the request gave has ended.
    Ended {
        /// The target.
        target: String,
        /// Whether another request of the same person still gives the access.
        #[serde(alias = "kept_by_another")]
        held_by_other_run: bool,
    },
    /// An action of the person was refused.
    Refused {
        /// The code of the error, for programs.
        code: ErrorCode,
        /// The reason.
        message: String,
    },
    /// An action of the person was ignored by a hook.
    Ignored {
        /// The event that was ignored.
        event: Step,
        /// The hook's message.
        message: Option<String>,
    },
    /// An event of the person failed.
    Failed {
        /// The code of the error, for programs.
        code: ErrorCode,
        /// The event that failed.
        event: Step,
    },
}

impl Notice {
    /// Returns the plain text, for a flow with the label `flow`.
    pub fn text(&self, flow: &str) -> String {
        match self {
            Self::Approved { by, reason } => decided("approved", by.as_deref(), reason.as_deref(), flow),
            Self::Denied { by, reason } => decided("denied", by.as_deref(), reason.as_deref(), flow),
            Self::Expired => format!("Your request for {flow} has expired: nobody acted on it in time"),
            Self::Undeliverable => {
                format!(
                    "Your request for {flow} is closed: nobody could be notified of it. Contact an administrator, then \
                     request again"
                )
            }
            Self::Closed { reason, .. } => {
                format!(
                    "Your request for {flow} was closed without access: {reason}. Make a new request if you still need it"
                )
            }
            Self::ApprovalsMissing { missing, withdrawn } => {
                let (whose, more) =
                    (withdrawn.join(" and "), if *missing == 1 { "approval is" } else { "approvals are" });
                format!(
                    "Your approval for {flow} was counted. The approval of {whose} no longer counts, because they may not approve it \
                     any more: {missing} more {more} needed"
                )
            }
            Self::Granted { target, until: Some(until) } => {
                format!("You have access to {target} until {}", until.strftime("%Y-%m-%d %H:%M:%S UTC"))
            }
            Self::Granted { target, until: None } => format!("You have access to {target} until it is revoked"),
            Self::Ended { target, held_by_other_run: false } => format!("Your access to {target} has ended"),
            Self::Ended { target, held_by_other_run: true } => {
                format!("This request's access to {target} has ended; another of your requests still grants it")
            }
            Self::Refused { message, .. } => message.clone(),
            Self::Ignored { message: Some(message), .. } => message.clone(),
            Self::Ignored { event, message: None } => format!("Your {event} for {flow} was ignored by the flow"),
            Self::Failed { code, event } => {
                format!("Something went wrong during {event} of {flow} ({code}); its operators have been notified")
            }
        }
    }
}

fn decided(decision: &str, by: Option<&str>, reason: Option<&str>, flow: &str) -> String {
    let text = match by {
        Some(by) => format!("{by} {decision} your request for {flow}"),
        None => format!("Your request for {flow} was {decision}"),
    };
    match reason {
        Some(reason) => format!("{text}: {reason}"),
        None => text,
    }
}
