//! Answers of the API, and its problems as errors.

use std::fmt;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::transport::{BodyStream, Incoming};
use crate::error::{Error, ErrorCode, ErrorKind, Result, codes};

/// The maximum size of an answer that is read as a whole, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// The timeout for reading such an answer, once it has begun.
const BODY_TIMEOUT: Duration = Duration::from_secs(120);

/// The answer to a call.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    json: Value,
}

impl Answer {
    pub(super) async fn read(incoming: Incoming) -> Result<Self> {
        let Incoming { status, headers, body } = incoming;
        let bytes = collect(body).await?;
        if status.is_success() {
            let json = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).map_err(no_json)? };
            return Ok(Self { status, json });
        }
        if status == StatusCode::NOT_MODIFIED {
            return Ok(Self { status, json: Value::Null });
        }
        Err(problem(status, &headers, &bytes))
    }

    /// Returns the body, with all members that the server sent.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Takes the body.
    pub fn into_json(self) -> Value {
        self.json
    }

    /// Returns whether the server says that nothing has changed.
    pub fn is_unchanged(&self) -> bool {
        self.status == StatusCode::NOT_MODIFIED
    }

    /// Parses the body. Members that the type does not have are ignored.
    ///
    /// # Errors
    /// If the body is not of this type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.json).map_err(unexpected)
    }

    /// Parses a member of the body.
    ///
    /// # Errors
    /// If there is none, or it is not of this type.
    pub fn parse_member<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        T::deserialize(&self.json[name]).map_err(unexpected)
    }
}

/// An answer that is read as it comes.
pub struct Download {
    body: BodyStream,
}

impl Download {
    pub(super) async fn open(incoming: Incoming) -> Result<Self> {
        let Incoming { status, headers, body } = incoming;
        if status.is_success() {
            return Ok(Self { body });
        }
        let bytes = collect(body).await?;
        Err(problem(status, &headers, &bytes))
    }

    /// Returns the next part. `None` at the end.
    ///
    /// # Errors
    /// If the connection ends before the answer does: what has come is a part, and not the whole.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        self.body.next().await.transpose()
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").finish_non_exhaustive()
    }
}

async fn collect(body: BodyStream) -> Result<Vec<u8>> {
    let Ok(read) = tokio::time::timeout(BODY_TIMEOUT, read_whole(body)).await else {
        let message = format!("the answer did not end within {BODY_TIMEOUT:?}");
        return Err(Error::new(ErrorKind::Unavailable, codes::SERVER_UNREACHABLE, message));
    };
    read
}

async fn read_whole(mut body: BodyStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if bytes.len().saturating_add(chunk.len()) > MAX_BODY_BYTES {
            let message = format!("the answer is larger than {MAX_BODY_BYTES} bytes");
            return Err(Error::new(ErrorKind::Decode, codes::TOO_LARGE, message));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn no_json(error: serde_json::Error) -> Error {
    let error = Error::new(ErrorKind::Decode, codes::INVALID_JSON, "the server's answer is no JSON").with_source(error);
    error.with_hint("check that the address is that of the program, and not of something in front of it")
}

fn unexpected(error: serde_json::Error) -> Error {
    let message = format!("the server's answer is not as expected: {error}");
    Error::new(ErrorKind::Decode, codes::INVALID_JSON, message)
        .with_hint("the server may be of another version than this program")
}

/// The body of a problem.
#[derive(Debug, Deserialize)]
struct Problem {
    message: String,
    code: ErrorCode,
    #[serde(default)]
    hint: Option<String>,
    #[serde(default)]
    errors: Vec<FieldProblem>,
    #[serde(default)]
    request_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct FieldProblem {
    #[serde(default)]
    field: Option<String>,
    message: String,
}

/// Returns the error that the server has answered with.
fn problem(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let kind = kind_of(status);
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        let message = format!("the server answered with {status}");
        let error = Error::new(kind, codes::SERVER_UNREACHABLE, message).with_status(status.as_u16());
        return error.with_hint("the answer is not one of the program: check what is in front of it, and the address");
    };
    let mut message = problem.message;
    // A single error is usually the message itself.
    for FieldProblem { field, message: of_field } in problem.errors {
        if !message.contains(&of_field) {
            let field = field.map_or_else(String::new, |field| format!("`{field}`: "));
            message.push_str(&format!("; {field}{of_field}"));
        }
    }
    let mut error = Error::new(kind, problem.code, message).with_status(status.as_u16());
    if let Some(hint) = problem.hint {
        error = error.with_hint(hint);
    }
    if let Some(id) = problem.request_id {
        error = error.with_request_id(id);
    }
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    match retry_after {
        Some(seconds) => error.with_retry_after(Duration::from_secs(seconds)),
        None => error,
    }
}

fn kind_of(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::InvalidInput,
        502 | 503 => ErrorKind::Unavailable,
        504 => ErrorKind::Timeout,
        _ => ErrorKind::Internal,
    }
}
