//! Signed requests, which are prepared before the load starts, so that signing them costs no time while it runs.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http::header::{CONTENT_TYPE, HOST};
use sha2::Sha256;

use crate::Outcome;
use crate::fixture::SIGNING_SECRET;

/// A signed request, with the expected response.
#[derive(Clone, Debug)]
pub(crate) struct SignedRequest {
    pub(crate) path: &'static str,
    pub(crate) body: Bytes,
    /// The expected body of the response, or `None` to accept any.
    pub(crate) expected: Option<Bytes>,
    timestamp: String,
    signature: String,
}

impl SignedRequest {
    /// Signs a request with the current Unix time in seconds.
    pub(crate) fn new(path: &'static str, body: Bytes, now: i64) -> Outcome<Self> {
        let timestamp = now.to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING_SECRET.as_bytes())?;
        for part in [b"v0:", timestamp.as_bytes(), b":", &body] {
            mac.update(part);
        }
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { path, body, expected: None, timestamp, signature: format!("v0={hex}") })
    }

    /// Sets the expected body of the response.
    pub(crate) fn expecting(mut self, body: Bytes) -> Self {
        self.expected = Some(body);
        self
    }

    /// Returns the HTTP request to send.
    pub(crate) fn to_http(&self) -> http::Result<Request<axum::body::Body>> {
        Request::post(self.path)
            .header(HOST, "127.0.0.1")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("accept", "application/json,*/*")
            .header("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
            .header("x-slack-request-timestamp", &self.timestamp)
            .header("x-slack-signature", &self.signature)
            .body(self.body.clone().into())
    }
}
