//! The types of fields.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{FieldValue, parse_duration};
use crate::error::{Error, Result, codes};
use crate::suggest;

/// The type of a form's field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FieldType {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A boolean.
    Bool,
    /// A duration, passed to handlers in seconds.
    Duration,
    /// A Slack user.
    SlackUser,
    /// A list of Slack users.
    SlackUserList,
    /// A list of texts.
    StrList,
    /// A list of whole numbers.
    IntList,
}

impl FieldType {
    /// All types.
    pub const ALL: [Self; 8] = [
        Self::String,
        Self::Int,
        Self::Bool,
        Self::Duration,
        Self::SlackUser,
        Self::SlackUserList,
        Self::StrList,
        Self::IntList,
    ];

    /// Returns the name in Sym's configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Duration => "duration",
            Self::SlackUser => "slack_user",
            Self::SlackUserList => "slack_user_list",
            Self::StrList => "str_list",
            Self::IntList => "int_list",
        }
    }

    /// Returns `true` if values are Slack users. Such fields have no options, no default and no prefetch.
    pub const fn is_slack(self) -> bool {
        matches!(self, Self::SlackUser | Self::SlackUserList)
    }

    /// Returns `true` if values are lists.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::SlackUserList | Self::StrList | Self::IntList)
    }

    /// Returns the type of a list's members, or the type itself if it is no list.
    pub const fn member(self) -> Self {
        match self {
            Self::SlackUserList => Self::SlackUser,
            Self::StrList => Self::String,
            Self::IntList => Self::Int,
            other => other,
        }
    }

    /// Parses a single value from text, as in the configuration and in drop-downs: `5`, `true`, `30m`.
    ///
    /// For a list type, parses one member.
    ///
    /// # Errors
    /// If the text is not a value of the type.
    pub fn parse_text(self, text: &str) -> Result<FieldValue> {
        let invalid =
            |expected: &str| Error::invalid(codes::INVALID_FIELD_VALUE, format!("expected {expected}, got `{text}`"));
        match self.member() {
            Self::Int => text.trim().parse().map(FieldValue::Int).map_err(|_| invalid("a whole number")),
            Self::Bool => text.trim().parse().map(FieldValue::Bool).map_err(|_| invalid("`true` or `false`")),
            Self::Duration => parse_duration(text).map(FieldValue::Duration),
            Self::SlackUser => Err(invalid("a Slack user, which has no text form")),
            _ => Ok(FieldValue::Text(text.to_owned())),
        }
    }
}

/// Returns the type that has this name in Terraform, in Slack or in a programming language.
fn name_elsewhere(text: &str) -> Option<FieldType> {
    Some(match text.to_ascii_lowercase().as_str() {
        "text" | "str" | "char" | "textarea" => FieldType::String,
        "integer" | "number" | "long" | "i32" | "i64" | "u32" | "u64" => FieldType::Int,
        "checkbox" | "flag" => FieldType::Bool,
        "time" | "timeout" | "seconds" => FieldType::Duration,
        "user" | "person" => FieldType::SlackUser,
        "users" | "people" => FieldType::SlackUserList,
        "list" | "select" | "multiselect" | "string_list" | "list(string)" | "set(string)" => FieldType::StrList,
        "number_list" | "list(number)" | "set(number)" => FieldType::IntList,
        _ => return None,
    })
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FieldType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let hint = match name_elsewhere(text) {
                Some(kind) => {
                    format!(
                        "did you mean `{kind}`? the field types are {}",
                        suggest::quoted(Self::ALL.map(Self::as_str))
                    )
                }
                None => suggest::hint(text, "field types", Self::ALL.map(Self::as_str)),
            };
            Error::invalid(codes::INVALID_FIELD, format!("`{text}` is not a field type")).with_hint(hint)
        })
    }
}
