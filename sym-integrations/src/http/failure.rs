use std::sync::Arc;
use std::time::Duration;

use sym_sdk::error::{Error, ErrorCode, ErrorKind};

use super::Response;
use super::origin::Origin;

/// The second parts of the error codes that every service can give. A [`Service`](super::Service) adds its own.
pub mod names {
    /// The credentials were not accepted.
    pub const AUTH_FAILED: &str = "AUTH_FAILED";
    /// The credentials do not suffice for this.
    pub const FORBIDDEN: &str = "FORBIDDEN";
    /// There is no such thing.
    pub const NOT_FOUND: &str = "NOT_FOUND";
    /// The thing is in a state that does not allow this.
    pub const CONFLICT: &str = "CONFLICT";
    /// The request was not understood or not valid.
    pub const INVALID_REQUEST: &str = "INVALID_REQUEST";
    /// The service asked to be called less often, or the client's own limit held the call back.
    pub const RATE_LIMITED: &str = "RATE_LIMITED";
    /// The service answered that it is out of order.
    pub const UNAVAILABLE: &str = "UNAVAILABLE";
    /// The service could not be reached: the request was not sent.
    pub const UNREACHABLE: &str = "UNREACHABLE";
    /// The service could not show by its certificate who it is: the request was not sent.
    pub const UNTRUSTED_CERTIFICATE: &str = "UNTRUSTED_CERTIFICATE";
    /// The connection broke before the answer was there: the request may have been carried out.
    pub const CONNECTION_LOST: &str = "CONNECTION_LOST";
    /// A time limit was reached: the request may have been carried out.
    pub const TIMED_OUT: &str = "TIMED_OUT";
    /// The answer is not of the expected form.
    pub const INVALID_RESPONSE: &str = "INVALID_RESPONSE";
    /// The answer is larger than the limit.
    pub const TOO_LARGE: &str = "TOO_LARGE";
    /// The service sent the call elsewhere, where it does not go.
    pub const REDIRECTED: &str = "REDIRECTED";
    /// The pages of a listing lead elsewhere, in a circle, or on and on.
    pub const BAD_PAGING: &str = "BAD_PAGING";
    /// Another answer that is not a success.
    pub const ERROR_RESPONSE: &str = "ERROR_RESPONSE";
}

/// Whether another try of a failed call can help, and is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// It would fail again.
    Never,
    /// It may help. The service may have carried the request out, so only a call that may be repeated is tried again.
    IfIdempotent,
    /// It may help, and the service has not carried the request out: any call is tried again.
    Always,
}

/// What a service said went wrong. It becomes the call's [`Error`] if no further try is made.
#[derive(Clone, Debug)]
pub struct Failure(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    origin: Arc<Origin>,
    kind: ErrorKind,
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    retry: Retry,
    wait: Option<Duration>,
}

impl Failure {
    /// What the status says. Tried again are 429, and, for calls that may be repeated, 502, 503 and 504; the wait is that of
    /// `Retry-After`. The message quotes the beginning of a body that is text.
    pub fn of(response: &Response) -> Self {
        let status = response.status();
        let (kind, name, words) = match status {
            401 => (ErrorKind::Unauthorized, names::AUTH_FAILED, "the credentials were not accepted"),
            402 | 403 => (ErrorKind::Forbidden, names::FORBIDDEN, "the credentials do not suffice for this"),
            404 | 410 => (ErrorKind::NotFound, names::NOT_FOUND, "there is no such thing"),
            409 | 412 => (ErrorKind::Conflict, names::CONFLICT, "this is not possible in its present state"),
            408 | 504 => (ErrorKind::Timeout, names::TIMED_OUT, "the service took too long"),
            429 => (ErrorKind::RateLimited, names::RATE_LIMITED, "called too often"),
            400..=499 => (ErrorKind::InvalidInput, names::INVALID_REQUEST, "the request was refused"),
            500..=599 => (ErrorKind::Unavailable, names::UNAVAILABLE, "the service is out of order"),
            _ => (ErrorKind::Decode, names::ERROR_RESPONSE, "the answer reports a failure"),
        };
        let retry = match status {
            429 => Retry::Always,
            502..=504 => Retry::IfIdempotent,
            _ => Retry::Never,
        };
        let message = match response.quote() {
            Some(quote) => format!("{words}: {quote}"),
            None => words.to_owned(),
        };
        let wait = matches!(status, 429 | 503).then(|| response.retry_after()).flatten();
        let origin = Arc::clone(response.origin());
        Self(Box::new(Inner { kind, code: origin.code(name), message, hint: None, retry, wait, origin }))
    }

    /// Sets the kind of the error.
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Sets the code.
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        self.0.code = code;
        self
    }

    /// Sets the second part of the code from a name of the service's: `channel_not_found` becomes `CHANNEL_NOT_FOUND`. A name
    /// with nothing in it changes nothing.
    pub fn with_name(mut self, name: &str) -> Self {
        let name: String = self
            .0
            .origin
            .clean(name)
            .chars()
            .take(60)
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        if let Ok(code) = format!("{}:{name}", self.0.code.error_type()).parse() {
            self.0.code = code;
        }
        self
    }

    /// Sets the message: what failed, in the service's words. Secrets are taken out of it, and it is cut if it is long.
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Says what to do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Sets whether it is tried again.
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Sets how long the service asks to be left alone, if it says so; else what was known stays.
    pub fn with_wait(mut self, wait: Option<Duration>) -> Self {
        self.0.wait = wait.or(self.0.wait);
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The code.
    pub fn code(&self) -> &ErrorCode {
        &self.0.code
    }

    /// What failed.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether it is tried again.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// How long the service asks to be left alone.
    pub fn wait(&self) -> Option<Duration> {
        self.0.wait
    }

    pub(super) fn into_error(self, response: &Response) -> Error {
        let Inner { origin, kind, code, message, hint, .. } = *self.0;
        let message = origin.clean(&message);
        let error = origin.error(kind, code, &message).with_status(response.status());
        let error = match response.request_id() {
            Some(id) => error.with_request_id(id),
            None => error,
        };
        match hint {
            Some(hint) => error.with_hint(origin.clean(&hint)),
            None => error,
        }
    }
}
