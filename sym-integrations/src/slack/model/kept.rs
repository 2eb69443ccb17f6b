use std::fmt;
use std::sync::OnceLock;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// An object of Slack's: what of it is typed, and all of it as it was sent. That is made into a tree only when somebody looks.
#[derive(Clone)]
pub(super) struct Kept<T> {
    pub(super) known: T,
    text: Box<RawValue>,
    json: OnceLock<Value>,
}

impl<T> Kept<T> {
    pub(super) fn raw(&self) -> &Value {
        // It has been read before, so it can be read.
        self.json.get_or_init(|| serde_json::from_str(self.text.get()).unwrap_or_default())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let known = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        Ok(Self { known, text, json: OnceLock::new() })
    }
}

impl<T> Serialize for Kept<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw().serialize(serializer)
    }
}

impl<T: fmt::Debug> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.known.fmt(f)
    }
}
