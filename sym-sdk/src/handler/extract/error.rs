use std::fmt;

use crate::error::{Error, ErrorKind, codes};

/// Why an argument could not be had.
pub struct ExtractError(Error);

impl ExtractError {
    /// Of an argument that the context does not hold. `argument` is its type as the handler names it.
    pub(super) fn missing(argument: impl fmt::Display) -> Self {
        let message = format!("the argument `{argument}` cannot be had in this call");
        Self(Error::new(ErrorKind::Handler, codes::ARGUMENT_UNAVAILABLE, message))
    }

    /// The error as this crate reports it.
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
