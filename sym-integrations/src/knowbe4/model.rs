//! Users and training enrollments as KnowBe4 describes them.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::ToFieldOption;
use crate::kit::{Account, is_same_address, null_as_default};
use crate::open_enum;

/// A [user](https://developer.knowbe4.com/rest/reporting#tag/Users).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct KnowBe4User {
    /// The id.
    pub id: u64,
    /// The e-mail address.
    pub email: Option<String>,
    /// Other e-mail addresses.
    #[serde(default, deserialize_with = "null_as_default")]
    pub aliases: Vec<String>,
    /// The ids of the groups that the user is in.
    #[serde(default, deserialize_with = "null_as_default")]
    pub groups: Vec<u64>,
    /// The state of the account.
    pub status: Option<UserStatus>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
}

impl KnowBe4User {
    /// Whether the user is archived.
    pub fn is_archived(&self) -> bool {
        self.status == Some(UserStatus::Archived)
    }

    /// Whether an e-mail address is the user's: the main one, or another.
    pub fn has_address(&self, email: &str) -> bool {
        let aliases = self.aliases.iter().map(String::as_str);
        self.email.as_deref().into_iter().chain(aliases).any(|own| is_same_address(Some(own), email))
    }

    pub(super) fn account(&self) -> Account {
        Account::new(self.id.to_string(), self.email.clone()).active(!self.is_archived())
    }
}

impl ToFieldOption for KnowBe4User {
    fn option_value(&self) -> String {
        self.id.to_string()
    }

    fn option_label(&self) -> String {
        let names = [&self.first_name, &self.last_name].into_iter().flatten();
        let names: Vec<_> = names.map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
        match names.is_empty() {
            true => self.email.clone().unwrap_or_else(|| self.option_value()),
            false => names.join(" "),
        }
    }
}

open_enum! {
    /// The state of a user.
    pub enum UserStatus {
        /// In use.
        Active = "active",
        /// Kept for reports only.
        Archived = "archived",
    }
}

/// The [enrollment](https://developer.knowbe4.com/rest/reporting#tag/Training) of a user in a training.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct TrainingEnrollment {
    /// The id.
    pub enrollment_id: u64,
    /// The kind of content, such as `Store Purchase`.
    pub content_type: Option<String>,
    /// The name of the training.
    pub module_name: Option<String>,
    /// The name of the campaign that it is part of.
    pub campaign_name: Option<String>,
    /// The id of the campaign.
    #[serde(default, deserialize_with = "number")]
    pub campaign_id: Option<u64>,
    /// The id of the store purchase.
    #[serde(default, deserialize_with = "number")]
    pub store_purchase_id: Option<u64>,
    /// The time of the enrollment, as KnowBe4 writes it.
    pub enrollment_date: Option<String>,
    /// The time at which the user began.
    pub start_date: Option<String>,
    /// The time at which the user completed it.
    pub completion_date: Option<String>,
    /// The progress.
    pub status: Option<EnrollmentStatus>,
}

impl TrainingEnrollment {
    /// Returns the time of the enrollment.
    pub fn enrolled_at(&self) -> Option<Timestamp> {
        time(self.enrollment_date.as_deref())
    }

    /// Returns the time at which the user completed the training; `None` if they have not.
    pub fn completed_at(&self) -> Option<Timestamp> {
        time(self.completion_date.as_deref())
    }

    /// Whether the training is completed: the user has passed it, or there was nothing to pass.
    pub fn is_complete(&self) -> bool {
        matches!(self.status, Some(EnrollmentStatus::Passed | EnrollmentStatus::Completed))
    }
}

open_enum! {
    /// The progress of an enrollment.
    pub enum EnrollmentStatus {
        /// Not begun.
        NotStarted = "Not Started",
        /// Begun.
        InProgress = "In Progress",
        /// Passed.
        Passed = "Passed",
        /// Completed.
        Completed = "Completed",
        /// Not completed in time.
        PastDue = "Past Due",
    }
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

/// Reads a number, also one that is written as text. Anything else counts as absent, since a report is not worth an error.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    })
}
