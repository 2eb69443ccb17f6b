//! Extractors of bodies, parameters and ids, whose refusals are problems.
//!
//! Members of a body and parameters that the program does not know are refused, and the message names the program's version: a newer client
//! learns that the server is older than it is, instead of being misunderstood.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use super::ApiLimits;
use super::state::ApiState;
use crate::error::{Error, ErrorKind, codes};
use crate::runtime::Limits;
use crate::server::problem::{FieldProblem, Problem};

/// The version of this crate, for clients that are newer than the server.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A body of a call.
pub(super) trait CallBody: DeserializeOwned {
    /// Returns the maximum size in bytes.
    fn max_bytes(api: &ApiLimits, _: &Limits) -> usize {
        api.body_bytes
    }
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: CallBody> FromRequest<ApiState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        check_content_type(request.headers())?;
        let limit = T::max_bytes(&state.limits, state.runtime.limits());
        let bytes = read_body(request, limit).await?;
        parse(&bytes).map(Self)
    }
}

/// A JSON body, or none at all, which `null` says as well: the call has a default for everything.
pub(super) struct OptionalBody<T>(pub(super) T);

impl<T: CallBody + Default> FromRequest<ApiState> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        let has_type = request.headers().contains_key(header::CONTENT_TYPE);
        let is_json = check_content_type(request.headers());
        let limit = T::max_bytes(&state.limits, state.runtime.limits());
        let bytes = read_body(request, limit).await?;
        if bytes.is_empty() && !has_type {
            return Ok(Self(T::default()));
        }
        is_json?;
        let is_none = bytes.is_empty() || bytes.trim_ascii() == b"null";
        if is_none { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    let got = if essence.is_empty() { "none".to_owned() } else { format!("`{essence}`") };
    let message = format!("the body must have the type `application/json`, and has {got}");
    let error = Error::new(ErrorKind::InvalidInput, codes::UNSUPPORTED_MEDIA_TYPE, message);
    let error = error.with_hint("send the header `Content-Type: application/json`");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn read_body(request: Request, limit: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        let message = format!("the body is larger than {limit} bytes");
        let error = Error::new(ErrorKind::InvalidInput, codes::TOO_LARGE, message);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error)
    };
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|announced: u64| announced > limit as u64) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let mut chunks = request.into_body().into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            let error = Error::new(ErrorKind::Decode, codes::INVALID_JSON, "the body ended early").with_source(error);
            Problem::from(error)
        })?;
        if bytes.len().saturating_add(chunk.len()) > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Parses a JSON object. Its depth is limited by the parser, to 128.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // The parser takes a list of values for the members of an object in their order, which no document says.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        let error = Error::new(ErrorKind::Decode, codes::INVALID_JSON, "the body is a list, expected an object");
        return Err(error.with_hint("`GET /api/v1/openapi.json` describes the bodies").into());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| (error.path().to_string(), error.into_inner()))
        .and_then(|value| deserializer.end().map(|()| value).map_err(|error| (".".to_owned(), error)));
    parsed.map_err(|(path, error)| {
        // The message of the parser quotes no more than the name of a member.
        let reason = error.to_string();
        let is_unknown = reason.starts_with("unknown field");
        let code = if is_unknown { codes::UNKNOWN_FIELD } else { codes::INVALID_JSON };
        let of_version =
            if is_unknown { format!(" (this is version {VERSION} of the program)") } else { String::new() };
        let problem =
            Error::new(ErrorKind::Decode, code.clone(), format!("the body is not as expected: {reason}{of_version}"))
                .with_hint("`GET /api/v1/openapi.json` describes the bodies");
        let field = Some(path).filter(|path| path != ".");
        let fields = field.map(|field| FieldProblem { field: Some(field), message: reason, code, hint: None });
        Problem::from(problem).with_fields(fields.into_iter().collect())
    })
}

/// The parameters of the query string.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(params) = Query::<T>::try_from_uri(&parts.uri).map_err(|rejection| {
            use std::error::Error as _;
            let reason = rejection.source().map_or_else(|| rejection.body_text(), ToString::to_string);
            let message = format!("a parameter is invalid: {reason} (this is version {VERSION} of the program)");
            let error = Error::new(ErrorKind::InvalidInput, codes::INVALID_PARAMETER, message);
            Problem::from(error.with_hint("`GET /api/v1/openapi.json` lists the parameters of each call"))
        })?;
        Ok(Self(params))
    }
}

/// A part of the path: an id or a name.
pub(super) struct Segment<T>(pub(super) T);

impl<T: FromStr<Err = Error>, S: Send + Sync> FromRequestParts<S> for Segment<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| invalid_path())?;
        text.parse().map(Self).map_err(Problem::from)
    }
}

/// Two parts of the path, as they are.
pub(super) struct Segments(pub(super) String, pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segments {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path((first, second)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| invalid_path())?;
        Ok(Self(first, second))
    }
}

fn invalid_path() -> Problem {
    Problem::from(Error::new(ErrorKind::InvalidInput, codes::INVALID_PARAMETER, "the path is not valid UTF-8"))
}

/// A name in the path. Whether there is something of that name is for the handler to find out.
pub(super) struct Name(pub(super) String);

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(Self(text.to_owned()))
    }
}

/// Returns the number of items that a page has.
pub(super) fn page_size(asked: Option<usize>, default: usize, max: usize) -> Result<usize, Problem> {
    match asked {
        None => Ok(default),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(limit) => {
            let message = format!("`limit` is from 1 to {max}, got {limit}");
            Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_PARAMETER, message).into())
        }
    }
}
