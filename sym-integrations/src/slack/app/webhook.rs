//! The HTTP routes that Slack calls.
//!
//! A request is verified before anything parses it. Only then does its body decide what happens. The exceptions say nothing about the
//! app and do nothing: Slack checks the certificate of a URL with an unsigned `ssl_check=1`, and people open the URL in a browser.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::get;
use sym_sdk::error::Result;

use super::deadline::respond_in_time;
use super::dispatcher::Dispatcher;
use super::payload::Incoming;
use crate::slack::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER};

pub(super) fn router(dispatcher: Dispatcher) -> Router {
    // The payload says what it is, so all routes but that of events, which are JSON, are handled alike.
    Router::new()
        .route("/commands", get(answer_get).post(receive))
        .route("/interactions", get(answer_get).post(receive))
        .route("/options", get(answer_get).post(receive))
        .route("/events", get(answer_get).post(receive_event))
        .with_state(dispatcher)
}

/// Answers a request that sends nothing.
async fn answer_get() -> StatusCode {
    StatusCode::OK
}

async fn receive(State(dispatcher): State<Dispatcher>, headers: HeaderMap, body: Bytes) -> HttpResponse {
    handle(dispatcher, &headers, &body, "application/x-www-form-urlencoded", Incoming::from_form).await
}

async fn receive_event(State(dispatcher): State<Dispatcher>, headers: HeaderMap, body: Bytes) -> HttpResponse {
    handle(dispatcher, &headers, &body, "application/json", Incoming::from_event).await
}

async fn handle(
    dispatcher: Dispatcher,
    headers: &HeaderMap,
    body: &[u8],
    accepted: &str,
    parse: fn(&[u8]) -> Result<Incoming>,
) -> HttpResponse {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (timestamp, signature) = (header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER));
    if let Err(error) = dispatcher.app().verify(timestamp, signature, body, dispatcher.now()) {
        if is_certificate_check(body) {
            return StatusCode::OK.into_response();
        }
        tracing::warn!(%error, "rejected a request to the Slack front end");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let media_type = header(CONTENT_TYPE.as_str()).and_then(|value| value.split(';').next());
    if !media_type.is_some_and(|value| value.trim().eq_ignore_ascii_case(accepted)) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    match parse(body) {
        Ok(incoming) => respond_in_time(dispatcher, incoming).await.into_response(),
        Err(error) => {
            tracing::warn!(%error, "ignored a malformed request from Slack");
            StatusCode::BAD_REQUEST.into_response()
        }
    }
}

/// Returns whether a body only checks the certificate of the URL.
fn is_certificate_check(body: &[u8]) -> bool {
    const MAX_LENGTH: usize = 1_024;
    let fields = || url::form_urlencoded::parse(body);
    body.len() <= MAX_LENGTH
        && fields().any(|(name, value)| name == "ssl_check" && value == "1")
        && fields().all(|(name, _)| matches!(&*name, "ssl_check" | "token"))
}
