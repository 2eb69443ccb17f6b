//! What PagerDuty answers with.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sym_sdk::error::{Error, Result};
use sym_sdk::forms::FieldOption;

use crate::ToFieldOption;
use crate::account_resolver::Account;
use crate::field_option::field_option;

/// What all that has an id and a name has.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Title {
    id: String,
    name: Option<String>,
    summary: Option<String>,
}

macro_rules! titled {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[serde(try_from = "Value")]
        pub struct $name {
            title: Title,
            raw: Value,
        }

        impl $name {
            /// The id, such as `PI7DH85`.
            pub fn id(&self) -> &str {
                &self.title.id
            }

            /// The name.
            pub fn name(&self) -> &str {
                let Title { id, name, summary } = &self.title;
                name.as_deref().or(summary.as_deref()).unwrap_or(id)
            }

            /// All of it, as PagerDuty has it.
            pub fn raw(&self) -> &Value {
                &self.raw
            }
        }

        impl TryFrom<Value> for $name {
            type Error = serde_json::Error;

            fn try_from(raw: Value) -> serde_json::Result<Self> {
                Ok(Self { title: Title::deserialize(&raw)?, raw })
            }
        }

        listed!($name);
    )*};
}

/// The value of an option is the id, the label the name.
macro_rules! listed {
    ($name:ident) => {
        impl ToFieldOption for $name {
            fn option_value(&self) -> String {
                self.id().to_owned()
            }

            fn option_label(&self) -> String {
                self.name().to_owned()
            }
        }

        impl TryFrom<&$name> for FieldOption {
            type Error = Error;

            fn try_from(item: &$name) -> Result<Self> {
                field_option(item)
            }
        }
    };
}

titled! {
    /// A schedule: who is on call when.
    Schedule

    /// An escalation policy: who is told of an incident, and who after them.
    EscalationPolicy

    /// A service that incidents are about.
    Service
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Incident {
    fields: IncidentFields,
    raw: Value,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct IncidentFields {
    id: String,
    title: Option<String>,
    summary: Option<String>,
    incident_number: Option<u64>,
    status: Option<IncidentStatus>,
    urgency: Option<Urgency>,
    created_at: Option<Timestamp>,
    service: Option<Reference>,
    #[serde(default)]
    assignments: Vec<Assignment>,
    html_url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Assignment {
    assignee: Reference,
}

impl Incident {
    /// The id, such as `PT4KHLK`.
    pub fn id(&self) -> &str {
        &self.fields.id
    }

    /// The number by which people know it.
    pub fn number(&self) -> Option<u64> {
        self.fields.incident_number
    }

    /// What happened.
    pub fn title(&self) -> &str {
        let IncidentFields { id, title, summary, .. } = &self.fields;
        title.as_deref().or(summary.as_deref()).unwrap_or(id)
    }

    /// How far it has come.
    pub fn status(&self) -> Option<&IncidentStatus> {
        self.fields.status.as_ref()
    }

    /// How urgent it is.
    pub fn urgency(&self) -> Option<&Urgency> {
        self.fields.urgency.as_ref()
    }

    /// When it began.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.fields.created_at
    }

    /// The id of the service that it is about.
    pub fn service_id(&self) -> Option<&str> {
        self.fields.service.as_ref().map(|service| service.id.as_str())
    }

    /// The ids of the users that it is assigned to now.
    pub fn assignee_ids(&self) -> impl Iterator<Item = &str> {
        self.fields.assignments.iter().map(|assignment| assignment.assignee.id.as_str())
    }

    /// Its page in PagerDuty.
    pub fn html_url(&self) -> Option<&str> {
        self.fields.html_url.as_deref()
    }

    /// All of it, as PagerDuty has it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    fn name(&self) -> &str {
        self.title()
    }
}

impl TryFrom<Value> for Incident {
    type Error = serde_json::Error;

    fn try_from(raw: Value) -> serde_json::Result<Self> {
        Ok(Self { fields: IncidentFields::deserialize(&raw)?, raw })
    }
}

listed!(Incident);

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* $variant,)*
            /// One that this version does not know, as PagerDuty writes it.
            Other(String),
        }

        impl $name {
            /// The word that PagerDuty has for it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)*
                    _ => Self::Other(word),
                }
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

words! {
    /// How far an [`Incident`] has come.
    IncidentStatus {
        /// Nobody has taken it on.
        Triggered = "triggered",
        /// Somebody works on it.
        Acknowledged = "acknowledged",
        /// It is over.
        Resolved = "resolved",
    }

    /// How urgent an [`Incident`] is.
    Urgency {
        /// People are woken up for it.
        High = "high",
        /// It can wait.
        Low = "low",
    }
}

/// What stands for something else.
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
        Self { id, email }
    }
}

/// That somebody is on call, at one level of one escalation policy.
#[derive(Debug, Deserialize)]
pub(super) struct OnCall {
    pub(super) user: Option<Person>,
    /// None if the policy names the user directly.
    pub(super) schedule: Option<Reference>,
    pub(super) escalation_policy: Option<Reference>,
    /// Not there if it is for good.
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl OnCall {
    pub(super) fn is_at(&self, now: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= now) && self.end.is_none_or(|end| now < end)
    }
}

/// The answer about one schedule.
#[derive(Deserialize)]
pub(super) struct OneSchedule {
    pub(super) schedule: Members,
}

/// Who is in the layers of a schedule.
#[derive(Deserialize)]
pub(super) struct Members {
    pub(super) users: Vec<Reference>,
}

/// The answer about one user.
#[derive(Deserialize)]
pub(super) struct OnePerson {
    pub(super) user: Person,
}
