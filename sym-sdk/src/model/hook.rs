use std::fmt;

use serde::{Deserialize, Serialize};

use crate::template::Step;

/// A hook: the point before or after a step at which a handler of the flow runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Runs before the step's default implementation and may fire another event instead.
    On(Step),
    /// Runs after the step's default implementation and cannot change its result.
    After(Step),
}

impl Hook {
    /// The step that the hook surrounds.
    pub const fn step(self) -> Step {
        match self {
            Self::On(step) | Self::After(step) => step,
        }
    }

    /// The name, as in `#[hook] fn on_request`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On(Step::Prompt) => "on_prompt",
            Self::On(Step::Request) => "on_request",
            Self::On(Step::RequestForward) => "on_request_forward",
            Self::On(Step::RequestExpire) => "on_request_expire",
            Self::On(Step::Approve) => "on_approve",
            Self::On(Step::Deny) => "on_deny",
            Self::On(Step::Escalate) => "on_escalate",
            Self::On(Step::Deescalate) => "on_deescalate",
            Self::After(Step::Prompt) => "after_prompt",
            Self::After(Step::Request) => "after_request",
            Self::After(Step::RequestForward) => "after_request_forward",
            Self::After(Step::RequestExpire) => "after_request_expire",
            Self::After(Step::Approve) => "after_approve",
            Self::After(Step::Deny) => "after_deny",
            Self::After(Step::Escalate) => "after_escalate",
            Self::After(Step::Deescalate) => "after_deescalate",
        }
    }

    /// Every hook: first the `on_` hooks, then the `after_` hooks, each in the order of the steps.
    pub fn all() -> impl Iterator<Item = Self> {
        Step::ALL.map(Self::On).into_iter().chain(Step::ALL.map(Self::After))
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
