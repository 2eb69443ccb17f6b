//! CannedResponse replies.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

/// A reply of a [`Replay`](super::Replay).
///
/// ```
/// use sym_integrations::testing::Reply;
///
/// let reply = Reply::json([1, 2]).header("link", "<https://api.example.com/v1/numbers?after=2>; rel=\"next\"");
/// let busy = Reply::status(429).header("retry-after", "7");
/// # let _ = (reply, busy);
/// ```
#[derive(Clone, Debug)]
pub struct Reply(pub(super) Outcome);

#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Answer(CannedResponse),
    Unreachable,
    Lost,
    TimedOut,
}

/// A complete response.
#[derive(Clone, Debug)]
pub(super) struct CannedResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    /// A response without a body. An invalid status is treated as 500.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self(Outcome::Answer(CannedResponse { status, headers: HeaderMap::new(), body: Bytes::new() }))
    }

    /// A response with status 200 and JSON.
    pub fn json(body: impl Serialize) -> Self {
        let body = serde_json::to_vec(&body).unwrap_or_else(|error| format!("not JSON: {error}").into_bytes());
        Self::status(200).header("content-type", "application/json").body(body)
    }

    /// A response with status 200 and text.
    pub fn text(body: impl Into<String>) -> Self {
        Self::status(200).header("content-type", "text/plain; charset=utf-8").body(body.into())
    }

    /// A failure to connect.
    pub fn unreachable() -> Self {
        Self(Outcome::Unreachable)
    }

    /// A connection that is lost before the response is complete.
    pub fn connection_lost() -> Self {
        Self(Outcome::Lost)
    }

    /// A read timeout.
    pub fn timed_out() -> Self {
        Self(Outcome::TimedOut)
    }

    /// Sets the status.
    pub fn with_status(mut self, status: u16) -> Self {
        if let (Outcome::Answer(answer), Ok(status)) = (&mut self.0, StatusCode::from_u16(status)) {
            answer.status = status;
        }
        self
    }

    /// Appends a header. An invalid header is ignored.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Outcome::Answer(answer), Ok(name), Ok(value)) =
            (&mut self.0, HeaderName::try_from(name), HeaderValue::try_from(value))
        {
            answer.headers.append(name, value);
        }
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        if let Outcome::Answer(answer) = &mut self.0 {
            answer.body = body.into();
        }
        self
    }
}
