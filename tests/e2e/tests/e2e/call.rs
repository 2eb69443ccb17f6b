//! Calls of the HTTP API, with its routes in process.

use serde_json::Value;
use sym_sdk::server::axum::Router;
use sym_sdk::server::axum::body::{Body, to_bytes};
use sym_sdk::server::axum::http::{Method, Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
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

/// Makes a call to a program, over a connection of its own. The token may be empty, and so may the body be `null`.
pub(crate) async fn send(server: &str, token: &str, method: &str, path: &str, body: &Value) -> Response {
    let address = server.strip_prefix("http://").unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    // In version 1.0, a body ends with the connection, and has no chunks.
    let mut request = format!("{method} {path} HTTP/1.0\r\nhost: {address}\r\n");
    if !token.is_empty() {
        request.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).unwrap_or_default();
    Response { status: StatusCode::from_u16(status).unwrap(), text: body.to_owned() }
}
