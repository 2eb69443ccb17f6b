use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

/// What a [`Replay`](super::Replay) answers with.
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
    Answer(Canned),
    Unreachable,
    Lost,
    TimedOut,
}

/// An answer, complete.
#[derive(Clone, Debug)]
pub(in crate::http) struct Canned {
    pub(in crate::http) status: StatusCode,
    pub(in crate::http) headers: HeaderMap,
    pub(in crate::http) body: Bytes,
}

impl Reply {
    /// A status without a body. One that does not exist is taken for 500.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self(Outcome::Answer(Canned { status, headers: HeaderMap::new(), body: Bytes::new() }))
    }

    /// Status 200 with JSON.
    pub fn json(body: impl Serialize) -> Self {
        let body = serde_json::to_vec(&body).unwrap_or_else(|error| format!("not JSON: {error}").into_bytes());
        Self::status(200).header("content-type", "application/json").body(body)
    }

    /// Status 200 with text.
    pub fn text(body: impl Into<String>) -> Self {
        Self::status(200).header("content-type", "text/plain; charset=utf-8").body(body.into())
    }

    /// No connection can be made.
    pub fn unreachable() -> Self {
        Self(Outcome::Unreachable)
    }

    /// The connection breaks before the answer is there.
    pub fn connection_lost() -> Self {
        Self(Outcome::Lost)
    }

    /// The service is silent for longer than the limit.
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

    /// Adds a header, after those of the same name. What is not a header is left out.
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
