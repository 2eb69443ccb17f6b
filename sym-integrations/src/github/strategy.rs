//! The strategy `github`: access by a role in a repository.
//!
//! A name can refer to something else at any time, so every step begins with ids: the account's, and that of the repository as it was
//! when the access was granted. What the calls report is not taken for what happened: after each change the collaborators and the
//! invitations are read.

use serde_json::{Value, json};
use sym_sdk::config::{IntegrationSchema, SettingsSchema, StrategySchema};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{AccessTarget, StepOutput, User};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, PriorAccess, RevocationScope, StrategyType};

use super::client::GITHUB;
use super::target::{self, REPO_NAME, RepoTarget};
use super::{Affiliation, GitHub, Repository, RepositoryClient, RepositoryRole, codes};
use crate::kit::is_picked_by_requester;

const SCHEMA: StrategySchema = StrategySchema::ANY
    .with_integration(IntegrationSchema::new(GitHub::TYPE, GitHub::SETTINGS))
    .with_settings(SettingsSchema::closed(&[]))
    .with_targets(&[target::SCHEMA]);

/// The strategies of type `github`, which are part of [`all`](crate::all).
///
/// ```hcl
/// resource "sym_strategy" "github" {
///   type           = "github"
///   name           = "github-repos"
///   integration_id = sym_integration.github.id
///   targets        = [sym_target.api.id]
/// }
///
/// resource "sym_target" "api" {
///   type  = "github_repo"
///   name  = "api"
///   label = "acme/api"
///   settings = {
///     repo_name  = "api"
///     permission = "push"
///   }
/// }
/// ```
pub fn strategy_type() -> StrategyType {
    StrategyType::new("github", |config| {
        config.expect_settings(&[])?;
        Ok(GitHubStrategy::new(GitHub::from_config(&config.integration()?)?))
    })
    .with_schema(SCHEMA)
}

/// Gives users a role in a repository, and takes it away again: strategies of type `github`, with targets of type `github_repo`.
///
/// | setting of a target | meaning |
/// | --- | --- |
/// | `repo_name` | the repository, without the organization |
/// | `permission` | `pull`, `triage`, `push`, `maintain`, `admin` or a custom role. The default is `push` |
/// | `allow_outside` | `true` to admit accounts that are not members of the organization, whom GitHub invites. The default is `false` |
///
/// The identity of a user is the numeric id of the account, since a login can be taken by somebody else. It is stored in the directory, or
/// returned by a `get_identity` reducer; there is no way from an e-mail address to an account.
///
/// - A user who has the role already, from whichever source, keeps it: neither step is taken. A lower role that the user has directly, or an
///   invitation, is put back at the end; a user who had nothing directly is removed. What somebody else changes about the same user
///   in the meantime is undone by the end of the access, and named in the output as `replaced_role`.
/// - A grant that would change what cannot be put back, or what somebody else gave after the request was made, is refused
///   (`GitHub:ROLE_NOT_RESTORABLE`), and that stays: after a grant that has failed, a revocation takes a role or an invitation only if it may
///   be the one that the target grants, and names what stays in the output as `kept_role`. It cannot tell apart who has given exactly that
///   role, or a higher one, and takes it. Where GitHub does not tell the direct role, the same goes for a custom one, unless it was there
///   before. It looks in the repository that has the name then, since a grant that has failed did not record the id.
/// - The output of a grant has the `status`: `granted`, or `invited` as long as the invitation was not accepted.
/// - Repeated grants and revocations change nothing.
/// - The role that a user has *directly* is read through GraphQL. Where GitHub does not tell it, `read` is put back, and the output says
///   so as `restored_unknown_role`.
/// - Access through a team or the organization is neither granted nor taken away, and the end of a role does not end what it was used
///   for: deploy keys, forks of public repositories, clones.
/// - A repository that is renamed or transferred during the access is found by its id.
#[derive(Clone, Debug)]
pub struct GitHubStrategy {
    pub(super) github: GitHub,
}

impl GitHubStrategy {
    /// Creates a strategy that works through a client.
    pub fn new(github: GitHub) -> Self {
        Self { github }
    }

    async fn check_target(&self, target: &AccessTarget) -> Result<()> {
        if is_picked_by_requester(target, REPO_NAME) {
            return self.github.list_repos().next_item().await.map(drop);
        }
        let settings = RepoTarget::of(target)?;
        let client = self.client_of(&*self.repository_for_grant(&settings).await?);
        // Only an administrator of the repository may see invitations.
        client.collaborators(Affiliation::Direct).next_item().await?;
        client.invitations().next_item().await?;
        if !settings.allow_outside {
            // The answer is not of interest, but whether the token may know it is.
            self.github.is_member(self.github.organization()).await?;
        }
        self.check_role(&settings.role).await
    }

    /// Checks that a custom role exists, as far as the token may know: a built-in one that is misspelt would be taken for a custom one.
    async fn check_role(&self, role: &RepositoryRole) -> Result<()> {
        if !role.is_custom() {
            return Ok(());
        }
        match self.github.list_custom_roles().await {
            Ok(names) if names.iter().any(|name| name.eq_ignore_ascii_case(role.as_str())) => Ok(()),
            Ok(_) => {
                let message = format!("organization `{}` has no role `{role}`", self.github.organization());
                let error = GITHUB.error(ErrorKind::Configuration, codes::ROLE_NOT_FOUND, message);
                Err(error.with_hint("use `pull`, `triage`, `push`, `maintain`, `admin`, or the name of a custom role"))
            }
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, target: &AccessTarget) -> Result<Vec<String>> {
        let settings = RepoTarget::of(target)?;
        // This is read after each revocation, which no listing may delay.
        let revoking = Self::new(GitHub(self.github.0.for_revocation()));
        let repository = revoking.github.get_repo(settings.repo_name).await?;
        let client = revoking.client_of(&repository);
        let listed = client.collaborators(Affiliation::Direct).filter_items(move |found| found.has(&settings.role));
        listed.map_items(|found| Ok(found.id.to_string())).await
    }

    /// Parses an identity. A login is refused: it may belong to somebody else by the time the access ends.
    pub(super) async fn id(&self, identity: &str) -> Result<u64> {
        match identity.parse::<u64>() {
            Ok(id) if id.to_string() == identity => return Ok(id),
            _ => {}
        }
        let message = format!("`{identity}` is not the numeric id of a GitHub user");
        let error = GITHUB.error(ErrorKind::Identity, codes::NOT_A_USER_ID, message);
        Err(error.with_hint(match self.github.get_user(identity).await {
            Ok(user) => {
                format!("the id of `{}` is `{}` now: store that with `Directory::put_identity`", user.login, user.id)
            }
            Err(_) => {
                "store the id with `Directory::put_identity`, or return it from a `get_identity` reducer".to_owned()
            }
        }))
    }

    pub(super) fn client_of(&self, repository: &Repository) -> RepositoryClient {
        RepositoryClient::new(&self.github, repository.owner(), &repository.name)
    }
}

impl AccessStrategy for GitHubStrategy {
    /// Never knows: GitHub shows an e-mail address only if the user publishes it, and does not tell whose it is.
    async fn fetch_remote_identity(&self, _: &User) -> Result<Option<String>> {
        Ok(None)
    }

    async fn prior_access(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        self.read_prior(target, identity).await
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        self.grant(request).await
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        self.revoke(request).await.map(Some)
    }

    /// GitHub checks the role at each request.
    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }

    /// The repository alone, whose name has no case.
    fn resource(&self, target: &AccessTarget) -> String {
        target::resource_of(target)
    }

    /// The permission.
    fn level(&self, target: &AccessTarget) -> Option<String> {
        Some(target::role_of(target).permission().to_owned())
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        self.list(target).await.map(Some)
    }

    /// A repository that a requester picks in the form is not known yet: of such a target only the token is checked.
    async fn check(&self, target: &AccessTarget) -> Result<()> {
        self.check_target(target).await
    }
}

/// The output of both steps.
pub(super) fn output(repository: &Repository, user_id: u64, login: Option<&str>, role: &RepositoryRole) -> Value {
    let mut output = json!({
        "repo": repository.full_name,
        "repo_id": repository.id,
        "user_id": user_id.to_string(),
        "permission": role.permission(),
    });
    if let Some(login) = login {
        output["login"] = login.into();
    }
    output
}
