//! Calls of the HTTP API, with its routes in process.

use serde_json::Value;
use sym_sdk::server::axum::Router;
use sym_sdk::server::axum::body::{Body, to_bytes};
use sym_sdk::server::axum::http::{Method, Request, StatusCode};
use tower::ServiceExt as _;

use crate::table::Answer;

/// The answer to a call.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Returns the body of an answer that is good.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text);
        self.json()
    }

    /// Returns the answer in the words of the table.
    pub(crate) fn answer(&self) -> Answer {
        match self.status {
            status if status.is_success() => Answer::Done,
            StatusCode::UNAUTHORIZED => Answer::Unauthenticated,
            StatusCode::NOT_FOUND => Answer::Hidden,
            _ => Answer::Refused(self.json()["code"].as_str().unwrap_or_default().to_owned()),
        }
    }
}

/// Makes a call with a token, unless that is empty.
pub(crate) async fn call(routes: &Router, token: &str, method: Method, path: &str, body: Option<Value>) -> Response {
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = match body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    let response = routes.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Response { status: parts.status, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub(crate) async fn get(routes: &Router, token: &str, path: &str) -> Response {
    call(routes, token, Method::GET, path, None).await
}

pub(crate) async fn post(routes: &Router, token: &str, path: &str, body: Value) -> Response {
    call(routes, token, Method::POST, path, Some(body)).await
}
