//! Errors of a delivery. They contain neither the URL nor the server's response, because both can contain a token.

use std::time::Duration;

use reqwest::StatusCode;
use sym_sdk::error::{Error, ErrorKind, codes};

use crate::http::certificate;

/// The hints for responses that no retry changes: what to look at in the configuration of a log destination.
pub(crate) struct Hints {
    /// For 401: the credentials are not valid.
    pub(crate) unauthorized: &'static str,
    /// For 403: the credentials are not sufficient.
    pub(crate) forbidden: &'static str,
    /// For 413: the request is too large.
    pub(crate) too_large: &'static str,
    /// For all others.
    pub(crate) other: &'static str,
}

/// The error for a response that is not a success.
pub(super) fn rejected(host: &str, status: StatusCode, retry_after: Option<Duration>, hints: &Hints) -> Error {
    let (kind, hint) = match status.as_u16() {
        429 => (ErrorKind::RateLimited, None),
        408 | 425 | 500.. => (ErrorKind::Unavailable, None),
        401 => (ErrorKind::Unauthorized, Some(hints.unauthorized)),
        403 => (ErrorKind::Forbidden, Some(hints.forbidden)),
        300..=399 => {
            (ErrorKind::Configuration, Some("redirects are not followed: set `url` to the target of the redirect"))
        }
        413 => (ErrorKind::Configuration, Some(hints.too_large)),
        _ => (ErrorKind::Configuration, Some(hints.other)),
    };
    let error = Error::new(kind, codes::AUDIT_DESTINATION, format!("`{host}` rejected audit entries"))
        .with_service(host)
        .with_status(status.as_u16());
    let error = match retry_after {
        Some(delay) => error.with_retry_after(delay),
        None => error,
    };
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The error for a request without a response. It is unknown whether the server stored the entries.
pub(super) fn unreachable(host: &str, error: reqwest::Error) -> Error {
    if let Some(hint) = certificate::rejected(&error) {
        let message = format!("the certificate of `{host}` was rejected; no audit entry was sent");
        let rejected = Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message).with_service(host);
        return rejected.with_hint(hint).with_source(error.without_url());
    }
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Unavailable };
    let message = format!("cannot deliver audit entries: `{host}` is unreachable");
    Error::new(kind, codes::AUDIT_DESTINATION, message).with_service(host).with_source(error.without_url())
}

/// The error for a delivery that exceeded its timeout.
pub(super) fn timed_out(host: &str) -> Error {
    let message = format!("delivering audit entries to `{host}` timed out");
    Error::new(ErrorKind::Timeout, codes::AUDIT_DESTINATION, message).with_service(host)
}
