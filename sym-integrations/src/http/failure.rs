//! Failures that a service reports: their classification into kinds, and whether a retry is safe.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use sym_sdk::error::{Error, ErrorCode, ErrorKind};

use super::Response;
use super::call_info::CallInfo;

/// The second parts of the error codes that every service can return. A [`Service`](super::Service) adds its own.
pub mod error_names {
    /// The credentials were rejected.
    pub const AUTH_FAILED: &str = "AUTH_FAILED";
    /// The credentials lack a permission.
    pub const FORBIDDEN: &str = "FORBIDDEN";
    /// The resource does not exist.
    pub const NOT_FOUND: &str = "NOT_FOUND";
    /// The state of the resource does not allow the operation.
    pub const CONFLICT: &str = "CONFLICT";
    /// The request is malformed or invalid.
    pub const INVALID_REQUEST: &str = "INVALID_REQUEST";
    /// The service, or the client's own rate limit, throttled the call.
    pub const RATE_LIMITED: &str = "RATE_LIMITED";
    /// The service reported a server error.
    pub const UNAVAILABLE: &str = "UNAVAILABLE";
    /// The service could not be reached; the request was not sent.
    pub const UNREACHABLE: &str = "UNREACHABLE";
    /// The service's TLS certificate was rejected; the request was not sent.
    pub const UNTRUSTED_CERTIFICATE: &str = "UNTRUSTED_CERTIFICATE";
    /// The connection was lost before the response was complete; the request may have been carried out.
    pub const CONNECTION_LOST: &str = "CONNECTION_LOST";
    /// A timeout expired; the request may have been carried out.
    pub const TIMED_OUT: &str = "TIMED_OUT";
    /// The response does not have the expected form.
    pub const INVALID_RESPONSE: &str = "INVALID_RESPONSE";
    /// The response exceeds the size limit.
    pub const TOO_LARGE: &str = "TOO_LARGE";
    /// The service redirected the call to another host.
    pub const REDIRECTED: &str = "REDIRECTED";
    /// The pages of a list lead to another host, form a loop or exceed the limit.
    pub const BAD_PAGING: &str = "BAD_PAGING";
    /// Any other response that is not a success.
    pub const ERROR_RESPONSE: &str = "ERROR_RESPONSE";
}

/// Whether another attempt of a failed call can succeed, and is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Another attempt would fail as well.
    Never,
    /// Another attempt may succeed, but the service may have carried out the request: only idempotent calls are retried.
    IfIdempotent,
    /// Another attempt may succeed, and the service did not carry out the request: every call is retried.
    Always,
}

/// A failure that a service reported. It becomes the [`Error`] of the call if there is no further attempt.
#[derive(Clone, Debug)]
pub struct Failure(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    info: Arc<CallInfo>,
    kind: ErrorKind,
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    temporary_url: Option<SecretString>,
    retry: Retry,
    retry_after: Option<Duration>,
    clock_offset: Option<SignedDuration>,
}

impl Failure {
    /// Classifies a response by its status.
    ///
    /// 429 is retried always; 502, 503 and 504 are retried if the call is idempotent. The delay is that of `Retry-After`. The message
    /// quotes the beginning of the body if it is text.
    pub fn of(response: &Response) -> Self {
        let status = response.status();
        let (kind, name, description) = match status {
            401 => (ErrorKind::Unauthorized, error_names::AUTH_FAILED, "the credentials were rejected"),
            402 | 403 => (ErrorKind::Forbidden, error_names::FORBIDDEN, "the credentials lack a permission"),
            404 | 410 => (ErrorKind::NotFound, error_names::NOT_FOUND, "not found"),
            409 | 412 => (ErrorKind::Conflict, error_names::CONFLICT, "the state of the resource does not allow this"),
            408 | 504 => (ErrorKind::Timeout, error_names::TIMED_OUT, "the service timed out"),
            429 => (ErrorKind::RateLimited, error_names::RATE_LIMITED, "too many requests"),
            400..=499 => (ErrorKind::InvalidInput, error_names::INVALID_REQUEST, "the request was rejected"),
            500..=599 => (ErrorKind::Unavailable, error_names::UNAVAILABLE, "the service is unavailable"),
            _ => (ErrorKind::Decode, error_names::ERROR_RESPONSE, "the response reports a failure"),
        };
        let retry = match status {
            429 => Retry::Always,
            502..=504 => Retry::IfIdempotent,
            _ => Retry::Never,
        };
        let message = match response.quote() {
            Some(quote) => format!("{description}: {quote}"),
            None => description.to_owned(),
        };
        let retry_after = matches!(status, 429 | 503).then(|| response.retry_after()).flatten();
        let info = Arc::clone(response.call_info());
        Self(Box::new(Inner {
            kind,
            code: info.code(name),
            message,
            hint: None,
            temporary_url: None,
            retry,
            retry_after,
            clock_offset: None,
            info,
        }))
    }

    /// Sets the kind of the error.
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Sets the error code.
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        self.0.code = code;
        self
    }

    /// Sets the second part of the error code to a name that the service uses, in upper case: `channel_not_found` becomes
    /// `CHANNEL_NOT_FOUND`. An empty name has no effect.
    pub fn with_name(mut self, name: &str) -> Self {
        let name: String = self
            .0
            .info
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

    /// Sets the message. Secrets in it are redacted, and a long message is truncated.
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Sets the hint: what the reader can do about the failure.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Sets a URL at which an operator can resolve the failure for a short time: [`Error::temporary_url`].
    pub fn with_temporary_url(mut self, url: impl Into<SecretString>) -> Self {
        self.0.temporary_url = Some(url.into());
        self
    }

    /// Sets whether the call is retried.
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Sets the delay that the service asks for. `None` keeps the present one.
    pub fn with_retry_after(mut self, delay: Option<Duration>) -> Self {
        self.0.retry_after = delay.or(self.0.retry_after);
        self
    }

    /// Says that the request was rejected because of its time, and what has to be added to the time of this machine to get that of the
    /// service. A [`Signer`](super::Signer) that can sign with another time is asked to, and the call is attempted once more.
    pub fn with_clock_offset(mut self, offset: SignedDuration) -> Self {
        self.0.clock_offset = Some(offset);
        self
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the error code.
    pub fn code(&self) -> &ErrorCode {
        &self.0.code
    }

    /// Returns the message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns whether the call is retried.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Returns the delay that the service asks for.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub(super) fn clock_offset(&self) -> Option<SignedDuration> {
        self.0.clock_offset
    }

    pub(super) fn into_error(self, response: &Response) -> Error {
        let Inner { info, kind, code, message, hint, temporary_url, .. } = *self.0;
        let message = info.clean(&message);
        let error = info.error(kind, code, &message).with_status(response.status());
        let error = match response.request_id() {
            Some(id) => error.with_request_id(id),
            None => error,
        };
        let error = match temporary_url {
            Some(url) => error.with_temporary_url(url.expose_secret()),
            None => error,
        };
        match hint {
            Some(hint) => error.with_hint(info.clean(&hint)),
            None => error,
        }
    }
}
