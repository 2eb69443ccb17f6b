//! Sign-ins of command lines: begun and finished here by a command line that has no token yet, and allowed by a person in the console. So the
//! routes are not behind the guard; what limits them is the address of the caller.

use std::sync::Arc;

use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, CallBody};
use super::people::UserRef;
use super::state::ApiState;
use crate::directory::SignInSecret;
use crate::error::{Error, ErrorKind, codes};
use crate::runtime::CommandLineProgress;
use crate::server::guard::Guard;
use crate::server::problem::Problem;

/// The page on which people let a command line in.
const PAGE: &str = "/console/command-line";

/// The name of the front end that has it.
const CONSOLE: &str = "console";

/// The interval at which a command line asks for its session, in seconds.
const POLL_INTERVAL_SECONDS: u64 = 5;

/// A command line that signs in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSignIn {
    /// The name of the machine, for the person who is asked. They are told that nobody has verified it.
    #[serde(default)]
    #[schema(example = "ana@laptop")]
    machine: Option<String>,
}

impl CallBody for NewSignIn {}

/// A sign-in that has begun.
#[derive(Serialize, ToSchema)]
pub(super) struct BegunSignIn {
    /// The secret with which the session is fetched. It is in this answer alone.
    secret: String,
    /// The code that the person enters on the page.
    #[schema(example = "BCDF-GHJK")]
    code: String,
    /// The path of the page.
    #[schema(example = "/console/command-line")]
    path: &'static str,
    /// The address of the page, if the server knows its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://sym.example.com/console/command-line")]
    url: Option<String>,
    /// The seconds for which both are good.
    expires_in: u64,
    /// The seconds between two attempts to fetch the session.
    interval: u64,
}

/// The session to fetch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionRequest {
    /// The secret of the sign-in.
    #[schema(value_type = String)]
    secret: SecretString,
}

impl CallBody for SessionRequest {}

/// The progress of a sign-in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub(super) enum SignInProgress {
    /// Nobody has answered yet.
    Waiting {
        /// The seconds after which to ask again.
        interval: u64,
    },
    /// The person has let the command line in. The session is in this answer alone.
    SignedIn {
        /// The secret to send as `Authorization: Bearer …`.
        #[schema(example = "symcli_…")]
        token: String,
        /// The person.
        user: UserRef,
        /// The time from which it is not good any more.
        expires_at: Timestamp,
    },
}

/// Begin to sign in on a command line
///
/// The person opens the page, signs in, enters the code and lets the command line in, within ten minutes.
#[utoipa::path(
    post, path = "/command-line/sign-ins", operation_id = "begin_command_line_sign_in", tag = "callers", security(()),
    request_body = NewSignIn,
    responses((status = 201, description = "The sign-in.", body = BegunSignIn)),
)]
pub(super) async fn begin(
    State(state): State<ApiState>,
    Extension(guard): Extension<Arc<Guard>>,
    request: Request,
) -> Result<(StatusCode, Json<BegunSignIn>), Problem> {
    let (client, request) = client_of(&guard, request);
    state.sign_ins.check(&client)?;
    let Body(NewSignIn { machine }) = Body::from_request(request, &state).await?;
    if !state.runtime.front_ends().iter().any(|front_end| front_end.name() == CONSOLE) {
        let message = "this program has no console, in which people sign in";
        let error = Error::new(ErrorKind::Unavailable, codes::AUTHENTICATION_SIGN_IN_REFUSED, message);
        return Err(error.with_hint("use the token of a bot, or ask whoever operates the program").into());
    }
    let begun = state.runtime.begin_command_line_sign_in(Some(client), machine.as_deref()).await?;
    let left = begun.expires_at.duration_since(state.runtime.clock().now());
    let body = BegunSignIn {
        secret: begun.secret.secret().expose_secret().to_owned(),
        code: begun.code.to_string(),
        path: PAGE,
        url: state.public_url.as_ref().map(|url| url.join(PAGE)),
        expires_in: u64::try_from(left.as_secs()).unwrap_or_default(),
        interval: POLL_INTERVAL_SECONDS,
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// Fetch the session of a command line
///
/// Until the person has answered, the sign-in is waiting. The session is handed out once.
#[utoipa::path(
    post, path = "/command-line/sessions", operation_id = "fetch_command_line_session", tag = "callers", security(()),
    request_body = SessionRequest,
    responses((status = 200, description = "The session, or that nobody has answered yet.", body = SignInProgress)),
)]
pub(super) async fn fetch(
    State(state): State<ApiState>,
    Extension(guard): Extension<Arc<Guard>>,
    request: Request,
) -> Result<Json<SignInProgress>, Problem> {
    let (client, request) = client_of(&guard, request);
    state.polls.check(&client)?;
    let Body(SessionRequest { secret }) = Body::from_request(request, &state).await?;
    let progress = match SignInSecret::parse(secret.expose_secret()) {
        Some(secret) => state.runtime.command_line_progress(&secret).await,
        None => {
            Err(Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_SIGN_IN_EXPIRED, "there is no such sign-in"))
        }
    };
    match progress {
        Ok(CommandLineProgress::Waiting) => Ok(Json(SignInProgress::Waiting { interval: POLL_INTERVAL_SECONDS })),
        Ok(CommandLineProgress::SignedIn { user, session, secret }) => Ok(Json(SignInProgress::SignedIn {
            token: secret.expose_secret().to_owned(),
            user: UserRef::from(&*user),
            expires_at: session.expires_at(),
        })),
        Err(error) => Err(error.into()),
    }
}

/// Returns the address of the client of a request.
fn client_of(guard: &Guard, request: Request) -> (String, Request) {
    let (parts, body) = request.into_parts();
    let client = guard.client(&parts).network.to_string();
    (client, Request::from_parts(parts, body))
}
