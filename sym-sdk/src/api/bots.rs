//! Bots and their tokens, for administrators. The secret of a token is in one answer, and nowhere else.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, CallBody, OptionalBody, Segment};
use super::people::{TokenBody, UserBody, user_id};
use super::state::ApiState;
use super::users::{Ended, Reason};
use crate::directory::Token;
use crate::error::{Error, ErrorKind, codes};
use crate::forms::parse_duration;
use crate::model::{TokenId, User, UserId, UserRole, UserType};
use crate::runtime::Actor;
use crate::server::caller::Caller;
use crate::server::problem::Problem;

/// A bot, with its tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Bot {
    #[serde(flatten)]
    user: UserBody,
    tokens: Vec<TokenBody>,
}

/// All bots.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Bots {
    bots: Vec<Bot>,
}

/// A new bot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBot {
    /// The name: ASCII letters, digits and `-_. `.
    #[schema(example = "ci")]
    name: String,
    /// The role. The default is `member`.
    #[serde(default)]
    role: Option<UserRole>,
    /// The person who answers for it, by id or e-mail address. It makes the bot an agent, which requests through the Model Context Protocol
    /// alone, and decides nothing.
    #[serde(default)]
    #[schema(example = "ana@example.com")]
    owner: Option<String>,
}

impl CallBody for NewBot {}

/// The tokens of a bot, valid or not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tokens {
    tokens: Vec<TokenBody>,
}

/// A token to issue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// The purpose of the token.
    #[schema(example = "build server")]
    label: String,
    /// The time for which it is good, such as `30d`.
    #[serde(rename = "for")]
    #[schema(example = "30d")]
    valid_for: String,
}

impl CallBody for NewToken {}

/// A token that was issued. The secret is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewTokenSecret {
    id: TokenId,
    /// The secret that the bot sends as `Authorization: Bearer …`.
    #[schema(example = "symbot_…")]
    token: String,
    /// The time from which it is not good any more.
    expires_at: Timestamp,
}

/// List bots
#[utoipa::path(get, path = "/bots", operation_id = "list_bots", tag = "bots", responses((status = 200, description = "All bots.", body = Bots)))]
pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Bots>, Problem> {
    caller.require_admin()?;
    let directory = state.runtime.directory();
    let (bots, tokens) = (directory.bots().await?, directory.tokens(None).await?);
    let bots = bots.iter().map(|bot| Bot { user: UserBody::from(&**bot), tokens: of_bot(&tokens, bot.id()) });
    Ok(Json(Bots { bots: bots.collect() }))
}

fn of_bot(tokens: &[Token], bot: UserId) -> Vec<TokenBody> {
    tokens.iter().filter(|token| token.bot == bot).map(TokenBody::from).collect()
}

/// Add a bot
#[utoipa::path(
    post, path = "/bots", operation_id = "add_bot", tag = "bots", request_body = NewBot,
    responses((status = 201, description = "The bot.", body = Bot)),
)]
pub(super) async fn add(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Body(body): Body<NewBot>,
) -> Result<(StatusCode, Json<Bot>), Problem> {
    caller.require_admin()?;
    let directory = state.runtime.directory();
    if body.owner.is_some() && body.role == Some(UserRole::Admin) {
        let message = "a bot with an owner is an agent, and cannot be an administrator";
        return Err(Error::new(ErrorKind::InvalidInput, codes::USER_PROCESSING_ERROR, message).into());
    }
    let mut bot = match &body.owner {
        Some(owner) => directory.create_agent(&body.name, owner_id(&state, owner).await?).await?,
        None => directory.create_bot(&body.name).await?,
    };
    if let Some(role) = body.role.filter(|role| *role != bot.role()) {
        bot = state.runtime.change_role(bot, role, caller.administrator(), "").await?;
    }
    Ok((StatusCode::CREATED, Json(Bot { user: UserBody::from(&*bot), tokens: Vec::new() })))
}

/// Delete a bot
///
/// Revokes its tokens and its access, and denies its open requests.
#[utoipa::path(
    delete, path = "/bots/{bot}", operation_id = "delete_bot", tag = "bots", request_body = Option<Reason>,
    params(("bot" = UserId, Path, description = "The id of the bot.")),
    responses((status = 200, description = "What has ended with it.", body = Ended)),
)]
pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(bot): Segment<UserId>,
    OptionalBody(Reason { reason }): OptionalBody<Reason>,
) -> Result<Json<Ended>, Problem> {
    caller.require_admin()?;
    find_bot(&state, bot).await?;
    let ended = state.runtime.delete_user(Actor::Id(bot), caller.administrator(), reason).await?;
    Ok(Json(ended.into()))
}

/// List the tokens of a bot
#[utoipa::path(
    get, path = "/bots/{bot}/tokens", operation_id = "list_tokens", tag = "bots",
    params(("bot" = UserId, Path, description = "The id of the bot.")),
    responses((status = 200, description = "Its tokens, oldest first.", body = Tokens)),
)]
pub(super) async fn tokens(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(bot): Segment<UserId>,
) -> Result<Json<Tokens>, Problem> {
    caller.require_admin()?;
    find_bot(&state, bot).await?;
    let tokens = state.runtime.directory().tokens(Some(bot)).await?;
    Ok(Json(Tokens { tokens: tokens.iter().map(TokenBody::from).collect() }))
}

/// Issue a token
///
/// The secret is in this answer alone. It cannot be read again.
#[utoipa::path(
    post, path = "/bots/{bot}/tokens", operation_id = "issue_token", tag = "bots", request_body = NewToken,
    params(("bot" = UserId, Path, description = "The id of the bot.")),
    responses((status = 201, description = "The token.", body = NewTokenSecret)),
)]
pub(super) async fn issue_token(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(bot): Segment<UserId>,
    Body(body): Body<NewToken>,
) -> Result<(StatusCode, Json<NewTokenSecret>), Problem> {
    caller.require_admin()?;
    find_bot(&state, bot).await?;
    let valid_for = parse_duration(&body.valid_for)?;
    let issued = state.runtime.issue_token(bot, &body.label, valid_for, caller.administrator()).await?;
    let token = issued.secret.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(NewTokenSecret { id: issued.id, token, expires_at: issued.expires_at })))
}

/// Revoke a token
///
/// Revoking it again changes nothing.
#[utoipa::path(
    delete, path = "/tokens/{token}", operation_id = "revoke_token", tag = "bots",
    params(("token" = TokenId, Path, description = "The id of the token.")),
    responses((status = 200, description = "The token, which is revoked.", body = TokenBody)),
)]
pub(super) async fn revoke_token(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(token): Segment<TokenId>,
) -> Result<Json<TokenBody>, Problem> {
    caller.require_admin()?;
    let revoked = state.runtime.revoke_token(token, caller.administrator()).await?;
    Ok(Json(TokenBody::from(&revoked)))
}

async fn owner_id(state: &ApiState, owner: &str) -> Result<UserId, Problem> {
    user_id(state, owner).await?.ok_or_else(|| {
        let message = format!("no user is named `{owner}`");
        Error::new(ErrorKind::InvalidInput, codes::UNKNOWN_USER, message).into()
    })
}

pub(super) async fn find_bot(state: &ApiState, id: UserId) -> Result<std::sync::Arc<User>, Problem> {
    let user = state.runtime.directory().user(id).await?.filter(|user| user.user_type() == UserType::Bot);
    user.ok_or_else(|| {
        let message = format!("no bot has the id `{id}`");
        Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, message).into()
    })
}
