//! Answers of services to the questions of handlers, as they are recorded.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ErrorCode, ErrorKind};

/// A question that a handler has asked a service, with the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LookUp {
    /// The service, such as `pagerduty`.
    pub service: String,
    /// The question with its arguments. The same question is always written in the same way.
    pub question: String,
    /// The answer.
    pub answer: LookUpAnswer,
}

impl LookUp {
    /// Creates a look-up.
    pub fn new(service: impl Into<String>, question: impl Into<String>, answer: LookUpAnswer) -> Self {
        Self { service: service.into(), question: question.into(), answer }
    }
}

/// The answer of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LookUpAnswer {
    /// The answer, as the handler got it. A list of users is a list of their ids.
    Returned(Value),
    /// The look-up failed.
    Failed {
        /// The kind of failure.
        kind: ErrorKind,
        /// The code.
        code: ErrorCode,
        /// The message.
        message: String,
    },
    /// There was an answer, which is too large to be recorded.
    Omitted,
}
