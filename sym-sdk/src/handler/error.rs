use std::fmt;

use super::ExtractError;
use crate::error::{BoxError, Error, ErrorCode, ErrorKind, codes};

/// Why a handler failed: any error that its author chose to return.
///
/// Everything that converts into a boxed error converts into this: [`Error`], the standard library's errors,
/// `anyhow::Error`, `String` and `&str`. It is no error itself, since it could not have that conversion then.
pub struct HandlerError(BoxError);

impl<E: Into<BoxError>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl HandlerError {
    /// The error of this crate, if it is one.
    pub fn as_error(&self) -> Option<&Error> {
        let extracting = || self.0.downcast_ref::<ExtractError>().map(ExtractError::as_error);
        self.0.downcast_ref::<Error>().or_else(extracting)
    }

    /// The code of an error of this crate; `SymSDK:HANDLER_FAILED` for any other.
    pub fn code(&self) -> ErrorCode {
        self.as_error().map_or(codes::HANDLER_FAILED, |error| error.code().clone())
    }

    /// The hint of an error of this crate.
    pub fn hint(&self) -> Option<&str> {
        self.as_error()?.hint()
    }

    /// The error as the author returned it.
    pub fn into_inner(self) -> BoxError {
        self.0
    }

    /// An error of kind [`ErrorKind::Handler`] that keeps all that is known.
    pub fn into_error(self) -> Error {
        let own = self.0.downcast::<Error>().map(|error| *error);
        let own = own.or_else(|other| other.downcast::<ExtractError>().map(|error| Error::from(*error)));
        match own {
            Ok(error) => error.with_kind(ErrorKind::Handler),
            Err(other) => {
                let error = Error::handler(other.to_string());
                // Without causes of its own it has nothing to add to the message.
                if other.source().is_some() { error.with_source(other) } else { error }
            }
        }
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HandlerError").field(&self.0).finish()
    }
}
