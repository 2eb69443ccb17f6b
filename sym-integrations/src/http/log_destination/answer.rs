//! What an answer means for the entries that were sent.

use std::time::Duration;

use reqwest::StatusCode;
use sym_sdk::error::{Error, ErrorKind, codes};

use crate::http::certificate;

/// Why entries were not kept. Neither the URL nor what the server wrote is in it: both can hold a token.
/// `wait` is for how long the server asks to be left alone.
pub(super) fn refused(host: &str, status: StatusCode, wait: Option<Duration>) -> Error {
    let (kind, hint) = match status.as_u16() {
        429 => (ErrorKind::RateLimited, None),
        408 | 425 | 500.. => (ErrorKind::Unavailable, None),
        401 => (ErrorKind::Unauthorized, Some("check the token in `bearer_token_secret`")),
        403 => (ErrorKind::Forbidden, Some("check what the token in `bearer_token_secret` may do")),
        300..=399 => (ErrorKind::Configuration, Some("redirects are not followed: set `url` to where it leads")),
        413 => (ErrorKind::Configuration, Some("have the server take larger bodies, or set a smaller `batch`")),
        _ => (ErrorKind::Configuration, Some("check `url`: it has to answer a POST with a status of 200 to 299")),
    };
    let error = Error::new(kind, codes::AUDIT_DESTINATION, format!("`{host}` did not take audit entries"))
        .with_service(host)
        .with_status(status.as_u16());
    let error = match wait {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    };
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The server could not be reached, or did not answer in time. Whether it has the entries is not known.
pub(super) fn unreached(host: &str, error: reqwest::Error) -> Error {
    if let Some(hint) = certificate::refused(&error) {
        let message = format!("the certificate of `{host}` was not accepted, and no audit entry was sent");
        let refused = Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message).with_service(host);
        return refused.with_hint(hint).with_source(error.without_url());
    }
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Unavailable };
    let message = format!("`{host}` cannot be reached to take audit entries");
    Error::new(kind, codes::AUDIT_DESTINATION, message).with_service(host).with_source(error.without_url())
}

/// No answer came in time.
pub(super) fn too_slow(host: &str) -> Error {
    let message = format!("`{host}` took too long to take audit entries");
    Error::new(ErrorKind::Timeout, codes::AUDIT_DESTINATION, message).with_service(host)
}
