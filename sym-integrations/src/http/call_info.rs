//! The description of a call in errors: its service, method and route, and the secrets that must not appear.

use std::fmt;

use http::{HeaderMap, Method};
use sym_sdk::error::{Error, ErrorCode, ErrorKind};

use super::redact::Redactor;

/// The part of a call that its errors show, and the redactor for everything else.
#[derive(Clone, Debug)]
pub(super) struct CallInfo {
    pub(super) service: &'static str,
    pub(super) error_type: &'static str,
    pub(super) request_id_headers: &'static [&'static str],
    pub(super) method: Method,
    pub(super) route: &'static str,
    pub(super) redactor: Redactor,
    /// Whether the response is a secret, so that errors quote nothing of it.
    pub(super) confidential: bool,
}

impl CallInfo {
    /// Returns an error code of the service.
    pub(super) fn code(&self, name: &'static str) -> ErrorCode {
        ErrorCode::new(self.error_type, name)
    }

    /// Creates an error that names the call.
    pub(super) fn error(&self, kind: ErrorKind, code: ErrorCode, message: impl fmt::Display) -> Error {
        Error::new(kind, code, format!("{self}: {message}")).with_service(self.service)
    }

    /// Redacts and shortens a text from outside for use in an error.
    pub(super) fn clean(&self, text: &str) -> String {
        self.redactor.clean(text)
    }

    /// Returns the service's id of the request.
    pub(super) fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        let header = self.request_id_headers.iter().find_map(|name| headers.get(*name))?;
        let id = self.clean(header.to_str().ok()?);
        (!id.is_empty()).then_some(id)
    }
}

impl fmt::Display for CallInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.route {
            // The base URL itself.
            "" => write!(f, "{}", self.method),
            route => write!(f, "{} {route}", self.method),
        }
    }
}
