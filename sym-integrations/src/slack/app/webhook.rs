//! The HTTP routes that Slack calls.
//!
//! A request is verified before anything parses it. Only then does its body decide what happens.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::post;

use super::deadline::respond_in_time;
use super::dispatcher::Dispatcher;
use super::payload::Incoming;
use crate::slack::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER};

pub(super) fn router(dispatcher: Dispatcher) -> Router {
    // The payload says what it is, so all three routes are handled alike.
    Router::new()
        .route("/commands", post(receive))
        .route("/interactions", post(receive))
        .route("/options", post(receive))
        .with_state(dispatcher)
}

async fn receive(State(dispatcher): State<Dispatcher>, headers: HeaderMap, body: Bytes) -> HttpResponse {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (timestamp, signature) = (header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER));
    if let Err(error) = dispatcher.app().verify(timestamp, signature, &body, dispatcher.now()) {
        tracing::warn!(%error, "rejected a request to the Slack front end");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let media_type = header(CONTENT_TYPE.as_str()).and_then(|value| value.split(';').next());
    if !media_type.is_some_and(|value| value.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    match Incoming::from_form(&body) {
        Ok(incoming) => respond_in_time(dispatcher, incoming).await.into_response(),
        Err(error) => {
            tracing::warn!(%error, "ignored a malformed request from Slack");
            StatusCode::BAD_REQUEST.into_response()
        }
    }
}
