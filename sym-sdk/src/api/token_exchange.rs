//! The exchange of a job's token for one of a bot, by RFC 8693. The caller has no token of ours yet, so this route is not behind the guard;
//! what fails is counted as failed authentications are.
//!
//! Refusals are those of OAuth (RFC 6749, section 5.2), so that its clients understand them: the member `error` is a name, and a token that is not
//! good is an invalid request (RFC 8693, section 2.2.2). They have the members of all other problems, too.

use std::sync::Arc;

use axum::extract::{Form, FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::read_body;
use super::state::ApiState;
use crate::error::{Error, ErrorKind, codes};
use crate::model::{TokenId, UserId};
use crate::server::guard::Guard;
use crate::server::problem::{Problem, status_of};

/// The type of the exchange.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The types that a job's token may have. An id token is one, too, and some clients say so.
const SUBJECT_TOKEN_TYPES: [&str; 2] =
    ["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"];

/// The type of the token that is issued.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A job's token to exchange: a form, as RFC 8693 defines it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenExchange {
    #[schema(example = "urn:ietf:params:oauth:grant-type:token-exchange")]
    grant_type: String,
    /// The token of the job: a JWT that the CI service has signed.
    #[schema(value_type = String)]
    subject_token: SecretString,
    #[schema(example = "urn:ietf:params:oauth:token-type:jwt")]
    subject_token_type: String,
    /// The type of the token that is asked for, which can only be an access token.
    #[serde(default)]
    requested_token_type: Option<String>,
    /// The bot, by name or id, if the job is trusted by several.
    #[serde(default)]
    bot: Option<String>,
}

/// A token of a bot, good for 15 minutes.
#[derive(Serialize, ToSchema)]
pub(super) struct ExchangedTokenBody {
    /// The secret to send as `Authorization: Bearer …`.
    #[schema(example = "symbot_…")]
    access_token: String,
    issued_token_type: &'static str,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// The seconds for which it is good.
    expires_in: u64,
    /// The id, by which an administrator revokes it.
    token_id: TokenId,
    bot_id: UserId,
}

/// The form, or the token in it, is not good.
const INVALID_REQUEST: &str = "invalid_request";

/// The exchange is of another type.
const UNSUPPORTED_GRANT_TYPE: &str = "unsupported_grant_type";

/// It may be tried again later.
const TEMPORARILY_UNAVAILABLE: &str = "temporarily_unavailable";

/// The error of an exchange: that of OAuth, with the members of a problem.
#[derive(Serialize, ToSchema)]
#[schema(as = ExchangeProblem)]
pub(super) struct ExchangeProblem {
    /// The error of OAuth.
    #[schema(example = "invalid_request")]
    error: String,
    /// The message and the hint, in ASCII.
    error_description: String,
    /// The message, in one line.
    message: String,
    /// The stable name of the failure, such as `Authentication:UNTRUSTED_WORKLOAD`.
    #[schema(example = "Authentication:UNTRUSTED_WORKLOAD")]
    code: String,
    /// The status of the response.
    #[schema(example = 400)]
    status_code: u16,
    /// The hint: a way to resolve it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Whether the same call may succeed when it is repeated.
    is_retryable: bool,
    /// The id of the request, by which the program's log finds it.
    request_id: String,
}

/// Exchange a token
///
/// A job of a CI service gets a token of the bot that trusts it, for the token that the service has signed for the job. Each token is good
/// once. A refusal names the claim that differs from what is trusted.
#[utoipa::path(
    post, path = "/tokens/exchange", tag = "callers", security(()),
    request_body(content = TokenExchange, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = ExchangedTokenBody),
        (status = 400, description = "The form or the token is not good, as RFC 6749 and RFC 8693 say it.", body = ExchangeProblem),
        (status = 413, description = "The form is too large.", body = ExchangeProblem),
        (status = 429, description = "Too many tokens were not good; `Retry-After` says when to go on.", body = ExchangeProblem),
    ),
)]
pub(super) async fn exchange(
    State(state): State<ApiState>,
    Extension(guard): Extension<Arc<Guard>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let client = guard.client(&parts);
    let form = read_form(&state, Request::from_parts(parts, body)).await?;
    match state.runtime.exchange_token(&form.subject_token, form.bot.as_deref()).await {
        Ok(exchanged) => {
            let issued = exchanged.token;
            let left = issued.expires_at.duration_since(state.runtime.clock().now());
            let body = ExchangedTokenBody {
                access_token: issued.secret.expose_secret().to_owned(),
                issued_token_type: ACCESS_TOKEN,
                token_type: "Bearer",
                expires_in: u64::try_from(left.as_secs()).unwrap_or_default(),
                token_id: issued.id,
                bot_id: exchanged.bot.id(),
            };
            Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
        }
        Err(error) if error.kind() == ErrorKind::Unauthorized => {
            guard.count_failure(&client, "exchange").map_err(as_oauth)?;
            let problem = Problem::new(StatusCode::BAD_REQUEST, error);
            Err(problem.with_oauth_error(INVALID_REQUEST))
        }
        Err(error) => Err(as_oauth(Problem::new(status_of(&error), error))),
    }
}

/// Returns a refusal as one of OAuth. What has failed here is answered as everywhere.
fn as_oauth(problem: Problem) -> Problem {
    match problem.status() {
        StatusCode::TOO_MANY_REQUESTS => problem.with_oauth_error(TEMPORARILY_UNAVAILABLE),
        status if status.is_client_error() => problem.with_oauth_error(INVALID_REQUEST),
        _ => problem,
    }
}

async fn read_form(state: &ApiState, request: Request) -> Result<TokenExchange, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
    let bytes = read_body(request, state.limits.body_bytes).await.map_err(as_oauth)?;
    let mut request = Request::new(bytes.into());
    *request.method_mut() = axum::http::Method::POST;
    if let Some(content_type) = content_type {
        request.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    let Form(form) = Form::<TokenExchange>::from_request(request, &()).await.map_err(|rejection| {
        let status = rejection.status();
        let (code, message) = match status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                codes::UNSUPPORTED_MEDIA_TYPE,
                "the body must have the type `application/x-www-form-urlencoded`".to_owned(),
            ),
            // It quotes no more than the name of a member.
            _ => (codes::INVALID_PARAMETER, rejection.body_text()),
        };
        let error = Error::new(ErrorKind::InvalidInput, code, message);
        let error = error.with_hint("`GET /api/v1/openapi.json` describes the form");
        match status {
            // Whoever sends JSON reads the errors of all other calls.
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(status, error),
            _ => as_oauth(Problem::from(error)),
        }
    })?;
    let invalid = |name: &str, expected: &str| {
        let message = format!("`{name}` must be `{expected}`");
        as_oauth(Problem::from(Error::new(ErrorKind::InvalidInput, codes::INVALID_PARAMETER, message)))
    };
    if form.grant_type != GRANT_TYPE {
        let problem = invalid("grant_type", GRANT_TYPE);
        return Err(problem.with_oauth_error(UNSUPPORTED_GRANT_TYPE));
    }
    if !SUBJECT_TOKEN_TYPES.contains(&form.subject_token_type.as_str()) {
        return Err(invalid("subject_token_type", SUBJECT_TOKEN_TYPES[0]));
    }
    if form.requested_token_type.as_deref().is_some_and(|requested| requested != ACCESS_TOKEN) {
        return Err(invalid("requested_token_type", ACCESS_TOKEN));
    }
    Ok(form)
}
