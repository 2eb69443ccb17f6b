//! Issues, comments, projects and users as Jira describes them.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ToFieldOption;
use crate::kit::{Account, null_as_default};

/// An [issue](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Issue {
    /// The id.
    pub id: String,
    /// The key, such as `OPS-17`.
    pub key: Option<String>,
    /// The fields that were asked for.
    #[serde(default, deserialize_with = "null_as_default")]
    pub fields: Map<String, Value>,
}

impl Issue {
    /// The summary, if it was asked for.
    pub fn summary(&self) -> Option<&str> {
        self.fields.get("summary")?.as_str()
    }

    /// The name of the status, if it was asked for.
    pub fn status(&self) -> Option<&str> {
        self.fields.get("status")?.get("name")?.as_str()
    }
}

impl ToFieldOption for Issue {
    fn option_value(&self) -> String {
        self.key.clone().unwrap_or_else(|| self.id.clone())
    }

    fn option_label(&self) -> String {
        match (&self.key, self.summary()) {
            (Some(key), Some(summary)) => format!("{key} {summary}"),
            _ => self.option_value(),
        }
    }
}

/// An issue that was created.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct CreatedIssue {
    /// The id.
    pub id: String,
    /// The key, such as `OPS-17`.
    pub key: String,
}

/// A [comment](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Comment {
    /// The id.
    pub id: String,
    /// Whether customers of a service project can read it.
    pub jsd_public: Option<bool>,
}

/// A [transition](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/) that an issue can make.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Transition {
    /// The id.
    pub id: String,
    /// The name.
    pub name: Option<String>,
}

/// A [project](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-projects/).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Project {
    /// The id.
    pub id: String,
    /// The key, such as `OPS`.
    pub key: String,
    /// The name.
    pub name: Option<String>,
}

impl ToFieldOption for Project {
    fn option_value(&self) -> String {
        self.key.clone()
    }

    fn option_label(&self) -> String {
        self.name.clone().unwrap_or_default()
    }
}

/// A [user](https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-users/).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct JiraUser {
    /// The id of the account.
    pub account_id: String,
    /// The e-mail address, if the user lets others see it.
    pub email_address: Option<String>,
    /// The name that people know the user by.
    pub display_name: Option<String>,
    /// Whether the account is in use.
    pub active: Option<bool>,
}

impl JiraUser {
    pub(super) fn account(&self) -> Account {
        Account::new(&self.account_id, self.email_address.clone()).active(self.active != Some(false))
    }
}
