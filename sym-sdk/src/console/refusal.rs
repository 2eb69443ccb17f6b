//! The pages of what cannot be shown or done.

use std::any::Any;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::page::Page;
use super::parts::sentence;
use crate::error::{Error, ErrorCode, ErrorKind, codes};
use crate::server::problem::status_of;

/// The codes of errors about what a request says of its sender.
const TO_THE_SENDER: [ErrorCode; 3] =
    [codes::AUTHENTICATION_MISSING, codes::AUTHENTICATION_AMBIGUOUS, codes::AUTHENTICATION_INVALID_JWT];

/// The page of a request that was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    title: &'static str,
    message: String,
    hint: Option<String>,
}

impl Refusal {
    /// The one page for what does not exist, and for what one may not see.
    pub(super) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: "Not found",
            message: "There is nothing at this address, or you may not see it.".to_owned(),
            hint: Some("Ask whoever sent you the link whether it is for you.".to_owned()),
        }
    }

    /// The page for a form that was not understood.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "Not understood",
            message: message.into(),
            hint: Some("Go back, and send the form again.".to_owned()),
        }
    }

    /// Returns the answer without a page around it, for whoever may not even see that.
    pub(super) fn into_plain_response(self) -> Response {
        let hint = self.hint.map(|hint| format!("\n{hint}")).unwrap_or_default();
        (self.status, format!("{}{hint}\n", self.message)).into_response()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = status_of(&error);
        if status == StatusCode::NOT_FOUND {
            return Self::not_found();
        }
        if status.is_server_error() {
            tracing::warn!(error = %error.report(), "a page of the console failed");
        }
        let title = match error.kind() {
            ErrorKind::Forbidden | ErrorKind::Unauthorized => "Not permitted",
            ErrorKind::Conflict => "Not possible now",
            ErrorKind::RateLimited => "Too fast",
            ErrorKind::InvalidInput => "Not understood",
            _ => "Something went wrong",
        };
        // What is wrong with the word of the proxy is for whoever is behind it.
        if TO_THE_SENDER.contains(error.code()) {
            return Self { status, title, message: sentence(error.message()), hint: error.hint().map(sentence) };
        }
        Self { status, title, message: error.user_message(), hint: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let main = html! {
            section.card.narrow {
                div.body {
                    h1 { (self.title) }
                    p { (self.message) }
                    @if let Some(hint) = &self.hint { p.why { (hint) } }
                    p.row { a.button href="/console" { "Home" } a.button.quiet href="/console/requests" { "My requests" } }
                }
            }
        };
        Page::new(self.title, main).status(self.status).without_counts().into_response()
    }
}

pub(super) async fn not_found() -> Refusal {
    Refusal::not_found()
}

pub(super) async fn method_not_allowed() -> Refusal {
    Refusal { status: StatusCode::METHOD_NOT_ALLOWED, ..Refusal::invalid("This address takes no such request.") }
}

/// Answers a panic. Its message is not logged, because it can contain data of the request.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a page of the console panicked");
    let message = "The server has failed on this page. What was sent may have taken effect.".to_owned();
    let (status, title) = (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong");
    Refusal { status, title, message, hint: None }.into_response()
}
