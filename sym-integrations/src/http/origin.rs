use std::fmt;

use http::{HeaderMap, Method};
use sym_sdk::error::{Error, ErrorCode, ErrorKind};

use super::redact::Redactor;

/// What an error says about the call that it comes from, and what it must not say.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) service: &'static str,
    pub(super) error_type: &'static str,
    pub(super) request_id_headers: &'static [&'static str],
    pub(super) method: Method,
    pub(super) route: &'static str,
    pub(super) redactor: Redactor,
    /// Nothing of what the service sent is quoted.
    pub(super) confidential: bool,
}

impl Origin {
    /// A code of the service's.
    pub(super) fn code(&self, name: &'static str) -> ErrorCode {
        ErrorCode::new(self.error_type, name)
    }

    /// An error that names the call.
    pub(super) fn error(&self, kind: ErrorKind, code: ErrorCode, message: impl fmt::Display) -> Error {
        Error::new(kind, code, format!("{self}: {message}")).with_service(self.service)
    }

    /// A text from outside, fit for an error.
    pub(super) fn clean(&self, text: &str) -> String {
        self.redactor.clean(text)
    }

    /// The service's own id of a request.
    pub(super) fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        let header = self.request_id_headers.iter().find_map(|name| headers.get(*name))?;
        let id = self.clean(header.to_str().ok()?);
        (!id.is_empty()).then_some(id)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.route {
            // The base URL itself is called.
            "" => write!(f, "{}", self.method),
            route => write!(f, "{} {route}", self.method),
        }
    }
}
