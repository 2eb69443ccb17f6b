//! The caller.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::people::UserBody;
use super::state::ApiState;
use super::users::EndedSessions;
use crate::error::{Error, ErrorKind, codes};
use crate::model::UserRole;
use crate::server::caller::Caller;
use crate::server::problem::Problem;

/// The caller, and what they may do whatever the Run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    user: UserBody,
    /// Whether they may make requests.
    can_request: bool,
    /// Whether they may make requests for others.
    can_request_for_others: bool,
    /// Whether they may administer users, read the audit log and operate the program.
    is_admin: bool,
    /// The version of the program's `sym-sdk`.
    server_version: String,
    /// The organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
}

/// Show the caller
///
/// The caller of this call, and their rights.
#[utoipa::path(get, path = "/me", operation_id = "show_caller", tag = "callers", responses((status = 200, description = "The caller.", body = Me)))]
pub(super) async fn me(State(state): State<ApiState>, Extension(caller): Extension<Caller>) -> Json<Me> {
    let flows = state.runtime.flows();
    Json(Me {
        user: UserBody::from(&**caller.user()),
        can_request: caller.user().role() != UserRole::Guest,
        can_request_for_others: caller.channel_for_others().is_ok(),
        is_admin: caller.is_admin(),
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        organization: flows.iter().next().map(|flow| flow.organization().to_owned()),
    })
}

/// Sign out
///
/// Ends the session whose token is sent with this call. Others of the same person go on.
#[utoipa::path(
    post, path = "/me/sign-out", operation_id = "sign_out", tag = "callers",
    responses((status = 200, description = "The session has ended.", body = EndedSessions)),
)]
pub(super) async fn sign_out(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<EndedSessions>, Problem> {
    let Caller::Person(_, session) = caller else {
        let message = format!("{} has no session, but a token", caller.user().username());
        let error = Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message);
        return Err(error.with_hint("an administrator revokes tokens with `DELETE /tokens/{token}`").into());
    };
    let ended = state.runtime.end_session(session).await?;
    Ok(Json(EndedSessions { sessions: usize::from(ended.is_some()) }))
}
