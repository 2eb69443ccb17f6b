use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result, codes};
use crate::model::{AccessTarget, Srn, Step, TargetId};

/// The target that a [`NextEvent`] is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TargetRef {
    /// By its id.
    Id(TargetId),
    /// By its SRN.
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

/// What a [`NextEvent`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NextEventKind {
    /// Fire this event instead of the incoming one.
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

/// An event that a hook asks for, built by [`ApprovalTemplate`](super::ApprovalTemplate).
///
/// A setting that does not apply to the event is kept as a fault, which [`NextEvent::validate`] reports: `duration` on a
/// `deescalate`, say, or `message` on anything but `ignore`.
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<String>,
}

impl NextEvent {
    pub(crate) fn fire(step: Step) -> Self {
        Self::of(NextEventKind::Fire(step))
    }

    pub(crate) fn ignore() -> Self {
        Self::of(NextEventKind::Ignore)
    }

    fn of(kind: NextEventKind) -> Self {
        Self { kind, target: None, duration: None, message: None, reason: None, extra: Map::new(), fault: None }
    }

    /// What it asks for.
    pub fn kind(&self) -> NextEventKind {
        self.kind
    }

    /// The event to fire; none for `ignore`.
    pub fn step(&self) -> Option<Step> {
        match self.kind {
            NextEventKind::Fire(step) => Some(step),
            NextEventKind::Ignore => None,
        }
    }

    /// Takes this target instead of the Run's.
    pub fn target(mut self, target: impl Into<TargetRef>) -> Self {
        self.check("target", !matches!(self.kind, NextEventKind::Ignore | NextEventKind::Fire(Step::Prompt)));
        self.target = Some(target.into());
        self
    }

    /// Takes this duration instead of the Run's. A fraction of a second is dropped.
    pub fn duration(mut self, duration: Duration) -> Self {
        let takes_duration = [Step::Request, Step::Approve, Step::Deny, Step::Escalate];
        self.check("duration", self.step().is_some_and(|step| takes_duration.contains(&step)));
        if duration.as_secs() == 0 {
            self.record(format!("the duration of `{}` must be at least a second", self.kind));
        }
        self.duration = Some(Duration::from_secs(duration.as_secs()));
        self
    }

    /// Takes this reason instead of the requester's.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.check("reason", !matches!(self.kind, NextEventKind::Ignore | NextEventKind::Fire(Step::Prompt)));
        self.reason = Some(reason.into());
        self
    }

    /// Tells this to the user whose event is ignored.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.check("message", self.kind == NextEventKind::Ignore);
        self.message = Some(message.into());
        self
    }

    /// Adds a value of one's own to the payload of the event.
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

    /// Whether every setting applies to the event.
    pub fn validate(&self) -> Result<()> {
        match &self.fault {
            None => Ok(()),
            Some(fault) => Err(Error::invalid(codes::INVALID_EVENT, fault.clone())),
        }
    }

    fn check(&mut self, setting: &str, applies: bool) {
        if !applies {
            self.record(format!("`{setting}` does not apply to `{}`", self.kind));
        }
    }

    /// The first fault counts: later ones tend to follow from it.
    fn record(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}
