//! The access of a user to a repository before a grant, which the end of the access puts back.

use serde::{Deserialize, Serialize};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::strategy::AccessRequest;

use super::client::GITHUB;
use super::{RepositoryClient, RepositoryRole, codes};

/// The state before a grant, as it is stored with the grant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Prior {
    /// The id of the repository, by which it is found again under another name.
    pub(super) repository: u64,
    /// The user's access to it.
    pub(super) standing: Standing,
}

impl Prior {
    /// Returns the state that was stored with a grant.
    pub(super) fn of(request: &AccessRequest<'_>) -> Option<Self> {
        serde_json::from_str(request.prior()?).ok()
    }
}

/// Access that the user had directly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// A role.
    Role(RepositoryRole),
    /// A role that GitHub did not tell. It is put back as the lowest one.
    UnknownRole,
    /// An invitation that was not accepted yet.
    Invitation(RepositoryRole),
    /// Something that a grant would change, and its end could not put back, with the reason. So the grant is refused.
    NotRestorable(String),
}

impl Standing {
    /// The role to put back, if that is possible.
    pub(super) fn role(&self) -> Option<&RepositoryRole> {
        match self {
            Self::Role(role) | Self::Invitation(role) => Some(role),
            Self::UnknownRole => Some(&RepositoryRole::Read),
            Self::NotRestorable(_) => None,
        }
    }

    /// Reads what a user has directly in a repository, as a grant of `wanted` would change it.
    pub(super) async fn of(
        repository: &RepositoryClient,
        user_id: u64,
        wanted: &RepositoryRole,
    ) -> Result<Option<Self>> {
        let not_restorable = |problem: &str| Ok(Some(Self::NotRestorable(problem.to_owned())));
        if let Some(user) = repository.direct_collaborator(user_id).await? {
            let role = repository.direct_role(&user).await?;
            let is_custom = user.role_name.as_ref().is_some_and(RepositoryRole::is_custom);
            return match role {
                // Only `read` is known to be part of every custom role.
                Some(role) if wanted.is_custom() && role != RepositoryRole::Read && !role.is_same(wanted) => {
                    not_restorable(&format!("has the role `{role}` in it, which `{wanted}` may not include"))
                }
                Some(role) => Ok(Some(Self::Role(role))),
                None if is_custom || wanted.is_custom() => not_restorable("has a role in it that GitHub does not tell"),
                None => Ok(Some(Self::UnknownRole)),
            };
        }
        let Some(invitation) = repository.invitation_of(user_id).await? else { return Ok(None) };
        match &invitation.role {
            Some(role) if role == wanted || !(role.is_custom() || wanted.is_custom()) => {
                Ok(Some(Self::Invitation(role.clone())))
            }
            _ => not_restorable("has an invitation to it whose role cannot be changed and put back"),
        }
    }
}

/// The error for a grant that would change what its end could not put back.
pub(super) fn not_restorable(problem: &str) -> sym_sdk::error::Error {
    let message = format!("the grant would change what the user already has in the repository: the user {problem}");
    GITHUB.error(ErrorKind::Conflict, codes::ROLE_NOT_RESTORABLE, message).with_hint(
        "remove the user's own role in the repository, or use a target whose `permission` includes it, such as `admin`",
    )
}
