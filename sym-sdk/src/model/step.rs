//! Steps of a Run, which are also the names of events.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, codes};
use crate::suggest;

/// A step of the approval template, which is also the name of the event that takes a Run there.
///
/// ```
/// use sym_sdk::model::Step;
///
/// assert_eq!("request_forward".parse::<Step>()?, Step::RequestForward);
/// assert_eq!(Step::Deescalate.to_string(), "deescalate");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The requester opened the form.
    Prompt,
    /// The form was submitted.
    Request,
    /// The current notification failed or timed out; the next one is sent.
    RequestForward,
    /// No notification is left, and the request is closed without a decision.
    RequestExpire,
    /// The request was approved.
    Approve,
    /// The request was denied.
    Deny,
    /// Access is granted.
    Escalate,
    /// Access is revoked.
    Deescalate,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 8] = [
        Self::Prompt,
        Self::Request,
        Self::RequestForward,
        Self::RequestExpire,
        Self::Approve,
        Self::Deny,
        Self::Escalate,
        Self::Deescalate,
    ];

    /// Returns the name, as in `on_<name>`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Request => "request",
            Self::RequestForward => "request_forward",
            Self::RequestExpire => "request_expire",
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Escalate => "escalate",
            Self::Deescalate => "deescalate",
        }
    }

    /// Returns the past participle, as in "already approved".
    pub const fn past_tense(self) -> &'static str {
        match self {
            Self::Prompt => "prompted",
            Self::Request => "requested",
            Self::RequestForward => "forwarded",
            Self::RequestExpire => "expired",
            Self::Approve => "approved",
            Self::Deny => "denied",
            Self::Escalate => "escalated",
            Self::Deescalate => "deescalated",
        }
    }

    /// Returns the position of the step in a Run. A hook cannot fire a step of a lower rank.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Prompt => 0,
            Self::Request => 1,
            Self::RequestForward => 2,
            Self::RequestExpire => 3,
            Self::Approve | Self::Deny => 4,
            Self::Escalate => 5,
            Self::Deescalate => 6,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Step {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == text).ok_or_else(|| {
            Error::invalid(codes::INVALID_STEP, format!("`{text}` is not an event")).with_hint(suggest::hint(
                text,
                "events",
                Self::ALL.map(Self::as_str),
            ))
        })
    }
}
