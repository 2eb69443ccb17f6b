//! What a person is told.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::model::Step;

/// A message to one person about a Run. A front end words it; [`Notice::text`] is the plain wording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// The request was approved.
    Approved {
        /// Who approved; `None` if the flow did by itself.
        by: Option<String>,
        /// Why, if a hook said so.
        reason: Option<String>,
    },
    /// The request was denied.
    Denied {
        /// Who denied; `None` if the flow did by itself.
        by: Option<String>,
        /// Why: what was entered with the decision, or what a hook said.
        reason: Option<String>,
    },
    /// Nobody acted on the request in time.
    Expired,
    /// Nobody could be told of the request.
    Undeliverable,
    /// Access was granted.
    Granted {
        /// To what.
        target: String,
        /// Until when; `None` for access that lasts until it is revoked.
        until: Option<Timestamp>,
    },
    /// The access that the request gave has ended.
    Ended {
        /// To what.
        target: String,
        /// Whether another request of theirs still gives it.
        #[serde(alias = "kept_by_another")]
        held_by_other_run: bool,
    },
    /// What the person did was refused.
    Refused {
        /// Why, for programs.
        code: ErrorCode,
        /// Why.
        message: String,
    },
    /// A hook ignored what the person did.
    Ignored {
        /// What the person did.
        event: Step,
        /// The hook's message.
        message: Option<String>,
    },
    /// Something went wrong.
    Failed {
        /// What, for programs.
        code: ErrorCode,
        /// During which event.
        event: Step,
    },
}

impl Notice {
    /// The notice in plain words, for the flow with this label.
    pub fn text(&self, flow: &str) -> String {
        match self {
            Self::Approved { by, reason } => decided("approved", by.as_deref(), reason.as_deref(), flow),
            Self::Denied { by, reason } => decided("denied", by.as_deref(), reason.as_deref(), flow),
            Self::Expired => format!("Nobody answered your request for {flow} in time; it is closed"),
            Self::Undeliverable => {
                format!(
                    "Nobody could be notified of your request for {flow}; it is closed. Ask an administrator, then request again"
                )
            }
            Self::Granted { target, until: Some(until) } => {
                format!("You have access to {target} until {}", in_words(*until))
            }
            Self::Granted { target, until: None } => format!("You have access to {target} until it is revoked"),
            Self::Ended { target, held_by_other_run: false } => format!("Your access to {target} has ended"),
            Self::Ended { target, held_by_other_run: true } => {
                format!("This request's access to {target} has ended; another request of yours still gives it")
            }
            Self::Refused { message, .. } => message.clone(),
            Self::Ignored { message: Some(message), .. } => message.clone(),
            Self::Ignored { event, message: None } => format!("Your {event} for {flow} was ignored by the flow"),
            Self::Failed { code, event } => {
                format!("Something went wrong during {event} of {flow} ({code}); the people who run it have been told")
            }
        }
    }
}

fn decided(how: &str, by: Option<&str>, reason: Option<&str>, flow: &str) -> String {
    let decision = match by {
        Some(by) => format!("{by} {how} your request for {flow}"),
        None => format!("Your request for {flow} was {how}"),
    };
    match reason {
        Some(reason) => format!("{decision}: {reason}"),
        None => decision,
    }
}

fn in_words(time: Timestamp) -> impl std::fmt::Display {
    time.strftime("%Y-%m-%d %H:%M:%S UTC")
}
