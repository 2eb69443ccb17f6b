//! Outputs of steps.

use std::fmt;
use std::ops::Deref;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SecretOutput;
use crate::error::{Error, Result, codes};

/// The output of a step: the response of a Lambda function, or the value that a strategy returned.
///
/// As the argument of a handler, `StepOutput<T>` is the output of the current event's step, deserialized as `T`. A hook that takes it is
/// not called for access that the requester had before the request, because the strategy was not called.
///
/// Unlike fields and vars, an output is compared with `T` only when the step has run: neither Sym's resources nor a strategy declares what is
/// returned, and a function can return something else each time. Give members that may be missing the type `Option`, or take
/// `Result<StepOutput<T>, ExtractError>`, so that the hook is called whatever is returned.
///
/// An output is stored with its Run. What is secret in it is marked with [`SecretOutput`], and is encrypted or left out; see the guide
/// `docs/operations.md`. `Debug` shows no content of any output.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepOutput<T = Value>(pub T);

impl StepOutput {
    /// Creates an output from the JSON form of a value.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn new(value: impl Serialize) -> Result<Self> {
        serde_json::to_value(value).map(Self).map_err(|error| {
            Error::invalid(codes::INVALID_JSON, "the output of a step has no JSON form").with_source(error)
        })
    }

    /// Creates an output that is secret as a whole. See [`SecretOutput`] for outputs with secret members.
    pub fn secret(value: impl Into<SecretString>) -> Self {
        // An object with text as its only member always serializes.
        Self(serde_json::to_value(SecretOutput::new(value)).unwrap_or_default())
    }
}

impl<T> StepOutput<T> {
    /// Returns the value.
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

/// Shows no content: an output can contain credentials.
impl<T> fmt::Debug for StepOutput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepOutput(..)")
    }
}
