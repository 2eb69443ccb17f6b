//! Typed views over the JSON objects of a service, which keep everything that the service sent.
//!
//! A vendor's object has dozens of members, and gains new ones at any time. A client types those that flows need and keeps the
//! others as they are, so that a handler can read a member that the client does not know.

use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use sym_sdk::error::{Error, Result};
use sym_sdk::forms::FieldOption;

use crate::ToFieldOption;

/// An object of a service: its typed fields, and the whole of it in [`raw`](Self::raw).
///
/// The fields are reached by dereferencing. The JSON tree is only built when `raw` is called, so lists of thousands of objects cost
/// no more than their text.
///
/// ```
/// use serde::Deserialize;
/// use sym_integrations::kit::Resource;
///
/// #[derive(Debug, Deserialize)]
/// struct Station {
///     name: String,
/// }
///
/// let station: Resource<Station> = serde_json::from_str(r#"{ "name": "Sonnblick", "height": 3106 }"#)?;
/// assert_eq!(station.name, "Sonnblick");
/// assert_eq!(station.raw()["height"], 3106);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct Resource<T> {
    fields: T,
    text: Box<RawValue>,
    json: OnceLock<Value>,
}

impl<T> Resource<T> {
    /// Returns the object as the service sent it.
    pub fn raw(&self) -> &Value {
        // The text was parsed when the object was read, so it is valid.
        self.json.get_or_init(|| serde_json::from_str(self.text.get()).unwrap_or_default())
    }
}

impl<T> Deref for Resource<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.fields
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Resource<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let fields = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        Ok(Self { fields, text, json: OnceLock::new() })
    }
}

impl<T> Serialize for Resource<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<T> PartialEq for Resource<T> {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl<T: fmt::Debug> fmt::Debug for Resource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields.fmt(f)
    }
}

impl<T: ToFieldOption> ToFieldOption for Resource<T> {
    fn option_value(&self) -> String {
        self.fields.option_value()
    }

    fn option_label(&self) -> String {
        self.fields.option_label()
    }
}

impl<T: ToFieldOption> TryFrom<&Resource<T>> for FieldOption {
    type Error = Error;

    fn try_from(resource: &Resource<T>) -> Result<Self> {
        resource.fields.to_field_option()
    }
}

/// Reads `null` as the default of a field, with `#[serde(default, deserialize_with = "null_as_default")]`.
///
/// Services send `null` for a member that has no value, where serde's `default` only covers one that is absent.
pub fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
