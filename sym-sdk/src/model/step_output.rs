use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result, codes};

/// What a step left behind: the answer of a Lambda function, or what a strategy returned.
///
/// As a handler's argument `StepOutput<T>` is the output of the current event's step, read as a `T`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepOutput<T = Value>(pub T);

impl StepOutput {
    /// The output with the JSON form of a value.
    pub fn new(value: impl Serialize) -> Result<Self> {
        serde_json::to_value(value).map(Self).map_err(|error| {
            Error::invalid(codes::INVALID_JSON, "the output of a step has no JSON form").with_source(error)
        })
    }
}

impl<T> StepOutput<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for StepOutput<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
