//! Hooks, the extension points around each step.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Step;

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

/// A set of hooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hooks(u16);

impl Hooks {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Returns whether the set contains `hook`.
    pub fn has(self, hook: Hook) -> bool {
        self.0 & Self::bit(hook) != 0
    }

    /// Returns the set with `hook` added.
    #[must_use]
    pub fn with(self, hook: Hook) -> Self {
        Self(self.0 | Self::bit(hook))
    }

    fn bit(hook: Hook) -> u16 {
        match hook {
            Hook::On(step) => 1 << (step as u16),
            Hook::After(step) => 1 << (8 + step as u16),
        }
    }
}

impl FromIterator<Hook> for Hooks {
    fn from_iter<I: IntoIterator<Item = Hook>>(hooks: I) -> Self {
        hooks.into_iter().fold(Self::NONE, Self::with)
    }
}
