//! Repositories, collaborators, invitations, teams and users as GitHub describes them.

use serde::Deserialize;

use super::RepositoryRole;
use crate::ToFieldOption;
use crate::kit::null_as_default;

/// A [repository](https://docs.github.com/en/rest/repos/repos#get-a-repository).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Repository {
    /// The id, which stays the same when the repository is renamed or transferred.
    pub id: u64,
    /// The name, without the owner.
    pub name: String,
    /// The name of the owner, a slash, and the name.
    pub full_name: String,
    /// The description.
    pub description: Option<String>,
    /// Whether it is archived, and cannot be changed.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archived: bool,
}

impl Repository {
    /// The login of the owner, such as an organization.
    pub fn owner(&self) -> &str {
        self.full_name.split_once('/').map_or("", |(owner, _)| owner)
    }
}

impl ToFieldOption for Repository {
    /// The name, as targets have it in `repo_name`.
    fn option_value(&self) -> String {
        self.name.clone()
    }

    fn option_label(&self) -> String {
        self.name.clone()
    }
}

/// A [collaborator](https://docs.github.com/en/rest/collaborators/collaborators#list-repository-collaborators) of a repository.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Collaborator {
    /// The id, which stays the same when the user takes another login.
    pub id: u64,
    /// The login, whose letters may be in another case elsewhere.
    pub login: String,
    /// The *effective* role: the highest one that the user has directly, through a team, or as a member of the organization.
    pub role_name: Option<RepositoryRole>,
    /// The rights of the effective role.
    #[serde(default, deserialize_with = "null_as_default")]
    pub permissions: Permissions,
}

/// The rights of a role. They show what a custom role includes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "that is how GitHub describes them")]
pub struct Permissions {
    /// Reads.
    #[serde(deserialize_with = "null_as_default")]
    pub pull: bool,
    /// Triages.
    #[serde(deserialize_with = "null_as_default")]
    pub triage: bool,
    /// Pushes.
    #[serde(deserialize_with = "null_as_default")]
    pub push: bool,
    /// Maintains.
    #[serde(deserialize_with = "null_as_default")]
    pub maintain: bool,
    /// Everything.
    #[serde(deserialize_with = "null_as_default")]
    pub admin: bool,
}

impl Collaborator {
    /// Returns whether the effective role includes another one. A custom role includes what its permissions show.
    pub fn has(&self, wanted: &RepositoryRole) -> bool {
        let Some(role) = &self.role_name else { return self.permissions.include(wanted) };
        role.includes(wanted).unwrap_or_else(|| self.permissions.include(wanted))
    }

    /// Whether the effective role is known not to include another one, so that the user does not have that directly either.
    #[cfg(feature = "runtime")]
    pub(super) fn lacks(&self, wanted: &RepositoryRole) -> bool {
        match self.role_name.as_ref().and_then(|role| role.includes(wanted)) {
            Some(includes) => !includes,
            // Whoever has a role may read, so permissions without that were not told.
            None => !wanted.is_custom() && self.permissions.pull && !self.permissions.include(wanted),
        }
    }
}

impl Permissions {
    fn include(self, role: &RepositoryRole) -> bool {
        match role {
            RepositoryRole::Read => self.pull,
            RepositoryRole::Triage => self.triage,
            RepositoryRole::Write => self.push,
            RepositoryRole::Maintain => self.maintain,
            RepositoryRole::Admin => self.admin,
            RepositoryRole::Other(_) => false,
        }
    }
}

/// The reply about one user's permission in a repository.
#[derive(Deserialize)]
pub(super) struct PermissionReply {
    /// `admin`, `write`, `read` or `none`, to which other roles are mapped.
    permission: Option<String>,
    role_name: Option<RepositoryRole>,
    user: Option<Collaborator>,
}

impl PermissionReply {
    /// Returns the user with their role; `None` if they have no access.
    pub(super) fn collaborator(self) -> Option<Collaborator> {
        let legacy = self.permission.filter(|permission| permission != "none").map(|name| RepositoryRole::parse(&name));
        let mut user = self.user?;
        let named = self.role_name.or(user.role_name).filter(|role| !matches!(role.as_str(), "none" | ""));
        user.role_name = Some(named.or(legacy)?);
        Some(user)
    }
}

/// An [invitation](https://docs.github.com/en/rest/collaborators/invitations) to a repository, which was not accepted yet.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Invitation {
    /// The id.
    pub id: u64,
    /// The invited user; `None` if an e-mail address was invited.
    pub invitee: Option<Invitee>,
    /// The role that the user gets.
    #[serde(rename = "permissions")]
    pub role: Option<RepositoryRole>,
    /// Whether it can no longer be accepted.
    #[serde(default, deserialize_with = "null_as_default")]
    pub expired: bool,
}

/// The user of an [`Invitation`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Invitee {
    /// The id.
    pub id: Option<u64>,
    /// The login.
    pub login: Option<String>,
}

impl Invitation {
    /// Whether it is for this user.
    pub fn is_for(&self, user_id: u64) -> bool {
        self.invitee.as_ref().is_some_and(|invitee| invitee.id == Some(user_id))
    }
}

/// A [team](https://docs.github.com/en/rest/teams/teams#list-teams) of the organization.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Team {
    /// The id.
    pub id: u64,
    /// The name in URLs.
    pub slug: String,
    /// The name that people know it by.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
}

impl ToFieldOption for Team {
    fn option_value(&self) -> String {
        self.slug.clone()
    }

    fn option_label(&self) -> String {
        self.name.clone().unwrap_or_default()
    }
}

/// A [user](https://docs.github.com/en/rest/users/users).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct GitHubUser {
    /// The id, which stays the same when the user takes another login. This is what a user's identity holds.
    pub id: u64,
    /// The login, which another user may take when this one gives it up.
    pub login: String,
    /// The name that people know the user by.
    pub name: Option<String>,
    /// Since when the user is suspended, on GitHub Enterprise Server.
    pub suspended_at: Option<String>,
}
