//! Calls about the organization: its repositories, teams and members, and users.

use serde::Deserialize;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::User;

use super::client::GITHUB;
use super::{GitHub, GitHubUser, Repository, RepositoryClient, Team, codes};
use crate::http::{Call, Paginator};
use crate::kit::{Resource, null_as_default};

/// The largest page.
pub(super) const PAGE: u32 = 100;

#[derive(Deserialize)]
struct CustomRoles {
    #[serde(default, deserialize_with = "null_as_default")]
    custom_roles: Vec<CustomRole>,
}

#[derive(Deserialize)]
struct CustomRole {
    name: Option<String>,
}

impl GitHub {
    /// Lists the organization's repositories that the token may see.
    /// [`GET /orgs/{org}/repos`](https://docs.github.com/en/rest/repos/repos#list-organization-repositories)
    pub fn list_repos(&self) -> Paginator<Resource<Repository>> {
        self.of_organization("orgs/{org}/repos").pages::<Vec<Resource<Repository>>>()
    }

    /// Lists the organization's teams that the token may see.
    /// [`GET /orgs/{org}/teams`](https://docs.github.com/en/rest/teams/teams#list-teams)
    pub fn list_teams(&self) -> Paginator<Resource<Team>> {
        self.of_organization("orgs/{org}/teams").pages::<Vec<Resource<Team>>>()
    }

    /// Lists the names of the roles that the organization has defined itself.
    /// [`GET /orgs/{org}/custom-repository-roles`](https://docs.github.com/en/enterprise-cloud@latest/rest/orgs/custom-roles#list-custom-repository-roles-in-an-organization)
    pub async fn list_custom_roles(&self) -> Result<Vec<String>> {
        let roles: CustomRoles =
            self.0.get("orgs/{org}/custom-repository-roles", &[self.organization()]).await?.json()?;
        Ok(roles.custom_roles.into_iter().filter_map(|role| role.name).collect())
    }

    fn of_organization(&self, route: &'static str) -> Call {
        self.0.get(route, &[self.organization()]).query("per_page", PAGE).hint(
            &[ErrorKind::NotFound],
            "the integration's `external_id` is the login of the organization, which the token has to be authorized for",
        )
    }

    /// Returns whether a GitHub user is a member of the organization.
    /// [`GET /orgs/{org}/members/{username}`](https://docs.github.com/en/rest/orgs/members#check-organization-membership-for-a-user)
    ///
    /// # Errors
    /// `GitHub:TOKEN_NOT_A_MEMBER` if the owner of the token is not a member, since GitHub then shows public members only.
    pub async fn is_member(&self, login: &str) -> Result<bool> {
        let organization = self.organization();
        let call = self.0.get("orgs/{org}/members/{user}", &[organization, login]);
        // To others, GitHub answers with a redirect to the public members.
        match call.accept(302).await {
            Ok(response) if response.status() == 302 => {
                let message = format!("the owner of the token is not a member of organization `{organization}`");
                Err(GITHUB.error(ErrorKind::Configuration, codes::TOKEN_NOT_A_MEMBER, message).with_hint(
                    "use the token of a member, who sees all members: the call is needed to keep outsiders out",
                ))
            }
            Ok(response) if response.status() == 204 => response.expect_empty().map(|()| true),
            Ok(response) => Err(response.invalid("expected status 204 for a member of the organization")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Looks up a repository of the organization. One that was renamed is found under its old name too, until another takes it.
    /// [`GET /repos/{owner}/{repo}`](https://docs.github.com/en/rest/repos/repos#get-a-repository)
    ///
    /// # Errors
    /// `GitHub:REPOSITORY_NOT_FOUND` if there is no such repository, or the token may not see it.
    pub async fn get_repo(&self, repo_name: &str) -> Result<Resource<Repository>> {
        self.repo(repo_name).get().await
    }

    /// Looks up a repository by its id, under whichever name it has now.
    ///
    /// # Errors
    /// `GitHub:REPOSITORY_NOT_FOUND` if there is no such repository, or the token may not see it.
    pub async fn get_repo_by_id(&self, id: u64) -> Result<Resource<Repository>> {
        let call = self.0.get("repositories/{id}", &[&id.to_string()]);
        let message = format!("there is no repository with id {id}, or the token may not see it");
        call.not_found(codes::REPOSITORY_NOT_FOUND, message).await?.json()
    }

    /// Returns a client for the calls about one repository of the organization.
    pub fn repo(&self, repo_name: &str) -> RepositoryClient {
        RepositoryClient::new(self, self.organization(), repo_name)
    }

    /// Looks up a user by id.
    /// [`GET /user/{account_id}`](https://docs.github.com/en/rest/users/users#get-a-user-using-their-id)
    ///
    /// # Errors
    /// `GitHub:USER_NOT_FOUND` if there is no such user.
    pub async fn get_user_by_id(&self, id: u64) -> Result<Resource<GitHubUser>> {
        let call = self.0.get("user/{id}", &[&id.to_string()]);
        call.not_found(codes::USER_NOT_FOUND, format!("there is no GitHub user with id {id}")).await?.json()
    }

    /// Looks up a user by login.
    /// [`GET /users/{username}`](https://docs.github.com/en/rest/users/users#get-a-user)
    ///
    /// # Errors
    /// `GitHub:USER_NOT_FOUND` if there is no such user.
    pub async fn get_user(&self, login: &str) -> Result<Resource<GitHubUser>> {
        let call = self.0.get("users/{user}", &[login]);
        call.not_found(codes::USER_NOT_FOUND, format!("there is no GitHub user `{login}`")).await?.json()
    }

    /// Returns the id of a user's account in GitHub, which is the one in the directory: e-mail addresses do not lead to accounts.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if none is stored.
    pub async fn account_id(&self, user: &User) -> Result<String> {
        self.0.account_id(user, async |_| Ok(None)).await
    }
}
