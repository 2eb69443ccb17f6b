//! A connection of a program to the API: it stays open, and sends a bot's token.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use load_support::{Outcome, connect};
use serde_json::Value;

/// The time limit for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The maximum size of a response.
const MAX_BYTES: usize = 16 << 20;

pub(crate) struct Connection {
    server: SocketAddr,
    token: String,
    sender: SendRequest<Body>,
}

impl Connection {
    pub(crate) async fn open(server: SocketAddr, token: &str) -> Outcome<Self> {
        Ok(Self { server, token: token.to_owned(), sender: connect(server).await? })
    }

    /// Sends a POST request, whose answer must be a success.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Outcome<Bytes> {
        let response = self.send(Method::POST, path, Body::from(body.to_string())).await?;
        read(path, response).await
    }

    /// Sends a GET request, whose answer must be a success.
    pub(crate) async fn get(&mut self, path: &str) -> Outcome<Bytes> {
        let response = self.send(Method::GET, path, Body::empty()).await?;
        read(path, response).await
    }

    /// Opens a stream, of which only the head is read.
    pub(crate) async fn stream(mut self, path: &str) -> Outcome<Body> {
        let response = self.send(Method::GET, path, Body::empty()).await?;
        if response.status() == StatusCode::OK {
            return Ok(Body::new(response.into_body()));
        }
        read(path, response).await?;
        Err(format!("{path} was not answered with a stream").into())
    }

    async fn send(&mut self, method: Method, path: &str, body: Body) -> Outcome<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, self.server.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)?;
        // The server closes connections that have been idle for a while.
        if self.sender.ready().await.is_err() {
            self.sender = connect(self.server).await?;
        }
        Ok(tokio::time::timeout(RESPONSE_TIMEOUT, self.sender.send_request(request)).await??)
    }
}

async fn read(path: &str, response: Response<Incoming>) -> Outcome<Bytes> {
    let status = response.status();
    let reading = to_bytes(Body::new(response.into_body()), MAX_BYTES);
    let body = tokio::time::timeout(RESPONSE_TIMEOUT, reading).await??;
    if status == StatusCode::OK {
        return Ok(body);
    }
    Err(format!("{path} was answered with status {status}: {}", String::from_utf8_lossy(&body)).into())
}
