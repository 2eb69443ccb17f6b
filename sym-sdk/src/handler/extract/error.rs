//! The error of arguments that are not available.

use std::fmt;

use crate::error::{Error, ErrorKind, codes};

/// The error of an argument that could not be extracted.
pub struct ExtractError(Error);

impl ExtractError {
    /// Creates the error for an argument that the context does not hold. `argument` is its type as written in the handler.
    pub(super) fn missing(argument: impl fmt::Display) -> Self {
        let message = format!("argument `{argument}` is not available here");
        Self(Error::new(ErrorKind::Handler, codes::ARGUMENT_UNAVAILABLE, message))
    }

    /// Returns the error as an [`Error`] of this crate.
    pub fn as_error(&self) -> &Error {
        &self.0
    }
}

impl From<Error> for ExtractError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<ExtractError> for Error {
    fn from(error: ExtractError) -> Self {
        error.0
    }
}

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExtractError").field(&self.0).finish()
    }
}

impl std::error::Error for ExtractError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}
