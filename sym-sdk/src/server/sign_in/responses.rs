//! The responses of the routes: plain text, which cannot become part of a page.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::{Error, ErrorKind};
use crate::server::problem::status_of;

const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

pub(super) fn plain(status: StatusCode, text: &str) -> Response {
    with_headers((status, format!("{text}\n")).into_response())
}

/// Sends the browser elsewhere, with a GET.
pub(super) fn redirect(address: &str) -> Response {
    match HeaderValue::try_from(address) {
        Ok(location) => with_headers((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()),
        Err(_) => plain(StatusCode::BAD_GATEWAY, "the address of the identity provider is malformed"),
    }
}

/// The response to a failure. Whoever reads it is not known, so what services and the store have said is logged alone.
pub(super) fn failure(error: &Error) -> Response {
    let status = status_of(error);
    let is_for_everybody = matches!(
        error.kind(),
        ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::InvalidInput | ErrorKind::NotFound
    );
    if !is_for_everybody {
        tracing::error!(%error, hint = error.hint(), "a sign-in failed");
        return plain(status, "the sign-in failed; the log of the program says why");
    }
    tracing::warn!(%error, code = %error.code(), "a sign-in was refused");
    let hint = error.hint().map(|hint| format!("\n{hint}")).unwrap_or_default();
    plain(status, &format!("{}{hint}", error.message()))
}

fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
