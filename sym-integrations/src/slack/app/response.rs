//! What is answered to Slack.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorCode, ErrorKind};

/// A button of a message that is not known to be the Run's.
pub(super) const MISPLACED: ErrorCode = ErrorCode::new("Slack", "MISPLACED_BUTTON");

/// What is answered, within three seconds.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was taken.
    Done,
    /// It was taken, and this is what comes of it.
    Json(Value),
    /// The same, where it is written down already.
    Written(Vec<u8>),
    /// It was not taken, or nobody knows yet: Slack tells whoever did it to try again.
    Unavailable,
}

impl Answer {
    /// A message to whoever typed the command, and to nobody else.
    pub(super) fn ephemeral(text: impl Into<String>) -> Self {
        Self::Json(json!({ "response_type": "ephemeral", "text": text.into() }))
    }

    /// What is wrong with a form, by block.
    pub(super) fn errors(errors: Map<String, Value>) -> Self {
        Self::Json(json!({ "response_action": "errors", "errors": errors }))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Done => StatusCode::OK.into_response(),
            Self::Json(body) => axum::Json(body).into_response(),
            Self::Written(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}

/// An answer, and what is done after it was given.
pub(super) struct Reply {
    pub(super) answer: Answer,
    pub(super) then: Option<BoxFuture<'static, ()>>,
}

impl Reply {
    pub(super) fn then(answer: Answer, work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { answer, then: Some(Box::pin(work)) }
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self { answer, then: None }
    }
}

/// Whether an error is an answer to what somebody did, rather than a fault of the moment: then it is the same next time.
pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Forbidden
            | ErrorKind::Conflict
            | ErrorKind::NotFound
            | ErrorKind::InvalidInput
            | ErrorKind::Identity
            | ErrorKind::Handler
    )
}

/// An error as people are told it: what they can do something about in full, the rest for those who read the log. That is what
/// handlers and services say too.
pub(super) fn in_words(error: &Error) -> String {
    let by_slack = error.code().error_type() == "Slack" && *error.code() != MISPLACED;
    if !is_refusal(error) || error.kind() == ErrorKind::Handler || by_slack {
        return format!("Something went wrong ({}). Please try again.", error.code());
    }
    let message = sentence(error.message());
    match error.hint() {
        Some(hint) => format!("{message} {}", sentence(hint)),
        None => message,
    }
}

fn sentence(text: &str) -> String {
    let mut sentence: String = text.chars().take(1).flat_map(char::to_uppercase).collect();
    sentence.extend(text.chars().skip(1));
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
