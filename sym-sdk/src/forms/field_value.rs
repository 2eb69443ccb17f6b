//! The values of fields.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{FieldType, SlackUserSelection, duration_seconds, format_duration};

/// The value of a form's field.
///
/// The serialized form includes the type (`{"type": "int", "value": 5}`); [`to_json`](Self::to_json) returns the plain value.
///
/// ```
/// use sym_sdk::forms::{FieldType, FieldValue};
///
/// let value = FieldValue::from("prod");
/// assert_eq!(value.field_type(), FieldType::String);
/// assert_eq!(value.to_json(), "prod");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "value")]
#[non_exhaustive]
pub enum FieldValue {
    /// Text.
    #[serde(rename = "string")]
    Text(String),
    /// A whole number.
    #[serde(rename = "int")]
    Int(i64),
    /// A boolean.
    #[serde(rename = "bool")]
    Bool(bool),
    /// A duration.
    #[serde(rename = "duration", with = "duration_seconds")]
    Duration(Duration),
    /// A Slack user.
    #[serde(rename = "slack_user")]
    SlackUser(SlackUserSelection),
    /// A list of Slack users.
    #[serde(rename = "slack_user_list")]
    SlackUsers(Vec<SlackUserSelection>),
    /// A list of texts.
    #[serde(rename = "str_list")]
    TextList(Vec<String>),
    /// A list of whole numbers.
    #[serde(rename = "int_list")]
    IntList(Vec<i64>),
}

impl FieldValue {
    /// Returns the type of the value.
    pub fn field_type(&self) -> FieldType {
        match self {
            Self::Text(_) => FieldType::String,
            Self::Int(_) => FieldType::Int,
            Self::Bool(_) => FieldType::Bool,
            Self::Duration(_) => FieldType::Duration,
            Self::SlackUser(_) => FieldType::SlackUser,
            Self::SlackUsers(_) => FieldType::SlackUserList,
            Self::TextList(_) => FieldType::StrList,
            Self::IntList(_) => FieldType::IntList,
        }
    }

    /// Returns the value as plain JSON: a duration in seconds, a Slack user as `user_id` and `username`.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Int(number) => json!(number),
            Self::Bool(yes) => json!(yes),
            Self::Duration(duration) => json!(duration.as_secs()),
            Self::SlackUser(user) => user.to_json(),
            Self::SlackUsers(users) => users.iter().map(SlackUserSelection::to_json).collect(),
            Self::TextList(texts) => json!(texts),
            Self::IntList(numbers) => json!(numbers),
        }
    }

    /// Formats the value as the text of a setting or an option, which can be parsed again: `true` rather than `yes`.
    pub(crate) fn to_setting(&self) -> String {
        match self {
            Self::Bool(yes) => yes.to_string(),
            Self::SlackUser(user) => user.user_id().to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Int(number) => number.fmt(f),
            Self::Bool(true) => f.write_str("yes"),
            Self::Bool(false) => f.write_str("no"),
            Self::Duration(duration) => f.write_str(&format_duration(*duration)),
            Self::SlackUser(user) => user.fmt(f),
            Self::SlackUsers(users) => list(f, users),
            Self::TextList(texts) => list(f, texts),
            Self::IntList(numbers) => list(f, numbers),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for FieldValue {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    &str => Text, String => Text, &String => Text,
    i64 => Int, i32 => Int, u32 => Int,
    bool => Bool,
    Duration => Duration,
    SlackUserSelection => SlackUser,
    Vec<SlackUserSelection> => SlackUsers,
    Vec<String> => TextList,
    Vec<i64> => IntList,
}

impl From<Vec<&str>> for FieldValue {
    fn from(texts: Vec<&str>) -> Self {
        Self::TextList(texts.into_iter().map(str::to_owned).collect())
    }
}
