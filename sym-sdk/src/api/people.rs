//! People and bots, as the API shows them.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::state::ApiState;
use crate::directory::Token;
use crate::error::Result;
use crate::model::{TokenId, User, UserId, UserIdentity, UserRole, UserType};

/// A user by id and name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct UserRef {
    pub(super) id: UserId,
    /// The name: the e-mail address of a person.
    #[schema(example = "cleo@example.com")]
    pub(super) username: String,
}

impl From<&User> for UserRef {
    fn from(user: &User) -> Self {
        Self { id: user.id(), username: user.username().to_owned() }
    }
}

/// A user of the directory.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserBody {
    id: UserId,
    /// The name: the e-mail address of a person.
    username: String,
    #[serde(rename = "type")]
    kind: UserType,
    role: UserRole,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    /// Whether everything that they submit is refused.
    is_locked: bool,
    /// The person who answers for them. Only agents have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<UserRef>,
    /// Their accounts in services.
    identities: Vec<Identity>,
}

impl From<&User> for UserBody {
    fn from(user: &User) -> Self {
        Self {
            id: user.id(),
            username: user.username().to_owned(),
            kind: user.user_type(),
            role: user.role(),
            email: user.email().map(str::to_owned),
            first_name: user.first_name().map(str::to_owned),
            last_name: user.last_name().map(str::to_owned),
            is_locked: user.is_locked(),
            owner: user.owner().map(|owner| UserRef { id: owner.id(), username: owner.username().to_owned() }),
            identities: user.identities().iter().map(Identity::from).collect(),
        }
    }
}

/// An account of a user in a service.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    /// The service, such as `slack`.
    #[schema(example = "slack")]
    pub(super) service: String,
    /// The instance of the service, such as a workspace.
    #[schema(example = "T0123456")]
    pub(super) service_id: String,
    /// The id of the account.
    #[schema(example = "U0123456")]
    pub(super) user_id: String,
}

impl From<&UserIdentity> for Identity {
    fn from(identity: &UserIdentity) -> Self {
        Self {
            service: identity.service().to_owned(),
            service_id: identity.service_id().to_owned(),
            user_id: identity.user_id().to_owned(),
        }
    }
}

impl super::extract::CallBody for Identity {}

/// The token of a bot, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub(super) struct TokenBody {
    id: TokenId,
    label: String,
    created_at: Timestamp,
    /// The time from which it is not good any more.
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    /// The day of the last use, in UTC. Absent if it was never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date, example = "2026-12-02")]
    last_used_on: Option<Date>,
}

impl From<&Token> for TokenBody {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id,
            label: token.label.clone(),
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            last_used_on: token.last_used_on(),
        }
    }
}

/// Returns the id of the user whom a parameter names: by the id, or by the name. `None` if nobody has the name.
pub(super) async fn user_id(state: &ApiState, user: &str) -> Result<Option<UserId>> {
    if let Ok(id) = user.parse() {
        return Ok(Some(id));
    }
    // Names are sorted, so the first one that begins with it is it, if there is one.
    let found = state.runtime.directory().users_page(user, None, 1).await?;
    Ok(found.first().filter(|found| found.username().eq_ignore_ascii_case(user.trim())).map(|found| found.id()))
}
