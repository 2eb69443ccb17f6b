//! The differences between a recorded request and its replay.

use std::collections::BTreeMap;

use serde::Serialize;

use super::course::{Course, Decision, describe_duration, describe_target};
use crate::model::UserId;

/// The part of a request's course that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// The people who are notified.
    Routing,
    /// The people who decide, and those who see the request.
    Approvers,
    /// Whether a hook decides.
    AutoApproval,
    /// The decision of people.
    Decision,
    Target,
    Duration,
    /// Whether the request fails.
    Failure,
}

impl Part {
    /// Returns the name for people.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Approvers => "approvers",
            Self::AutoApproval => "auto-approval",
            Self::Decision => "decision",
            Self::Target => "target",
            Self::Duration => "duration",
            Self::Failure => "failure",
        }
    }
}

/// A difference, described for people.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Difference {
    pub(super) part: Part,
    pub(super) recorded: String,
    pub(super) now: String,
}

/// Compares a recorded course with that of today. `names` are those of the users whom permissions name.
pub(super) fn differences(recorded: &Course, now: &Course, names: &BTreeMap<UserId, String>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |part, recorded, now| found.push(Difference { part, recorded, now });
    if let (Some(one), Some(other)) = (&recorded.routing, &now.routing) {
        if one.notifications != other.notifications {
            differ(Part::Routing, one.notified(), other.notified());
        }
        if one.permission != other.permission {
            differ(Part::Approvers, one.approvers(names), other.approvers(names));
        }
    }
    let (then, today) = (&recorded.decision, &now.decision);
    if !then.is_same(today) {
        let part = match (then, today) {
            (Decision::Failed(_), _) | (_, Decision::Failed(_)) => Part::Failure,
            _ if then.is_automatic() || today.is_automatic() => Part::AutoApproval,
            _ => Part::Decision,
        };
        differ(part, then.describe(), today.describe());
    }
    if recorded.may_grant() && now.may_grant() {
        let id = |course: &Course| course.target.as_ref().map(|target| (target.id(), target.settings().clone()));
        if id(recorded) != id(now) {
            differ(Part::Target, describe_target(recorded.target.as_ref()), describe_target(now.target.as_ref()));
        }
        if recorded.duration != now.duration {
            differ(Part::Duration, describe_duration(recorded.duration), describe_duration(now.duration));
        }
    }
    found
}
