use serde::Serialize;
use serde_json::{Map, Value};
use sym_sdk::error::Result;

/// The arguments of a method as JSON. What cannot be JSON is reported when the call is made.
#[derive(Debug)]
pub(super) struct Arguments(Result<Map<String, Value>>);

impl Arguments {
    pub(super) fn new() -> Self {
        Self(Ok(Map::new()))
    }

    pub(super) fn set(self, name: &str, value: impl Serialize) -> Self {
        Self(self.0.and_then(|mut arguments| {
            arguments.insert(name.to_owned(), serde_json::to_value(value)?);
            Ok(arguments)
        }))
    }

    pub(super) fn into_json(self) -> Result<Map<String, Value>> {
        self.0
    }
}
