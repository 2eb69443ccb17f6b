//! The course of a request up to its decision, as audit entries report it: those of the record, and those of a replay.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::audit::{AuditEntry, AuditKind};
use crate::forms::format_duration;
use crate::machine::EffectError;
use crate::model::{AccessTarget, ChannelType, RunStatus, Step, UserId};
use crate::routing::RequestPermission;
use crate::simulation::describe_scope;

/// The course of a request up to its decision.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    /// The result of the reducers. `None` if they were not called.
    pub(super) routing: Option<Routed>,
    pub(super) decision: Decision,
    /// The target that was requested, or approved.
    pub(super) target: Option<AccessTarget>,
    /// The duration that was requested, or approved.
    pub(super) duration: Option<Duration>,
    /// Whether the last event came about by itself: nobody had decided in time.
    is_timed: bool,
}

/// The result of the reducers.
#[derive(Clone, Debug)]
pub(super) struct Routed {
    pub(super) permission: RequestPermission,
    /// The notifications in order, for people.
    pub(super) notifications: Vec<String>,
}

/// The end of a course.
#[derive(Clone, Debug, Default)]
pub(super) enum Decision {
    /// People are asked. Whether they have decided depends on time alone.
    #[default]
    Waiting,
    /// People are asked, and the last decision was refused or withdrawn.
    Refused {
        by: String,
        error: EffectError,
    },
    Approved(Decider),
    Denied(Decider),
    /// A hook has let the request expire.
    Expired,
    /// A hook has ignored the request.
    Ignored,
    Failed(EffectError),
}

/// The author of a decision.
#[derive(Clone, Debug)]
pub(super) enum Decider {
    Hook,
    Person(String),
}

impl Course {
    /// Follows the entries of one request, in order.
    pub(super) fn of<'a>(entries: impl IntoIterator<Item = &'a AuditEntry>) -> Self {
        let mut course = Self::default();
        for entry in entries {
            if course.follow(entry) {
                break;
            }
        }
        course
    }

    /// Follows one entry. Returns whether the course ends with it.
    fn follow(&mut self, entry: &AuditEntry) -> bool {
        let event = &entry.event;
        if event.extension.is_some() {
            return false;
        }
        let decider = || match event.decided_by_hook {
            true => Decider::Hook,
            false => Decider::Person(event.actor.username().to_owned()),
        };
        let by_hook = event.decided_by_hook;
        if entry.kind == AuditKind::Received && event.channel.kind() != ChannelType::Sdk {
            self.is_timed = event.channel.kind() == ChannelType::Scheduler;
        }
        match (event.name, &entry.kind) {
            (Step::Request, AuditKind::Received) => self.set_request(entry),
            (Step::Request, AuditKind::Routed { permission, notifications }) => {
                self.set_request(entry);
                let (permission, notifications) = (permission.clone(), notifications.clone());
                self.routing = Some(Routed { permission, notifications });
            }
            (Step::Approve | Step::Deny, AuditKind::Refused { error }) => {
                self.decision = Decision::Refused { by: event.actor.username().to_owned(), error: error.clone() };
            }
            // A hook of a timeout: a replay takes no time.
            (Step::Approve | Step::Deny, AuditKind::Completed) if by_hook && self.is_timed => return true,
            (Step::Approve, AuditKind::Completed) => {
                self.set_request(entry);
                self.decision = Decision::Approved(decider());
                return true;
            }
            (Step::Deny, AuditKind::Completed) => {
                self.decision = Decision::Denied(decider());
                return true;
            }
            (Step::RequestExpire, AuditKind::Completed) if by_hook && !self.is_timed => {
                self.decision = Decision::Expired;
                return true;
            }
            (Step::Request, AuditKind::Ignored { .. }) => self.decision = Decision::Ignored,
            // Another event that a hook of the request has fired.
            (_, AuditKind::Ignored { .. }) if by_hook && !self.is_timed => self.decision = Decision::Ignored,
            // Requests that are closed later, because they have changed or are too old, have no handler that failed.
            (_, AuditKind::Failed { error }) => {
                if event.name == Step::Request || error.handler.is_some() {
                    self.decision = Decision::Failed(error.clone());
                }
                return true;
            }
            _ if entry.status == RunStatus::Expired => return true,
            _ => {}
        }
        false
    }

    fn set_request(&mut self, entry: &AuditEntry) {
        self.target = entry.event.target.clone();
        self.duration = entry.event.duration;
    }

    /// Returns whether access may follow.
    pub(super) fn may_grant(&self) -> bool {
        matches!(self.decision, Decision::Waiting | Decision::Refused { .. } | Decision::Approved(_))
    }
}

impl Decision {
    /// Returns whether nobody was asked.
    pub(super) fn is_automatic(&self) -> bool {
        match self {
            Self::Waiting | Self::Refused { .. } | Self::Failed(_) => false,
            Self::Approved(decider) | Self::Denied(decider) => matches!(decider, Decider::Hook),
            Self::Expired | Self::Ignored => true,
        }
    }

    /// Returns whether both are the same decision. That people were refused in between makes no other decision.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Waiting | Self::Refused { .. }, Self::Waiting | Self::Refused { .. })
            | (Self::Expired, Self::Expired)
            | (Self::Ignored, Self::Ignored) => true,
            (Self::Approved(one), Self::Approved(other)) | (Self::Denied(one), Self::Denied(other)) => {
                one.is_same(other)
            }
            (Self::Failed(one), Self::Failed(other)) => {
                let name = |error: &EffectError| error.handler.as_deref().map(|handler| handler.name().to_owned());
                one.code == other.code && name(one) == name(other)
            }
            _ => false,
        }
    }

    /// Describes the decision for people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Waiting => "people decide".to_owned(),
            Self::Refused { by, error } => format!("people decide, and {by} is refused: {}", error.message),
            Self::Approved(decider) => format!("approved by {}", decider.describe()),
            Self::Denied(decider) => format!("denied by {}", decider.describe()),
            Self::Expired => "expired by a hook".to_owned(),
            Self::Ignored => "ignored by a hook".to_owned(),
            Self::Failed(error) => format!("failed: {error}"),
        }
    }
}

impl Decider {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hook, Self::Hook) => true,
            (Self::Person(one), Self::Person(other)) => one == other,
            _ => false,
        }
    }

    fn describe(&self) -> &str {
        match self {
            Self::Hook => "a hook",
            Self::Person(name) => name,
        }
    }
}

impl Routed {
    /// Describes who decides and who sees the request, for people.
    pub(super) fn approvers(&self, names: &BTreeMap<UserId, String>) -> String {
        let permission = &self.permission;
        let mut text = describe_scope(permission.approve_deny(), names);
        if permission.self_approval_allowed() {
            text.push_str(" or the requester");
        }
        if permission.required_approvals() > 1 {
            text.push_str(&format!(" ({} approvals)", permission.required_approvals()));
        }
        text.push_str(&format!("; seen by {}", describe_scope(permission.webapp_view(), names)));
        text
    }

    /// Describes who is notified, for people.
    pub(super) fn notified(&self) -> String {
        if self.notifications.is_empty() { "nobody".to_owned() } else { self.notifications.join(", then ") }
    }
}

/// Describes a duration for people.
pub(super) fn describe_duration(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "no end".to_owned(), format_duration)
}

/// Describes a target for people.
pub(super) fn describe_target(target: Option<&AccessTarget>) -> String {
    target.map_or_else(|| "none".to_owned(), AccessTarget::title)
}
