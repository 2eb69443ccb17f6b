//! Responses to Slack, and errors in the words of the person who reads them.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response as HttpResponse};
use serde_json::{Map, Value, json};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, codes};

/// The response to an interaction.
#[derive(Debug)]
pub(super) enum Response {
    /// Acknowledges the interaction.
    Ack,
    /// Acknowledges the interaction with a body.
    Json(Value),
    /// Acknowledges the interaction with a body that is already serialized.
    SerializedJson(Vec<u8>),
    /// The interaction comes from another workspace. Slack shows an error.
    Refused,
    /// The interaction was not accepted, or its outcome is not known yet. Slack asks the user to try again.
    Unavailable,
}

impl Response {
    /// Creates a message that only the user who typed the command sees.
    pub(super) fn ephemeral(text: impl Into<String>) -> Self {
        Self::Json(json!({ "response_type": "ephemeral", "text": text.into() }))
    }

    /// Creates a response with validation errors, by block id.
    pub(super) fn validation_errors(errors: Map<String, Value>) -> Self {
        Self::Json(json!({ "response_action": "errors", "errors": errors }))
    }
}

impl IntoResponse for Response {
    fn into_response(self) -> HttpResponse {
        match self {
            Self::Ack => StatusCode::OK.into_response(),
            Self::Json(body) => axum::Json(body).into_response(),
            Self::SerializedJson(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
            Self::Refused => StatusCode::FORBIDDEN.into_response(),
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}

/// A response, and the work that follows once it is sent.
pub(super) struct ResponseWithFollowUp {
    pub(super) response: Response,
    pub(super) follow_up: Option<BoxFuture<'static, ()>>,
}

impl ResponseWithFollowUp {
    /// Acknowledges the interaction and continues with `follow_up`.
    pub(super) fn ack_then(follow_up: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { response: Response::Ack, follow_up: Some(Box::pin(follow_up)) }
    }
}

impl From<Response> for ResponseWithFollowUp {
    fn from(response: Response) -> Self {
        Self { response, follow_up: None }
    }
}

/// Returns the [text](Error::user_message) of an error for the user. Errors of Slack may contain internals, so they are only logged.
pub(super) fn user_message(error: &Error) -> String {
    if [codes::STORE, codes::STORE_NOT_WRITABLE].contains(error.code()) {
        return format!(
            "This cannot be stored at the moment ({}), so nothing was done. Please try again later.",
            error.code()
        );
    }
    if error.code().error_type() == "Slack" {
        return format!("Something went wrong ({}). Please try again.", error.code());
    }
    error.user_message()
}
