//! Users and their accounts in services, for administrators.
//!
//! Locking, unlocking, deleting and admitting go through the runtime, which records them and ends what the user has.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, CallBody, OptionalBody, Params, Segment};
use super::people::{Identity, UserBody};
use super::state::ApiState;
use crate::error::{Error, ErrorKind, codes};
use crate::model::{RunId, User, UserId, UserIdentity, UserRole, UserType};
use crate::normalize::fold_email;
use crate::runtime::{Actor, EndedAccess};
use crate::server::caller::Caller;
use crate::server::problem::Problem;

/// The largest number of users in one answer.
const MAX_USERS: usize = 200;

/// The number of users in one answer unless another one is asked for.
const DEFAULT_USERS: usize = 50;

/// The users to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UserParams {
    /// Only users whose name begins with this.
    prefix: Option<String>,
    /// Only the user with this e-mail address.
    email: Option<String>,
    /// Only users of this type.
    #[serde(rename = "type")]
    kind: Option<UserType>,
    /// `true`: on the last page, also users who were deleted.
    #[serde(default)]
    deleted: bool,
    /// The name after which to go on: `next` of the page before.
    after: Option<String>,
    /// The number of users, from 1 to 200. The default is 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// A page of users, sorted by name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Users {
    users: Vec<UserBody>,
    /// The users who were deleted, in the order of their deletion, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<Vec<DeletedUserBody>>,
    /// The value of `after` for the next page. Absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A user who was deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeletedUser)]
struct DeletedUserBody {
    #[serde(flatten)]
    user: UserBody,
    deleted_at: Timestamp,
}

/// A new person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    /// The e-mail address. It may be that of somebody who was deleted: this is somebody else.
    #[schema(example = "cleo@example.com")]
    email: String,
    role: UserRole,
    /// The reason, for the record.
    #[serde(default)]
    reason: String,
}

impl CallBody for NewUser {}

/// A change of a user. What is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserPatch {
    #[serde(default)]
    role: Option<UserRole>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    /// `true` refuses everything that they submit from now on, ends their access and denies their open requests.
    #[serde(default)]
    is_locked: Option<bool>,
    /// The reason for a lock or its end, or for another role, for the record.
    #[serde(default)]
    reason: String,
}

impl CallBody for UserPatch {}

/// A reason, for the record.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    #[serde(default)]
    pub(super) reason: String,
}

impl CallBody for Reason {}

/// The access and requests that have ended with a user who was locked or deleted.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Ended {
    /// The Runs whose access is being revoked.
    revoking: Vec<RunId>,
    /// The open requests that were denied.
    denied: Vec<RunId>,
    /// The Runs of which neither could be done. Their access is revoked as soon as possible.
    failed: Vec<FailedEnd>,
}

/// A Run that could not be ended.
#[derive(Debug, Serialize, ToSchema)]
struct FailedEnd {
    run_id: RunId,
    message: String,
    code: String,
}

impl From<EndedAccess> for Ended {
    fn from(ended: EndedAccess) -> Self {
        let failed = ended.failed.into_iter().map(|(run_id, error)| FailedEnd {
            run_id,
            message: error.message,
            code: error.code.to_string(),
        });
        Self { revoking: ended.revoking, denied: ended.denied, failed: failed.collect() }
    }
}

/// The sessions that have ended with a sign-out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EndedSessions {
    /// The number of sessions, some of which may have expired before.
    pub(super) sessions: usize,
}

/// A changed user, and what has ended if they were locked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangedUser {
    user: UserBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
}

/// List users
#[utoipa::path(
    get, path = "/users", operation_id = "list_users", tag = "users", params(UserParams),
    responses((status = 200, description = "A page of users.", body = Users)),
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<UserParams>,
) -> Result<Json<Users>, Problem> {
    caller.require_admin()?;
    let limit = super::extract::page_size(params.limit, DEFAULT_USERS, MAX_USERS)?;
    let directory = state.runtime.directory();
    if let Some(email) = &params.email {
        let found = directory.user_by_email(email).await?;
        let users = found.iter().map(|user| UserBody::from(&**user)).collect();
        let deleted = deleted_users(&state, params.deleted, |name| fold_email(name) == fold_email(email)).await?;
        return Ok(Json(Users { users, deleted, next: None }));
    }
    let (prefix, mut after) = (params.prefix.unwrap_or_default(), params.after);
    let mut users = Vec::new();
    // Users of another type are left out of pages that the store returns, so several may be needed.
    let next = loop {
        let page = directory.users_page(&prefix, after.as_deref(), MAX_USERS).await?;
        let is_last = page.len() < MAX_USERS;
        after = page.last().map(|user| user.username().to_owned());
        users.extend(page.into_iter().filter(|user| params.kind.is_none_or(|kind| user.user_type() == kind)));
        if users.len() > limit {
            users.truncate(limit);
            break users.last().map(|user| user.username().to_owned());
        }
        if is_last {
            break None;
        }
    };
    let deleted = deleted_users(&state, params.deleted && next.is_none(), |name| name.starts_with(&prefix)).await?;
    Ok(Json(Users { users: users.iter().map(|user| UserBody::from(&**user)).collect(), deleted, next }))
}

/// Returns the deleted users whose names are asked for, if they are.
async fn deleted_users(
    state: &ApiState,
    is_asked_for: bool,
    has_name: impl Fn(&str) -> bool,
) -> Result<Option<Vec<DeletedUserBody>>, Problem> {
    if !is_asked_for {
        return Ok(None);
    }
    let deleted = state.runtime.directory().deleted_users().await?;
    let deleted = deleted
        .iter()
        .filter(|deleted| has_name(deleted.user.username()))
        .map(|deleted| DeletedUserBody { user: UserBody::from(&*deleted.user), deleted_at: deleted.deleted_at });
    Ok(Some(deleted.collect()))
}

/// Add a person
#[utoipa::path(
    post, path = "/users", operation_id = "add_user", tag = "users", request_body = NewUser,
    responses((status = 201, description = "The person.", body = UserBody)),
)]
pub(super) async fn add(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Body(body): Body<NewUser>,
) -> Result<(StatusCode, Json<UserBody>), Problem> {
    caller.require_admin()?;
    let user = state.runtime.admit_user(&body.email, body.role, caller.administrator(), body.reason).await?;
    Ok((StatusCode::CREATED, Json(UserBody::from(&*user))))
}

/// Show a user
#[utoipa::path(
    get, path = "/users/{user}", operation_id = "show_user", tag = "users",
    params(("user" = UserId, Path, description = "The id of the user.")),
    responses((status = 200, description = "The user.", body = UserBody)),
)]
pub(super) async fn one(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(user): Segment<UserId>,
) -> Result<Json<UserBody>, Problem> {
    caller.require_admin()?;
    let user = find(&state, user).await?;
    Ok(Json(UserBody::from(&*user)))
}

/// Change a user
///
/// The role, the name, or whether they are locked. Whoever is locked loses their access, and everything that they submit is refused.
#[utoipa::path(
    patch, path = "/users/{user}", operation_id = "change_user", tag = "users", request_body = UserPatch,
    params(("user" = UserId, Path, description = "The id of the user.")),
    responses((status = 200, description = "The user as they are now.", body = ChangedUser)),
)]
pub(super) async fn change(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<UserId>,
    Body(patch): Body<UserPatch>,
) -> Result<Json<ChangedUser>, Problem> {
    caller.require_admin()?;
    let user = find(&state, id).await?;
    let (runtime, directory) = (&state.runtime, state.runtime.directory());
    if patch.first_name.is_some() || patch.last_name.is_some() {
        let first = patch.first_name.or_else(|| user.first_name().map(str::to_owned)).unwrap_or_default();
        let last = patch.last_name.or_else(|| user.last_name().map(str::to_owned)).unwrap_or_default();
        directory.set_name(id, first, last).await?;
    }
    if let Some(role) = patch.role.filter(|role| *role != user.role()) {
        runtime.change_role(Actor::Id(id), role, caller.administrator(), patch.reason.clone()).await?;
    }
    let by = caller.administrator();
    let ended = match patch.is_locked {
        Some(true) => Some(runtime.lock_user(Actor::Id(id), by, patch.reason).await?.into()),
        Some(false) if user.is_locked() => {
            runtime.unlock_user(Actor::Id(id), by, patch.reason).await?;
            None
        }
        _ => None,
    };
    let user = find(&state, id).await?;
    Ok(Json(ChangedUser { user: UserBody::from(&*user), ended }))
}

/// Delete a user
///
/// Ends their access and denies their open requests. They are not added again on the next contact.
#[utoipa::path(
    delete, path = "/users/{user}", operation_id = "delete_user", tag = "users", request_body = Option<Reason>,
    params(("user" = UserId, Path, description = "The id of the user.")),
    responses((status = 200, description = "What has ended with them.", body = Ended)),
)]
pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(user): Segment<UserId>,
    OptionalBody(Reason { reason }): OptionalBody<Reason>,
) -> Result<Json<Ended>, Problem> {
    caller.require_admin()?;
    let ended = state.runtime.delete_user(Actor::Id(user), caller.administrator(), reason).await?;
    Ok(Json(ended.into()))
}

/// Restore a deleted user
///
/// They have the id, the role and the accounts that they had; their access does not come back.
#[utoipa::path(
    post, path = "/users/{user}/restore", tag = "users", request_body = Option<Reason>,
    params(("user" = UserId, Path, description = "The id of the deleted user.")),
    responses((status = 200, description = "The user.", body = UserBody)),
)]
pub(super) async fn restore(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(user): Segment<UserId>,
    OptionalBody(Reason { reason }): OptionalBody<Reason>,
) -> Result<Json<UserBody>, Problem> {
    caller.require_admin()?;
    let user = state.runtime.restore_user(user, caller.administrator(), reason).await?;
    Ok(Json(UserBody::from(&*user)))
}

/// Sign a user out
///
/// Ends all their sessions, in browsers and on command lines. Everybody may sign out themselves; for others, the caller is an administrator.
#[utoipa::path(
    post, path = "/users/{user}/sign-out", operation_id = "sign_out_user", tag = "users",
    params(("user" = UserId, Path, description = "The id of the user.")),
    responses((status = 200, description = "What has ended.", body = EndedSessions)),
)]
pub(super) async fn sign_out(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<UserId>,
) -> Result<Json<EndedSessions>, Problem> {
    if caller.user().id() != id {
        caller.require_admin()?;
        find(&state, id).await?;
    }
    let sessions = state.runtime.end_sessions_of(&id, caller.administrator()).await?;
    Ok(Json(EndedSessions { sessions }))
}

/// Set an account of a user
///
/// Replaces the account that they have in the same instance of the service.
#[utoipa::path(
    post, path = "/users/{user}/identities", operation_id = "add_identity", tag = "users", request_body = Identity,
    params(("user" = UserId, Path, description = "The id of the user.")),
    responses((status = 200, description = "The user as they are now.", body = UserBody)),
)]
pub(super) async fn add_identity(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(user): Segment<UserId>,
    Body(Identity { service, service_id, user_id }): Body<Identity>,
) -> Result<Json<UserBody>, Problem> {
    caller.require_admin()?;
    let identity = UserIdentity::new(service, service_id, user_id);
    let user = state.runtime.directory().put_identity(user, identity).await?;
    Ok(Json(UserBody::from(&*user)))
}

/// The account to remove.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct IdentityParams {
    /// The service.
    service: String,
    /// The instance of the service.
    service_id: String,
}

/// Remove an account of a user
#[utoipa::path(
    delete, path = "/users/{user}/identities", operation_id = "remove_identity", tag = "users",
    params(("user" = UserId, Path, description = "The id of the user."), IdentityParams),
    responses((status = 200, description = "The user as they are now.", body = UserBody)),
)]
pub(super) async fn delete_identity(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(user): Segment<UserId>,
    Params(params): Params<IdentityParams>,
) -> Result<Json<UserBody>, Problem> {
    caller.require_admin()?;
    let user = state.runtime.directory().delete_identity(user, &params.service, &params.service_id).await?;
    Ok(Json(UserBody::from(&*user)))
}

async fn find(state: &ApiState, id: UserId) -> Result<Arc<User>, Problem> {
    let user = state.runtime.directory().user(id).await?;
    user.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, format!("no user has the id `{id}`")).into()
    })
}
