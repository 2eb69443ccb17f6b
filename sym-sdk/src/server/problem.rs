//! Problems: the one shape of every error that a front end over HTTP answers with.
//!
//! A handler returns a [`Problem`], which becomes a response without a body. The layer [`render`] writes the body, because only it knows the
//! request id and whether the caller is an administrator: what the author of a handler did not write for people, and what a service or
//! the store has said, is for administrators alone. The layer also gives answers of the framework that have no body of ours, such as those
//! for a malformed path, the same shape.

use std::any::Any;
use std::sync::Arc;

use axum::Json;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::request_id::RequestId;
use crate::error::{Error, ErrorCode, ErrorKind, codes};
use crate::runtime::FieldError;

/// The body of an error.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema), schema(as = Problem))]
pub(crate) struct ProblemBody {
    /// Always `true`.
    pub(crate) error: bool,
    /// The message, in one line.
    pub(crate) message: String,
    /// The stable name of the failure, such as `SymSDK:NOT_PERMITTED`.
    #[cfg_attr(feature = "api", schema(value_type = String, example = "SymSDK:NOT_PERMITTED"))]
    pub(crate) code: ErrorCode,
    /// The status of the response.
    #[cfg_attr(feature = "api", schema(example = 400))]
    pub(crate) status_code: u16,
    /// The hint: a way to resolve it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) hint: Option<String>,
    /// The errors of single fields.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) errors: Vec<FieldProblem>,
    /// Whether the same call may succeed when it is repeated.
    pub(crate) is_retryable: bool,
    /// The id of the request, by which the program's log finds it.
    pub(crate) request_id: String,
    /// The request as it is now, if it has changed since the caller saw it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) run: Option<Map<String, Value>>,
}

/// The error of one field.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub(crate) struct FieldProblem {
    /// The field. Absent if the error is about the request as a whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) field: Option<String>,
    /// The message.
    pub(crate) message: String,
    /// The stable name of the failure.
    #[cfg_attr(feature = "api", schema(value_type = String, example = "SymSDK:MISSING_FIELD"))]
    pub(crate) code: ErrorCode,
    /// The hint: a way to resolve it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) hint: Option<String>,
}

impl From<&FieldError> for FieldProblem {
    fn from(FieldError { field, error, .. }: &FieldError) -> Self {
        Self {
            field: field.clone(),
            message: error.message().to_owned(),
            code: error.code().clone(),
            hint: error.hint().map(str::to_owned),
        }
    }
}

/// An error on its way to a client.
#[derive(Debug)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    error: Error,
    fields: Vec<FieldProblem>,
    run: Option<Map<String, Value>>,
    oauth_error: Option<&'static str>,
    headers: HeaderMap,
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(status_of(&error), error)
    }
}

impl Problem {
    pub(crate) fn new(status: StatusCode, error: Error) -> Self {
        let mut headers = HeaderMap::new();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let problem =
            Self(Box::new(Inner { status, error, fields: Vec::new(), run: None, oauth_error: None, headers }));
        match problem.0.error.retry_after() {
            Some(wait) => problem.retry_after(wait),
            None => problem,
        }
    }

    /// Sets the errors of single fields.
    pub(crate) fn with_fields(mut self, fields: Vec<FieldProblem>) -> Self {
        self.0.fields = fields;
        self
    }

    /// Sets the request as it is now.
    pub(crate) fn with_run(mut self, run: Map<String, Value>) -> Self {
        self.0.run = Some(run);
        self
    }

    /// Makes the body one of OAuth (RFC 6749, section 5.2), whose member `error` is this name, beside the members that each problem has.
    #[cfg(feature = "api")]
    pub(crate) fn with_oauth_error(mut self, name: &'static str) -> Self {
        self.0.oauth_error = Some(name);
        self
    }

    /// Asks the client to wait, in whole seconds of at least one.
    pub(crate) fn retry_after(self, wait: std::time::Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        self.with_header(header::RETRY_AFTER, &seconds.to_string())
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    pub(crate) fn error(&self) -> &Error {
        &self.0.error
    }

    /// Returns the body for this reader.
    pub(crate) fn body(&self, is_admin: bool, request_id: &str) -> ProblemBody {
        let Inner { status, error, fields, run, oauth_error: _, headers: _ } = &*self.0;
        let (message, hint) = match redacted(error).filter(|_| !is_admin) {
            Some(message) => {
                let hint =
                    format!("an administrator finds the cause in the log of the program, under request {request_id}");
                (message.to_owned(), Some(hint))
            }
            None => (error.message().to_owned(), error.hint().map(str::to_owned)),
        };
        ProblemBody {
            error: true,
            message,
            code: error.code().clone(),
            status_code: status.as_u16(),
            hint,
            errors: fields.clone(),
            is_retryable: error.is_retryable() || *status == StatusCode::TOO_MANY_REQUESTS,
            request_id: request_id.to_owned(),
            run: run.clone(),
        }
    }
}

/// Returns the JSON of a body.
fn to_json(body: &ProblemBody, oauth_error: Option<&str>) -> Value {
    let mut json = serde_json::to_value(body).unwrap_or_default();
    if let Some(name) = oauth_error {
        let description = match &body.hint {
            Some(hint) => format!("{}; {hint}", body.message),
            None => body.message.clone(),
        };
        json["error"] = name.into();
        json["error_description"] = oauth_text(&description).into();
    }
    json
}

/// Returns a text with the characters alone that a description of OAuth has: visible ASCII and blanks, without quotes and backslashes.
fn oauth_text(text: &str) -> String {
    let replaced = text.chars().map(|c| match c {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => c,
        _ => '?',
    });
    replaced.collect()
}

/// Returns the status that an error is answered with.
pub(crate) fn status_of(error: &Error) -> StatusCode {
    // Sym's API answers it like that.
    if *error.code() == codes::DEESCALATE_INVALID_RUN {
        return StatusCode::BAD_REQUEST;
    }
    if *error.code() == codes::IDEMPOTENCY_KEY_REUSED {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::Decode => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Handler | ErrorKind::Strategy | ErrorKind::Identity => StatusCode::BAD_GATEWAY,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Configuration | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Returns the message for people who are no administrators, if the error's own message is not for them: it can name files, handlers and what
/// a service has said.
fn redacted(error: &Error) -> Option<&'static str> {
    let is_of_store = [codes::STORE, codes::STORE_NOT_WRITABLE].contains(error.code());
    match error.kind() {
        ErrorKind::Handler => Some("a handler of the flow failed"),
        ErrorKind::Strategy | ErrorKind::Identity => Some("a service has not done what it was asked for"),
        ErrorKind::Timeout if *error.code() == codes::HANDLER_TIMED_OUT => Some("the program did not answer in time"),
        ErrorKind::Configuration => Some("the configuration of the program has an error"),
        ErrorKind::Internal => Some("internal error"),
        _ if is_of_store => Some("the store of the program is not available"),
        _ => None,
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let mut response = self.0.status.into_response();
        response.headers_mut().extend(std::mem::take(&mut self.0.headers));
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Marks a response as one for an administrator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForAdmin;

/// Writes the bodies of problems, and forbids caching.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let id = RequestId::of(request.extensions());
    let mut response = next.run(request).await;
    let problem = match response.extensions_mut().remove::<Arc<Problem>>() {
        Some(problem) => Some(problem),
        None => framework_problem(&response).map(Arc::new),
    };
    if let Some(problem) = problem {
        if problem.status().is_server_error() {
            tracing::error!(error = %problem.error().report(), "a request failed");
        }
        let is_admin = response.extensions().get::<ForAdmin>().is_some();
        let body = Json(to_json(&problem.body(is_admin, id.as_str()), problem.0.oauth_error));
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
        let rendered = (parts.status, body).into_response();
        let (rendered_parts, body) = rendered.into_parts();
        parts.headers.extend(rendered_parts.headers);
        response = Response::from_parts(parts, body);
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Returns the problem for a refusal that the framework has written itself.
fn framework_problem(response: &Response) -> Option<Problem> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|value| value.contains("json")) {
        return None;
    }
    let kind = if status.is_client_error() { ErrorKind::InvalidInput } else { ErrorKind::Internal };
    let code = if status.is_client_error() { codes::INVALID_PARAMETER } else { codes::INTERNAL };
    let reason = status.canonical_reason().unwrap_or("the request was refused").to_lowercase();
    Some(Problem::new(status, Error::new(kind, code, reason)))
}

/// Responds to a panic. Its message is not logged, because it can contain data of the request.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::from(Error::new(ErrorKind::Internal, codes::INTERNAL, "answering the request panicked")).into_response()
}

/// Responds to a request for an unknown route.
pub(crate) async fn unknown_route(request: Request) -> Problem {
    let message = format!("there is no route `{}`", request.uri().path());
    let error = Error::new(ErrorKind::NotFound, codes::UNKNOWN_ROUTE, message);
    Problem::from(error.with_hint("`GET /api/v1/openapi.json` lists the routes; none of them ends with a slash"))
}

/// Responds to a request with a method that the route does not take. The framework adds the header `Allow`.
pub(crate) async fn method_not_allowed(request: Request) -> Problem {
    // Where routes are nested, the path of the request lacks what stands before them.
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| request.uri().path(), MatchedPath::as_str);
    let message = format!("`{route}` does not take {}", request.method());
    let error = Error::new(ErrorKind::InvalidInput, codes::METHOD_NOT_ALLOWED, message);
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, error.with_hint("the header `Allow` lists the methods that it takes"))
}
