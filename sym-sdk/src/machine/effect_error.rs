//! The form in which errors are recorded in states, outcomes and audit entries.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, ErrorKind};
use crate::model::HandlerRef;

/// An [`Error`] reduced to the parts that are stored: without its sources, status and request id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EffectError {
    /// The kind of failure. Records of earlier versions have none and are read as [`ErrorKind::Handler`].
    #[serde(default = "unrecorded_kind")]
    pub kind: ErrorKind,
    /// The code, for programs.
    pub code: ErrorCode,
    /// The message, for people.
    pub message: String,
    /// The suggested action.
    pub hint: Option<String>,
    /// The handler that failed, for an error raised by a handler.
    pub handler: Option<Box<HandlerRef>>,
    /// Whether the same effect may succeed if it is retried.
    pub retryable: bool,
    /// Whether a call that failed may have had its effect, or may still have it, although errors of this kind mean otherwise. See
    /// [`EffectError::is_outcome_unknown`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outcome_unknown: bool,
}

fn unrecorded_kind() -> ErrorKind {
    ErrorKind::Handler
}

impl EffectError {
    /// Creates an error that is not retried.
    pub fn new(kind: ErrorKind, code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            message: message.into(),
            hint: None,
            handler: None,
            retryable: false,
            outcome_unknown: false,
        }
    }

    /// Returns whether the call that failed may have had its effect, or may still have it; see [`Error::is_outcome_unknown`].
    pub fn is_outcome_unknown(&self) -> bool {
        self.outcome_unknown || self.kind.leaves_outcome_unknown()
    }

    /// Sets the hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the handler that raised the error.
    #[must_use]
    pub fn in_handler(mut self, handler: HandlerRef) -> Self {
        self.handler = Some(Box::new(handler));
        self
    }
}

impl From<&Error> for EffectError {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            code: error.code().clone(),
            message: error.message().to_owned(),
            hint: error.hint().map(str::to_owned),
            handler: None,
            retryable: error.is_retryable(),
            outcome_unknown: error.is_outcome_unknown() && !error.kind().leaves_outcome_unknown(),
        }
    }
}

impl From<EffectError> for Error {
    /// An error of a handler becomes [`ErrorKind::Handler`]: its own kind tells why a service refused the handler, and a front
    /// end must not pass that on as its answer to the person who called it.
    fn from(error: EffectError) -> Self {
        let (kind, message) = match &error.handler {
            Some(handler) => (ErrorKind::Handler, format!("{handler} failed: {}", error.message)),
            None => (error.kind, error.message),
        };
        let built = Self::new(kind, error.code, message);
        match error.hint {
            Some(hint) => built.with_hint(hint),
            None => built,
        }
    }
}

impl fmt::Display for EffectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)?;
        match &self.handler {
            Some(handler) => write!(f, " in {handler}"),
            None => Ok(()),
        }
    }
}
