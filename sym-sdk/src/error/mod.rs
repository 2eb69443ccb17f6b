//! The error type of the crate, its codes, and how it is shown.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod code;
pub mod codes;
mod report;

pub use code::ErrorCode;
pub use report::Report;

/// Any error that can be a source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A result whose error is an [`Error`], unless said.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is. The code says more exactly which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value does not meet the rules for it.
    InvalidInput,
    /// The named thing does not exist.
    NotFound,
    /// Nobody, or somebody who could not be verified, asked.
    Unauthorized,
    /// Whoever asked may not.
    Forbidden,
    /// The thing is in a state that does not allow this.
    Conflict,
    /// A service asked to be called less often.
    RateLimited,
    /// Something took longer than its limit.
    Timeout,
    /// A service cannot be reached or is out of order.
    Unavailable,
    /// Data from elsewhere could not be understood.
    Decode,
    /// The configuration has a fault.
    Configuration,
    /// A user's account in a service could not be found or saved.
    Identity,
    /// A handler failed.
    Handler,
    /// Access could not be granted or removed.
    Strategy,
    /// A fault of this crate.
    Internal,
}

/// An error that says what failed, under which [`code`](Error::code), and what to do about it.
///
/// `Display` is one line: the message and the code, and service, status and request id if they are known.
/// [`Error::report`] adds the hint and the sources.
///
/// ```
/// use sym_sdk::error::{Error, ErrorCode, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, ErrorCode::new("Okta", "GROUP_NOT_FOUND"), "no group `00g1`")
///     .with_service("okta")
///     .with_status(404)
///     .with_hint("list the groups that there are with `okta.list_groups()`");
/// assert_eq!(error.to_string(), "no group `00g1` (Okta:GROUP_NOT_FOUND, service okta, status 404)");
/// assert!(!error.is_retryable());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    doc_url: Option<String>,
    service: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    source: Option<BoxError>,
}

impl Error {
    /// An error. The message is one line without a full stop at its end.
    pub fn new(kind: ErrorKind, code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            code,
            message: message.into(),
            hint: None,
            doc_url: None,
            service: None,
            status: None,
            request_id: None,
            retry_after: None,
            source: None,
        }))
    }

    /// A failure that a handler reports: kind [`ErrorKind::Handler`], code `SymSDK:HANDLER_FAILED`.
    pub fn handler(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Handler, codes::HANDLER_FAILED, message)
    }

    /// A call lacks an argument that it cannot do without.
    pub fn missing_argument(argument: &str, function: &str) -> Self {
        let message = format!("`{function}` was called without the argument `{argument}`");
        Self::new(ErrorKind::InvalidInput, codes::MISSING_ARGUMENT, message)
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn invalid(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, code, message)
    }

    /// Says what to do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says where to read more.
    pub fn with_doc_url(mut self, url: impl Into<String>) -> Self {
        self.0.doc_url = Some(url.into());
        self
    }

    /// Names the service that failed.
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.0.service = Some(service.into());
        self
    }

    /// Keeps the HTTP status that the service answered with.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Keeps the service's own id of the request.
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// Keeps for how long the service asked to be left alone.
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Keeps the error that caused this one.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The code, such as `Okta:GROUP_NOT_FOUND`.
    pub fn code(&self) -> &ErrorCode {
        &self.0.code
    }

    /// What failed.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Where to read more.
    pub fn doc_url(&self) -> Option<&str> {
        self.0.doc_url.as_deref()
    }

    /// The service that failed.
    pub fn service(&self) -> Option<&str> {
        self.0.service.as_deref()
    }

    /// The HTTP status that the service answered with.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's own id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// For how long the service asked to be left alone, counted from its answer; `None` if it did not say. `Display` leaves it
    /// out: by the time that somebody reads it, it has passed.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same call may succeed later without a change.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout)
    }

    /// All there is to say, on several lines: message and code, hint, and each source.
    pub fn report(&self) -> Report<'_> {
        Report::new(self)
    }

    /// Sym's dictionary form: `error`, `message` and `code`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "error": true, "message": self.message(), "code": self.code() })
    }

    /// The error as Slack markup: the message in bold, the hint, a link.
    pub fn slack_markdown(&self) -> String {
        let mut text = format!("*{}*", escape_slack(self.message()));
        if let Some(hint) = self.hint() {
            text.push_str(&format!("\n\n*Hint:* {}", escape_slack(hint)));
        }
        if let Some(url) = self.doc_url() {
            text.push_str(&format!("\n\n<{}|Read more>", escape_slack(url)));
        }
        text
    }
}

/// Slack reads `&`, `<` and `>` as markup.
fn escape_slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// JSON that is not of the expected form.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(ErrorKind::Decode, codes::INVALID_JSON, "the JSON is not of the expected form").with_source(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.message(), self.code())?;
        if let Some(service) = self.service() {
            write!(f, ", service {service}")?;
        }
        if let Some(status) = self.status() {
            write!(f, ", status {status}")?;
        }
        if let Some(id) = self.request_id() {
            write!(f, ", request {id}")?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, code, message, hint, doc_url, service, status, request_id, retry_after, source } = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", kind).field("code", &format_args!("{code}")).field("message", message);
        for (name, value) in [("hint", hint), ("doc_url", doc_url), ("service", service), ("request_id", request_id)] {
            if let Some(value) = value {
                out.field(name, value);
            }
        }
        if let Some(status) = status {
            out.field("status", status);
        }
        if let Some(wait) = retry_after {
            out.field("retry_after", wait);
        }
        if let Some(source) = source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}
