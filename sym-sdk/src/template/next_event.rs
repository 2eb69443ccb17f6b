//! The event that a hook returns.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result, codes};
use crate::model::{AccessTarget, Srn, Step, TargetId};

/// A reference to the target of a [`NextEvent`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TargetRef {
    /// A target id.
    Id(TargetId),
    /// The SRN of a target.
    Srn(Srn),
}

impl fmt::Display for TargetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Srn(srn) => srn.fmt(f),
        }
    }
}

impl From<&AccessTarget> for TargetRef {
    fn from(target: &AccessTarget) -> Self {
        Self::Id(target.id())
    }
}

impl From<TargetId> for TargetRef {
    fn from(id: TargetId) -> Self {
        Self::Id(id)
    }
}

impl From<Srn> for TargetRef {
    fn from(srn: Srn) -> Self {
        Self::Srn(srn)
    }
}

impl From<&Srn> for TargetRef {
    fn from(srn: &Srn) -> Self {
        Self::Srn(srn.clone())
    }
}

/// The kinds of [`NextEvent`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NextEventKind {
    /// Fire this event in place of the incoming one.
    Fire(Step),
    /// Cancel the incoming event.
    Ignore,
}

impl fmt::Display for NextEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fire(step) => step.fmt(f),
            Self::Ignore => f.pad("ignore"),
        }
    }
}

/// An event that a hook returns, created by [`ApprovalTemplate`](super::ApprovalTemplate).
///
/// A setting that does not apply to the event, such as `duration` on `deescalate` or `message` on anything but `ignore`, is an
/// error that [`NextEvent::validate`] returns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "nothing happens until the hook returns it"]
pub struct NextEvent {
    pub(crate) kind: NextEventKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<TargetRef>,
    #[serde(default, with = "crate::forms::duration_seconds::option", skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) extra: Map<String, Value>,
    #[serde(default, alias = "fault", skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl NextEvent {
    pub(crate) fn fire(step: Step) -> Self {
        Self::of(NextEventKind::Fire(step))
    }

    pub(crate) fn ignore() -> Self {
        Self::of(NextEventKind::Ignore)
    }

    fn of(kind: NextEventKind) -> Self {
        Self { kind, target: None, duration: None, message: None, reason: None, extra: Map::new(), error: None }
    }

    /// Returns the kind.
    pub fn kind(&self) -> NextEventKind {
        self.kind
    }

    /// Returns the event to fire; `None` for `ignore`.
    pub fn step(&self) -> Option<Step> {
        match self.kind {
            NextEventKind::Fire(step) => Some(step),
            NextEventKind::Ignore => None,
        }
    }

    /// Sets the target. Default: that of the Run.
    pub fn target(mut self, target: impl Into<TargetRef>) -> Self {
        self.check("target", !matches!(self.kind, NextEventKind::Ignore | NextEventKind::Fire(Step::Prompt)));
        self.target = Some(target.into());
        self
    }

    /// Sets the duration of the access, truncated to seconds. Default: that of the Run.
    pub fn duration(mut self, duration: Duration) -> Self {
        let takes_duration = [Step::Request, Step::Approve, Step::Deny, Step::Escalate];
        self.check("duration", self.step().is_some_and(|step| takes_duration.contains(&step)));
        if duration.as_secs() == 0 {
            self.record(format!("the duration of `{}` must be at least one second", self.kind));
        }
        self.duration = Some(Duration::from_secs(duration.as_secs()));
        self
    }

    /// Sets the reason. Default: that of the requester.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.check("reason", !matches!(self.kind, NextEventKind::Ignore | NextEventKind::Fire(Step::Prompt)));
        self.reason = Some(reason.into());
        self
    }

    /// Sets the message to the actor of the ignored event.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.check("message", self.kind == NextEventKind::Ignore);
        self.message = Some(message.into());
        self
    }

    /// Adds a custom value to the payload of the event.
    pub fn with(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        let key = key.into();
        match serde_json::to_value(value) {
            Ok(value) => {
                self.extra.insert(key, value);
            }
            Err(error) => self.record(format!("the value of `{key}` has no JSON form: {error}")),
        }
        self
    }

    /// Checks that every setting applies to the event.
    ///
    /// # Errors
    /// The first setting that does not.
    pub fn validate(&self) -> Result<()> {
        match &self.error {
            None => Ok(()),
            Some(error) => Err(Error::invalid(codes::INVALID_EVENT, error.clone())),
        }
    }

    fn check(&mut self, setting: &str, applies: bool) {
        if !applies {
            self.record(format!("`{setting}` does not apply to `{}`", self.kind));
        }
    }

    /// Stores an error. Only the first one is kept, because later ones tend to follow from it.
    fn record(&mut self, error: String) {
        self.error.get_or_insert(error);
    }
}
