use std::collections::{BTreeMap, btree_map};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::de;
use super::{FieldType, FieldValue, SlackUserSelection};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::suggest;

/// The fields of a request, by name.
///
/// ```
/// use serde::Deserialize;
/// use sym_sdk::forms::FieldMap;
///
/// let fields: FieldMap = [("repo", "sym-sdk"), ("reason", "release")].into_iter().collect();
/// assert_eq!(fields.text("repo")?, "sym-sdk");
///
/// #[derive(Deserialize)]
/// struct Form<'a> {
///     repo: &'a str,
///     ticket: Option<i64>,
/// }
/// let form: Form<'_> = fields.deserialize()?;
/// assert_eq!((form.repo, form.ticket), ("sym-sdk", None));
///
/// let error = fields.text("raeson").unwrap_err();
/// assert_eq!(error.message(), "there is no field `raeson`");
/// assert!(error.hint().unwrap().contains("did you mean `reason`?"));
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldMap(pub(super) BTreeMap<String, FieldValue>);

impl FieldMap {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a field, if it has one.
    pub fn get(&self, name: &str) -> Option<&FieldValue> {
        self.0.get(name)
    }

    /// Whether the field has a value.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets the value of a field, and gives back the one it had.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<FieldValue>) -> Option<FieldValue> {
        self.0.insert(name.into(), value.into())
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<FieldValue> {
        self.0.remove(name)
    }

    /// How many fields have a value.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no field has a value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Names and values, in alphabetical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &FieldValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The text of a `string` field.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.typed(name, FieldType::String, |value| match value {
            FieldValue::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The number of an `int` field.
    pub fn int(&self, name: &str) -> Result<i64> {
        self.typed(name, FieldType::Int, |value| match value {
            FieldValue::Int(number) => Some(*number),
            _ => None,
        })
    }

    /// The answer of a `bool` field.
    pub fn bool(&self, name: &str) -> Result<bool> {
        self.typed(name, FieldType::Bool, |value| match value {
            FieldValue::Bool(yes) => Some(*yes),
            _ => None,
        })
    }

    /// The time of a `duration` field.
    pub fn duration(&self, name: &str) -> Result<Duration> {
        self.typed(name, FieldType::Duration, |value| match value {
            FieldValue::Duration(duration) => Some(*duration),
            _ => None,
        })
    }

    /// The user of a `slack_user` field.
    pub fn slack_user(&self, name: &str) -> Result<&SlackUserSelection> {
        self.typed(name, FieldType::SlackUser, |value| match value {
            FieldValue::SlackUser(user) => Some(user),
            _ => None,
        })
    }

    /// The users of a `slack_user_list` field.
    pub fn slack_users(&self, name: &str) -> Result<&[SlackUserSelection]> {
        self.typed(name, FieldType::SlackUserList, |value| match value {
            FieldValue::SlackUsers(users) => Some(users.as_slice()),
            _ => None,
        })
    }

    /// The texts of a `str_list` field.
    pub fn text_list(&self, name: &str) -> Result<&[String]> {
        self.typed(name, FieldType::StrList, |value| match value {
            FieldValue::TextList(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    /// The numbers of an `int_list` field.
    pub fn int_list(&self, name: &str) -> Result<&[i64]> {
        self.typed(name, FieldType::IntList, |value| match value {
            FieldValue::IntList(numbers) => Some(numbers.as_slice()),
            _ => None,
        })
    }

    /// Reads the fields into a type of one's own. Text is borrowed, a duration is a [`Duration`] or its seconds.
    pub fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T> {
        T::deserialize(de::Fields(self)).map_err(|error| error.into_error(self))
    }

    /// The plain JSON values.
    pub fn to_json(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        expected: FieldType,
        pick: impl FnOnce(&'a FieldValue) -> Option<T>,
    ) -> Result<T> {
        let value = self.get(name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, codes::UNKNOWN_FIELD, format!("there is no field `{name}`"))
                .with_hint(self.hint(name))
        })?;
        pick(value).ok_or_else(|| {
            let got = value.type_of();
            let message = format!("field `{name}` has the type `{got}`, not `{expected}`");
            Error::invalid(codes::INVALID_FIELD_VALUE, message).with_hint(self.hint(name))
        })
    }

    /// The fields there are, with their types, and the one that was perhaps meant.
    pub(crate) fn hint(&self, name: &str) -> String {
        if self.is_empty() {
            return "no field has a value".to_owned();
        }
        let fields: Vec<String> = self.iter().map(|(name, value)| format!("`{name}`: {}", value.type_of())).collect();
        let listed = format!("the fields are {}", fields.join(", "));
        match suggest::nearest(name, self.names()).filter(|near| *near != name) {
            Some(near) => format!("did you mean `{near}`? {listed}"),
            None => listed,
        }
    }
}

impl<N: Into<String>, V: Into<FieldValue>> FromIterator<(N, V)> for FieldMap {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<N: Into<String>, V: Into<FieldValue>> Extend<(N, V)> for FieldMap {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, fields: I) {
        self.0.extend(fields.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl IntoIterator for FieldMap {
    type Item = (String, FieldValue);
    type IntoIter = btree_map::IntoIter<String, FieldValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
