//! The error of a handler.

use std::fmt;

use super::ExtractError;
use crate::error::{BoxError, Error, ErrorCode, ErrorKind, IntoError, codes};

/// The error of a handler: any error that its author returned.
///
/// Every type that converts into a boxed error converts into this one: [`Error`], the errors of the standard library,
/// `anyhow::Error`, `String` and `&str`. It does not implement [`std::error::Error`] itself, because that would conflict with
/// the conversion.
///
/// A handler that returns `Result<T, HandlerError>` can use `?` on any of them.
pub struct HandlerError(BoxError);

impl<E: Into<BoxError>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl HandlerError {
    /// Returns the error as an [`Error`] of this crate, if it is one.
    pub fn as_error(&self) -> Option<&Error> {
        let extracting = || self.0.downcast_ref::<ExtractError>().map(ExtractError::as_error);
        self.0.downcast_ref::<Error>().or_else(extracting)
    }

    /// The code: that of an [`Error`] of this crate, or `SymSDK:HANDLER_FAILED` for any other error.
    pub fn code(&self) -> ErrorCode {
        self.as_error().map_or(codes::HANDLER_FAILED, |error| error.code().clone())
    }

    /// The hint of an [`Error`] of this crate.
    pub fn hint(&self) -> Option<&str> {
        self.as_error()?.hint()
    }

    /// Returns the error that the author returned.
    pub fn into_inner(self) -> BoxError {
        self.0
    }

    /// Converts into an error of kind [`ErrorKind::Handler`], keeping code, hint and sources.
    pub fn into_error(self) -> Error {
        let own = self.0.downcast::<Error>().map(|error| *error);
        let own = own.or_else(|other| other.downcast::<ExtractError>().map(|error| Error::from(*error)));
        match own {
            Ok(error) => error.with_kind(ErrorKind::Handler),
            Err(other) => {
                let error = Error::handler(other.to_string());
                // An error without a source adds nothing to its own message.
                if other.source().is_some() { error.with_source(other) } else { error }
            }
        }
    }
}

#[doc(hidden)]
impl IntoError for HandlerError {
    fn into_sym_error(self) -> Error {
        self.into_error()
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
