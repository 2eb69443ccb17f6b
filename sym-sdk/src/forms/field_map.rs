//! The values of a request's fields.

use std::collections::{BTreeMap, btree_map};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::de::{Field, NamedValues};
use super::{FieldType, FieldValue, SlackUserSelection};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::suggest;

/// The values of a request's fields, by name.
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
    /// Creates an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the value of a field, if it has one.
    pub fn get(&self, name: &str) -> Option<&FieldValue> {
        self.0.get(name)
    }

    /// Returns `true` if the field has a value.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets the value of a field, and returns the previous one.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<FieldValue>) -> Option<FieldValue> {
        self.0.insert(name.into(), value.into())
    }

    /// Removes the value of a field, and returns it.
    pub fn remove(&mut self, name: &str) -> Option<FieldValue> {
        self.0.remove(name)
    }

    /// Returns the number of fields with a value.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` if no field has a value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the names in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the names and values in alphabetical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &FieldValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the text of a `string` field.
    ///
    /// # Errors
    /// If the field has no value, or another type. So do the other methods of this kind.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.typed(name, FieldType::String, |value| match value {
            FieldValue::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Returns the number of an `int` field.
    pub fn int(&self, name: &str) -> Result<i64> {
        self.typed(name, FieldType::Int, |value| match value {
            FieldValue::Int(number) => Some(*number),
            _ => None,
        })
    }

    /// Returns the value of a `bool` field.
    pub fn bool(&self, name: &str) -> Result<bool> {
        self.typed(name, FieldType::Bool, |value| match value {
            FieldValue::Bool(yes) => Some(*yes),
            _ => None,
        })
    }

    /// Returns the duration of a `duration` field.
    pub fn duration(&self, name: &str) -> Result<Duration> {
        self.typed(name, FieldType::Duration, |value| match value {
            FieldValue::Duration(duration) => Some(*duration),
            _ => None,
        })
    }

    /// Returns the user of a `slack_user` field.
    pub fn slack_user(&self, name: &str) -> Result<&SlackUserSelection> {
        self.typed(name, FieldType::SlackUser, |value| match value {
            FieldValue::SlackUser(user) => Some(user),
            _ => None,
        })
    }

    /// Returns the users of a `slack_user_list` field.
    pub fn slack_users(&self, name: &str) -> Result<&[SlackUserSelection]> {
        self.typed(name, FieldType::SlackUserList, |value| match value {
            FieldValue::SlackUsers(users) => Some(users.as_slice()),
            _ => None,
        })
    }

    /// Returns the texts of a `str_list` field.
    pub fn text_list(&self, name: &str) -> Result<&[String]> {
        self.typed(name, FieldType::StrList, |value| match value {
            FieldValue::TextList(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    /// Returns the numbers of an `int_list` field.
    pub fn int_list(&self, name: &str) -> Result<&[i64]> {
        self.typed(name, FieldType::IntList, |value| match value {
            FieldValue::IntList(numbers) => Some(numbers.as_slice()),
            _ => None,
        })
    }

    /// Deserializes the fields into a type. Text is borrowed, a duration is a [`Duration`] or its seconds.
    ///
    /// # Errors
    /// If a field is missing or does not fit the type.
    pub fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T> {
        let fields = self.0.iter().map(|(name, value)| (name.as_str(), Field(value)));
        T::deserialize(NamedValues::new(fields)).map_err(|error| error.into_error(self))
    }

    /// Returns the values as plain JSON.
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
            let got = value.field_type();
            let message = format!("field `{name}` has the type `{got}`, not `{expected}`");
            Error::invalid(codes::INVALID_FIELD_VALUE, message).with_hint(self.hint(name))
        })
    }

    /// Lists the fields with their types, and suggests the nearest name.
    pub(crate) fn hint(&self, name: &str) -> String {
        if self.is_empty() {
            return "no field has a value".to_owned();
        }
        let fields: Vec<String> =
            self.iter().map(|(name, value)| format!("`{name}`: {}", value.field_type())).collect();
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
