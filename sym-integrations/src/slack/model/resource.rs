//! A typed view over a JSON object that is kept as it was received.

use std::fmt;
use std::sync::OnceLock;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// An object received from Slack: the typed members, and the original text. The text is parsed to a [`Value`] on first use.
#[derive(Clone)]
pub(super) struct Resource<T> {
    pub(super) typed: T,
    text: Box<RawValue>,
    json: OnceLock<Value>,
}

impl<T> Resource<T> {
    pub(super) fn raw(&self) -> &Value {
        // The text was parsed once when `typed` was deserialized, so this cannot fail.
        self.json.get_or_init(|| serde_json::from_str(self.text.get()).unwrap_or_default())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Resource<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let typed = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        Ok(Self { typed, text, json: OnceLock::new() })
    }
}

impl<T> Serialize for Resource<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw().serialize(serializer)
    }
}

impl<T: fmt::Debug> fmt::Debug for Resource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.typed.fmt(f)
    }
}
