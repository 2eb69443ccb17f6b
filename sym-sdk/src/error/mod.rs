//! The error type of the crate.
//!
//! An [`Error`] tells three readers what they need: programs match on its [`ErrorKind`] and its [`ErrorCode`], people read the
//! message and the hint, and operators find the service, status and request id. The kind says how to react (retry, report,
//! refuse), and the code names the exact failure and never changes. Messages are one line, in lower case and without a full
//! stop, so that they can be embedded in other messages; what to do about the failure belongs in the hint. Secrets never belong
//! in either.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod code;
pub mod codes;
mod report;
mod user_message;

pub use code::ErrorCode;
pub use report::Report;

/// A boxed error that can be the source of another.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A result whose error is an [`Error`] by default.
///
/// `?` converts errors of this crate and of `serde_json` into it. A function that meets others returns
/// `Result<T, HandlerError>`, with the [`HandlerError`](crate::handler::HandlerError) of the prelude, into which `?` converts every error:
///
/// ```
/// use sym_sdk::prelude::*;
///
/// #[reducer]
/// fn get_permissions(event: &Event) -> Result<RequestPermission, HandlerError> {
///     let approvals = event.flow().var("approvals")?.parse()?;
///     Ok(RequestPermission::decided_by(PermissionLevel::Member).approvals(approvals))
/// }
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The category of a failure, by which callers decide how to react. The code names the exact failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value is invalid.
    InvalidInput,
    /// Something that was named does not exist.
    NotFound,
    /// The caller is not authenticated.
    Unauthorized,
    /// The caller lacks permission.
    Forbidden,
    /// The current state does not allow the operation.
    Conflict,
    /// A service limited the rate of calls.
    RateLimited,
    /// An operation exceeded its time limit.
    Timeout,
    /// A service cannot be reached or does not work.
    Unavailable,
    /// Data from outside could not be decoded.
    Decode,
    /// The configuration is invalid.
    Configuration,
    /// A user's account in a service could not be found or saved.
    Identity,
    /// A handler failed.
    Handler,
    /// Access could not be granted or removed.
    Strategy,
    /// A bug in this crate.
    Internal,
}

impl ErrorKind {
    /// Whether a call that failed with this kind may have had its effect all the same, or may still have it. The others mean that the
    /// call was refused, or never made.
    pub(crate) const fn leaves_outcome_unknown(self) -> bool {
        match self {
            Self::InvalidInput
            | Self::NotFound
            | Self::Unauthorized
            | Self::Forbidden
            | Self::Conflict
            | Self::RateLimited
            | Self::Configuration
            | Self::Identity => false,
            Self::Timeout | Self::Unavailable | Self::Decode | Self::Handler | Self::Strategy | Self::Internal => true,
        }
    }
}

/// An error with a message, a stable [`code`](Error::code) and a hint on how to resolve it.
///
/// `Display` prints one line: the message and the code, followed by service, status and request id if they are known.
/// [`Error::report`] adds the hint and the sources.
///
/// ```
/// use sym_sdk::error::{Error, ErrorCode, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, ErrorCode::new("Okta", "GROUP_NOT_FOUND"), "no group `00g1`")
///     .with_service("okta")
///     .with_status(404)
///     .with_hint("list the existing groups with `okta.list_groups()`");
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
    temporary_url: Option<String>,
    service: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    outcome_unknown: bool,
    source: Option<BoxError>,
}

impl Error {
    /// Creates an error. The message is one line, in lower case and without a full stop.
    pub fn new(kind: ErrorKind, code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            code,
            message: on_one_line(message.into()),
            hint: None,
            doc_url: None,
            temporary_url: None,
            service: None,
            status: None,
            request_id: None,
            retry_after: None,
            outcome_unknown: false,
            source: None,
        }))
    }

    /// Creates the error of a handler: kind [`ErrorKind::Handler`], code `SymSDK:HANDLER_FAILED`.
    pub fn handler(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Handler, codes::HANDLER_FAILED, message)
    }

    /// Creates the error of a function that lacks a required argument.
    pub fn missing_argument(argument: &str, function: &str) -> Self {
        let message = format!("`{function}` requires the argument `{argument}`");
        Self::new(ErrorKind::InvalidInput, codes::MISSING_ARGUMENT, message)
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn invalid(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, code, message)
    }

    /// Sets the hint: how to resolve the error.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Sets the URL of further documentation.
    pub fn with_doc_url(mut self, url: impl Into<String>) -> Self {
        self.0.doc_url = Some(url.into());
        self
    }

    /// Sets a URL at which an operator can resolve the error now, such as one that authorizes a token within an hour. See
    /// [`Error::temporary_url`].
    pub fn with_temporary_url(mut self, url: impl Into<String>) -> Self {
        self.0.temporary_url = Some(url.into());
        self
    }

    /// Sets the service that failed.
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.0.service = Some(service.into());
        self
    }

    /// Sets the HTTP status of the response.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Sets the request id, as the service assigned it.
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// Sets the delay that the service requested before the next call.
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// States that the call may have had its effect, or may still have it, whatever the kind of the error: an earlier attempt timed
    /// out, for example, before this one was refused. See [`Error::is_outcome_unknown`].
    pub fn with_unknown_outcome(mut self) -> Self {
        self.0.outcome_unknown = true;
        self
    }

    /// Sets the error that caused this one.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The category of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The code, such as `Okta:GROUP_NOT_FOUND`.
    pub fn code(&self) -> &ErrorCode {
        &self.0.code
    }

    /// The message: what failed.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The hint: how to resolve the error.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The URL of further documentation.
    pub fn doc_url(&self) -> Option<&str> {
        self.0.doc_url.as_deref()
    }

    /// A URL at which an operator can resolve the error, for a short time. It may give rights to whoever opens it, so it is in no
    /// message, log, JSON or store: the text of `check --live` shows it to the operator.
    pub fn temporary_url(&self) -> Option<&str> {
        self.0.temporary_url.as_deref()
    }

    /// The service that failed.
    pub fn service(&self) -> Option<&str> {
        self.0.service.as_deref()
    }

    /// The HTTP status of the response.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The request id, as the service assigned it.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The delay that the service requested before the next call, counted from its response. `Display` omits it, because it has
    /// passed by the time somebody reads the message.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same call may succeed when it is retried.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout)
    }

    /// Whether the call that failed may have had its effect, or may still have it: it timed out, its connection was lost, its response
    /// was unreadable, or whoever made it failed in another way. `false` if the call was refused or never made.
    ///
    /// Access whose grant failed with an unknown outcome is revoked again once the service cannot be at work on it any more; see
    /// [`AccessStrategy::settle_time`](crate::strategy::AccessStrategy::settle_time).
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.outcome_unknown || self.kind().leaves_outcome_unknown()
    }

    /// Returns the full report, on several lines: message and code, hint, and each source.
    pub fn report(&self) -> Report<'_> {
        Report::new(self)
    }

    /// Returns Sym's JSON form, with the members `error`, `message` and `code`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "error": true, "message": self.message(), "code": self.code() })
    }

    /// Returns the error as Slack markup: the message in bold, the hint, and a link to the documentation.
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

/// Escapes the characters that Slack interprets as markup.
fn escape_slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An error of another crate that `?` converts into an [`Error`], as a trait for the sake of the compiler's message about those that it
/// does not convert. `MyError` of your own converts with an `impl From<MyError> for Error`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not convert into `sym_sdk::Error`",
    label = "to use `?` on every error, return `Result<T, HandlerError>`",
    note = "say what failed: `.map_err(|error| Error::handler(format!(\"… failed: {{error}}\")))`"
)]
#[doc(hidden)]
pub trait IntoError {
    /// Converts into the error.
    fn into_sym_error(self) -> Error;
}

#[doc(hidden)]
impl<E: IntoError> From<E> for Error {
    fn from(error: E) -> Self {
        error.into_sym_error()
    }
}

/// Converts the error of JSON that does not have the expected form.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(ErrorKind::Decode, codes::INVALID_JSON, "the JSON does not have the expected form").with_source(error)
    }
}

/// Escapes control characters and directional marks. Messages quote input, which could otherwise forge lines of a log or reorder a
/// message on the screen.
fn on_one_line(text: String) -> String {
    let is_escaped = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_escaped) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_escaped(c) { escaped.extend(c.escape_default()) } else { escaped.push(c) }
    }
    escaped
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
        let Inner {
            kind,
            code,
            message,
            hint,
            doc_url,
            // Debug output ends up in logs.
            temporary_url: _,
            service,
            status,
            request_id,
            retry_after,
            outcome_unknown,
            source,
        } = &*self.0;
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
        if *outcome_unknown {
            out.field("outcome_unknown", outcome_unknown);
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
