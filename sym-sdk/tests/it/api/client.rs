//! Calls to the routes in process.

use serde_json::Value;
use sym_sdk::server::axum::Router;
use sym_sdk::server::axum::body::{Body, to_bytes};
use sym_sdk::server::axum::http::{HeaderMap, Method, Request, StatusCode};
use sym_sdk::server::axum::response::Response;
use tower::ServiceExt as _;

/// A call of the API.
#[derive(Clone, Debug)]
pub(super) struct Call {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    pub(super) fn new(method: Method, path: &str) -> Self {
        let path = if path.starts_with("/api") { path.to_owned() } else { format!("/api/v1{path}") };
        Self { method, path, headers: Vec::new(), body: Vec::new() }
    }

    pub(super) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: &str, body: Value) -> Self {
        Self::new(Method::POST, path).json(body)
    }

    pub(super) fn json(self, body: Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends the call, and returns the response with its body still to be read.
    pub(super) async fn open(self, routes: &Router) -> Response {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        routes.clone().oneshot(request.body(Body::from(self.body)).unwrap()).await.unwrap()
    }

    pub(super) async fn send(self, routes: &Router) -> Answer {
        let (parts, body) = self.open(routes).await.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }
}

/// The answer to a call.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Returns the body of an answer that is good.
    pub(super) fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text);
        self.json()
    }

    /// Returns the status and the code of a problem, whose shape it checks.
    pub(super) fn problem(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(body["error"], true, "{}", self.text);
        assert_eq!(body["status_code"], self.status.as_u16(), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.text);
        assert!(body["request_id"].as_str() == self.header("x-request-id"), "{}", self.text);
        assert!(body["message"].is_string() && body["is_retryable"].is_boolean(), "{}", self.text);
        (self.status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }
}
