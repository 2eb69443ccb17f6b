//! The trusts of bots in jobs of CI services, for administrators.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bots::find_bot;
use super::extract::{Body, CallBody, Segment};
use super::state::ApiState;
use crate::directory::{NewTrust, WorkloadProvider, WorkloadTrust};
use crate::model::{TrustId, UserId};
use crate::server::caller::Caller;
use crate::server::problem::Problem;

/// The trust of a bot in certain jobs of a CI service: each of them gets a token of the bot for its own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trust)]
pub(super) struct TrustBody {
    id: TrustId,
    bot_id: UserId,
    provider: WorkloadProvider,
    /// The issuer of the tokens, as their claim `iss` has it.
    #[schema(example = "https://token.actions.githubusercontent.com")]
    issuer: String,
    /// The audience that the tokens must have.
    audience: String,
    /// The claims that the tokens must have.
    claims: BTreeMap<String, String>,
    created_at: Timestamp,
}

impl From<WorkloadTrust> for TrustBody {
    fn from(trust: WorkloadTrust) -> Self {
        Self {
            id: trust.id,
            bot_id: trust.bot,
            provider: trust.provider,
            issuer: trust.issuer,
            audience: trust.audience,
            claims: trust.claims,
            created_at: trust.created_at,
        }
    }
}

/// The trusts of a bot.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Trusts {
    trusts: Vec<TrustBody>,
}

/// A trust to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTrustBody {
    provider: WorkloadProvider,
    /// The issuer of the tokens, for a service that the organization runs itself. The default is that of the service.
    #[serde(default)]
    #[schema(example = "https://gitlab.example.com")]
    issuer: Option<String>,
    /// The audience that jobs ask for: the address of this server, for example.
    #[schema(example = "https://sym.example.com")]
    audience: String,
    /// The claims that the tokens must have. The ids of the owner and of the repository or project are required, and an environment, a ref
    /// or a branch.
    #[schema(example = json!({ "repository_owner_id": "1342004", "repository_id": "74791", "environment": "production" }))]
    claims: BTreeMap<String, String>,
}

impl CallBody for NewTrustBody {}

/// List the trusts of a bot
#[utoipa::path(
    get, path = "/bots/{bot}/trusts", tag = "bots",
    params(("bot" = UserId, Path, description = "The id of the bot.")),
    responses((status = 200, description = "Its trusts, oldest first.", body = Trusts)),
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(bot): Segment<UserId>,
) -> Result<Json<Trusts>, Problem> {
    caller.require_admin()?;
    find_bot(&state, bot).await?;
    let trusts = state.runtime.directory().trusts(Some(bot)).await?;
    Ok(Json(Trusts { trusts: trusts.into_iter().map(TrustBody::from).collect() }))
}

/// Add a trust
///
/// Jobs with these claims get tokens of the bot from `POST /tokens/exchange`.
#[utoipa::path(
    post, path = "/bots/{bot}/trusts", tag = "bots", request_body = NewTrustBody,
    params(("bot" = UserId, Path, description = "The id of the bot.")),
    responses((status = 201, description = "The trust.", body = TrustBody)),
)]
pub(super) async fn add(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(bot): Segment<UserId>,
    Body(body): Body<NewTrustBody>,
) -> Result<(StatusCode, Json<TrustBody>), Problem> {
    caller.require_admin()?;
    let bot = find_bot(&state, bot).await?;
    let mut trust = NewTrust::new(body.provider, body.audience);
    (trust.issuer, trust.claims) = (body.issuer, body.claims);
    let trust = state.runtime.add_trust(bot.id(), trust, caller.administrator()).await?;
    Ok((StatusCode::CREATED, Json(trust.into())))
}

/// Remove a trust
///
/// No more tokens are issued by it. Those that were are good for 15 minutes at most; revoke them to end them at once.
#[utoipa::path(
    delete, path = "/trusts/{trust}", tag = "bots",
    params(("trust" = TrustId, Path, description = "The id of the trust.")),
    responses((status = 200, description = "The trust, which is removed.", body = TrustBody)),
)]
pub(super) async fn remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(trust): Segment<TrustId>,
) -> Result<Json<TrustBody>, Problem> {
    caller.require_admin()?;
    let trust = state.runtime.remove_trust(trust, caller.administrator()).await?;
    Ok(Json(trust.into()))
}
