//! Calls about one repository: its collaborators and invitations.

use std::sync::Arc;

use serde_json::json;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::integration::look_up_users;
use sym_sdk::model::User;

use super::client::{GITHUB, paced};
use super::model::PermissionReply;
use super::organization::PAGE;
use super::{Collaborator, GitHub, Invitation, Repository, RepositoryRole, codes};
use crate::http::{Call, Paginator};
use crate::kit::{Account, Resource};

/// The collaborators that a list contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Affiliation {
    /// Everybody with access, through a team or as a member of the organization too.
    All,
    /// Those who were added to the repository themselves.
    Direct,
    /// Those of them who are not members of the organization.
    Outside,
}

impl Affiliation {
    /// Returns the name in GitHub's API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Direct => "direct",
            Self::Outside => "outside",
        }
    }
}

/// A client for the calls about one repository. See [`GitHub::repo`].
#[derive(Clone, Debug)]
pub struct RepositoryClient {
    pub(super) github: GitHub,
    pub(super) owner: String,
    pub(super) name: String,
}

impl GitHub {
    /// Returns the users who have one of these roles in a repository of the organization, from whichever source, or any role if none is
    /// given. Roles are exclusive: an admin does not have role `write`. Only users whose GitHub account the directory knows are returned;
    /// others are omitted, with a warning in the log.
    ///
    /// # Errors
    /// `GitHub:REPOSITORY_NOT_FOUND` if there is no such repository.
    pub async fn get_repo_collaborators(&self, repo_name: &str, roles: &[RepositoryRole]) -> Result<Vec<Arc<User>>> {
        let question = format!("get_repo_collaborators `{repo_name}` {roles:?}");
        look_up_users(GITHUB.name(), question, self.ask_repo_collaborators(repo_name, roles)).await
    }

    async fn ask_repo_collaborators(&self, repo_name: &str, roles: &[RepositoryRole]) -> Result<Vec<Arc<User>>> {
        let roles = roles.to_vec();
        let listed = self.repo(repo_name).collaborators(Affiliation::All).filter_items(move |found| {
            roles.is_empty() || found.role_name.as_ref().is_some_and(|role| roles.contains(role))
        });
        let accounts = listed.await?.into_iter().map(|found| Account::new(found.id.to_string(), None));
        self.0.users(accounts).await
    }
}

impl RepositoryClient {
    pub(super) fn new(github: &GitHub, owner: &str, name: &str) -> Self {
        Self { github: github.clone(), owner: owner.to_owned(), name: name.to_owned() }
    }

    /// The name of the owner, a slash, and the name.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Looks up the repository.
    /// [`GET /repos/{owner}/{repo}`](https://docs.github.com/en/rest/repos/repos#get-a-repository)
    ///
    /// # Errors
    /// `GitHub:REPOSITORY_NOT_FOUND` if it does not exist, or the token may not see it.
    pub async fn get(&self) -> Result<Resource<Repository>> {
        self.found(self.github.0.get("repos/{owner}/{repo}", &[&self.owner, &self.name])).await?.json()
    }

    /// Lists the collaborators, with their *effective* roles.
    /// [`GET /repos/{owner}/{repo}/collaborators`](https://docs.github.com/en/rest/collaborators/collaborators#list-repository-collaborators)
    ///
    /// # Errors
    /// `GitHub:REPOSITORY_NOT_FOUND` if the repository does not exist.
    pub fn collaborators(&self, affiliation: Affiliation) -> Paginator<Resource<Collaborator>> {
        let call = self.github.0.get("repos/{owner}/{repo}/collaborators", &[&self.owner, &self.name]);
        let call = call.query("affiliation", affiliation.as_str()).query("per_page", PAGE);
        self.found(call).pages::<Vec<Resource<Collaborator>>>()
    }

    /// Returns a user with their *effective* role, by login; `None` if they have no access. In a public repository everybody has.
    /// [`GET /repos/{owner}/{repo}/collaborators/{username}/permission`](https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user)
    pub async fn collaborator(&self, login: &str) -> Result<Option<Collaborator>> {
        let route = "repos/{owner}/{repo}/collaborators/{user}/permission";
        match self.github.0.get(route, &[&self.owner, &self.name, login]).await {
            Ok(response) => Ok(response.json::<PermissionReply>()?.collaborator()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a user this role directly, in place of any that they have. Returns the invitation that GitHub sends to users who are not
    /// members of the organization, and whom it adds when they accept.
    /// [`PUT /repos/{owner}/{repo}/collaborators/{username}`](https://docs.github.com/en/rest/collaborators/collaborators#add-a-repository-collaborator)
    ///
    /// # Errors
    /// `GitHub:NO_SEAT` if the organization has no seat left, `GitHub:REPOSITORY_NOT_FOUND` if the repository does not exist or the token
    /// may not change it.
    pub async fn add_collaborator(&self, login: &str, role: &RepositoryRole) -> Result<Option<Invitation>> {
        let call = self.github.0.put("repos/{owner}/{repo}/collaborators/{user}", &[&self.owner, &self.name, login]);
        let call = paced(call).json(&json!({ "permission": role.permission() })).hint(
            &[ErrorKind::Forbidden, ErrorKind::NotFound, ErrorKind::InvalidInput],
            "check that the token may administer the repository; and if the organization has enterprise managed users, that the \
             identity is the user's managed account, and otherwise that it is not one",
        );
        let response = self.found(call).await?;
        match response.status() {
            204 => response.expect_empty().map(|()| None),
            201 => response.json().map(Some),
            _ => Err(response.invalid("expected status 201 or 204 for a collaborator")),
        }
    }

    /// Removes a user from the repository, by login. One who is not a collaborator is no error. Access through a team or the
    /// organization remains. GitHub also deletes the user's forks of a private repository.
    /// [`DELETE /repos/{owner}/{repo}/collaborators/{username}`](https://docs.github.com/en/rest/collaborators/collaborators#remove-a-repository-collaborator)
    pub async fn remove_collaborator(&self, login: &str) -> Result<()> {
        let call = self.github.0.delete("repos/{owner}/{repo}/collaborators/{user}", &[&self.owner, &self.name, login]);
        removed(paced(call)).await
    }

    /// Lists the invitations that were not accepted yet.
    /// [`GET /repos/{owner}/{repo}/invitations`](https://docs.github.com/en/rest/collaborators/invitations#list-repository-invitations)
    ///
    /// # Errors
    /// `GitHub:REPOSITORY_NOT_FOUND` if the repository does not exist.
    pub fn invitations(&self) -> Paginator<Resource<Invitation>> {
        let call = self.github.0.get("repos/{owner}/{repo}/invitations", &[&self.owner, &self.name]);
        self.found(call.query("per_page", PAGE)).pages::<Vec<Resource<Invitation>>>()
    }

    /// Changes the role that an invitation is for, which must not be a custom one.
    /// [`PATCH /repos/{owner}/{repo}/invitations/{invitation_id}`](https://docs.github.com/en/rest/collaborators/invitations#update-a-repository-invitation)
    pub async fn update_invitation(&self, id: u64, role: &RepositoryRole) -> Result<()> {
        let values = [&self.owner, &self.name, &*id.to_string()];
        let call = self.github.0.patch("repos/{owner}/{repo}/invitations/{invitation}", &values).idempotent(true);
        let call = paced(call).json(&json!({ "permissions": role.as_str() }));
        call.await?.json::<Invitation>().map(drop)
    }

    /// Deletes an invitation. One that does not exist is no error.
    /// [`DELETE /repos/{owner}/{repo}/invitations/{invitation_id}`](https://docs.github.com/en/rest/collaborators/invitations#delete-a-repository-invitation)
    pub async fn delete_invitation(&self, id: u64) -> Result<()> {
        let values = [&self.owner, &self.name, &*id.to_string()];
        let call = self.github.0.delete("repos/{owner}/{repo}/invitations/{invitation}", &values);
        removed(paced(call)).await
    }

    /// Returns a user who was added to the repository directly, by id, with their *effective* role.
    pub async fn direct_collaborator(&self, user_id: u64) -> Result<Option<Resource<Collaborator>>> {
        self.collaborators(Affiliation::Direct).find(|found| found.id == user_id).await
    }

    /// Returns the invitation of a user, by id. One that has expired, or that went to an e-mail address, is not found.
    pub async fn invitation_of(&self, user_id: u64) -> Result<Option<Resource<Invitation>>> {
        self.invitations().find(|found| found.is_for(user_id) && !found.expired).await
    }

    fn found(&self, call: Call) -> Call {
        let name = self.full_name();
        call.not_found(
            codes::REPOSITORY_NOT_FOUND,
            format!("there is no repository `{name}`, or the token may not see or administer it"),
        )
    }
}

async fn removed(call: Call) -> Result<()> {
    match call.await {
        Ok(response) => response.expect_empty(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
