//! Schedules, policies, services, incidents and on-call entries as PagerDuty describes them.

use jiff::Timestamp;
use serde::Deserialize;

use crate::ToFieldOption;
use crate::kit::{Account, null_as_default};
use crate::open_enum;

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            /// The id, such as `PI7DH85`.
            pub id: String,
            name: Option<String>,
            summary: Option<String>,
        }

        impl $name {
            /// The name.
            pub fn name(&self) -> &str {
                self.name.as_deref().or(self.summary.as_deref()).unwrap_or(&self.id)
            }
        }

        impl ToFieldOption for $name {
            fn option_value(&self) -> String {
                self.id.clone()
            }

            fn option_label(&self) -> String {
                self.name().to_owned()
            }
        }
    )*};
}

named! {
    /// A schedule: who is on call when.
    Schedule

    /// An escalation policy: who is notified of an incident, and in which order.
    EscalationPolicy

    /// A service that has incidents.
    Service
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Incident {
    /// The id, such as `PT4KHLK`.
    pub id: String,
    title: Option<String>,
    summary: Option<String>,
    /// The number that people refer to it by.
    #[serde(rename = "incident_number")]
    pub number: Option<u64>,
    /// The state of its handling.
    pub status: Option<IncidentStatus>,
    /// The urgency.
    pub urgency: Option<Urgency>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    service: Option<Reference>,
    #[serde(default, deserialize_with = "null_as_default")]
    assignments: Vec<Assignment>,
    /// The URL of its page in PagerDuty.
    pub html_url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Assignment {
    assignee: Reference,
}

impl Incident {
    /// The title, or the id if there is none.
    pub fn title(&self) -> &str {
        self.title.as_deref().or(self.summary.as_deref()).unwrap_or(&self.id)
    }

    /// The id of the service that it belongs to.
    pub fn service_id(&self) -> Option<&str> {
        self.service.as_ref().map(|service| service.id.as_str())
    }

    /// The ids of the users that it is assigned to now.
    pub fn assignee_ids(&self) -> impl Iterator<Item = &str> {
        self.assignments.iter().map(|assignment| assignment.assignee.id.as_str())
    }
}

impl ToFieldOption for Incident {
    fn option_value(&self) -> String {
        self.id.clone()
    }

    fn option_label(&self) -> String {
        self.title().to_owned()
    }
}

open_enum! {
    /// The state of an [`Incident`].
    pub enum IncidentStatus {
        /// It has not been acknowledged.
        Triggered = "triggered",
        /// Somebody works on it.
        Acknowledged = "acknowledged",
        /// It is over.
        Resolved = "resolved",
    }
}

open_enum! {
    /// The urgency of an [`Incident`].
    pub enum Urgency {
        /// It needs attention immediately.
        High = "high",
        /// It can wait.
        Low = "low",
    }
}

/// A reference to another object.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Reference {
    pub(super) id: String,
}

/// A user of PagerDuty. A reference to one has no e-mail address.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) email: Option<String>,
}

impl From<Person> for Account {
    fn from(Person { id, email }: Person) -> Self {
        Self::new(id, email)
    }
}

/// An on-call entry: a user at one level of one escalation policy.
#[derive(Debug, Deserialize)]
pub(super) struct OnCall {
    pub(super) user: Option<Person>,
    /// `None` if the policy names the user directly.
    pub(super) schedule: Option<Reference>,
    pub(super) escalation_policy: Option<Reference>,
    /// `None`, like `end`, if the entry is permanent.
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    /// The time by PagerDuty's clock, in whole seconds, if it is known.
    #[serde(skip)]
    pub(super) listed_at: Option<Timestamp>,
}

impl OnCall {
    /// Whether the entry has begun and not ended, by PagerDuty's clock: ours may be some seconds behind when a shift begins.
    pub(super) fn is_current(&self, local_time: Timestamp) -> bool {
        let now = self.listed_at.unwrap_or(local_time);
        self.start.is_none_or(|start| start <= now) && self.end.is_none_or(|end| now < end)
    }
}

/// The response about one schedule with layers.
#[derive(Deserialize)]
pub(super) struct OneSchedule {
    pub(super) schedule: Members,
}

/// The users in the layers of a schedule. A schedule with rotations has none.
#[derive(Deserialize)]
pub(super) struct Members {
    pub(super) users: Option<Vec<Reference>>,
}

/// The response with the users of a schedule who are on call in a certain time.
#[derive(Deserialize)]
pub(super) struct ScheduleUsers {
    pub(super) users: Vec<Person>,
}

/// The response about one schedule with rotations.
#[derive(Deserialize)]
pub(super) struct OneRotatingSchedule {
    pub(super) schedule: RotatingSchedule,
}

/// A schedule with rotations instead of layers, as far as its members are concerned.
#[derive(Deserialize)]
pub(super) struct RotatingSchedule {
    pub(super) id: String,
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    rotations: Vec<Rotation>,
}

#[derive(Deserialize)]
struct Rotation {
    #[serde(default, deserialize_with = "null_as_default")]
    events: Vec<RotationEvent>,
}

#[derive(Deserialize)]
struct RotationEvent {
    assignment_strategy: Option<AssignmentStrategy>,
}

#[derive(Deserialize)]
struct AssignmentStrategy {
    #[serde(default, deserialize_with = "null_as_default")]
    members: Vec<ShiftMember>,
}

#[derive(Deserialize)]
struct ShiftMember {
    /// `None` for a slot that is left free.
    user_id: Option<String>,
}

impl RotatingSchedule {
    /// Returns the ids of the users in all rotations.
    pub(super) fn into_member_ids(self) -> Vec<String> {
        let events = self.rotations.into_iter().flat_map(|rotation| rotation.events);
        let members = events.filter_map(|event| event.assignment_strategy).flat_map(|strategy| strategy.members);
        members.filter_map(|member| member.user_id).collect()
    }
}

/// The response about one user.
#[derive(Deserialize)]
pub(super) struct OnePerson {
    pub(super) user: Person,
}
