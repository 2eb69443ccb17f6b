//! The strategy `github`: access by a role in a repository.
//!
//! What a name refers to can change at any time, so every step begins with ids: the account's, and that of the repository as it was
//! when the access was granted. What the calls report is not taken for what happened: after each change the collaborators and the
//! invitations are read.

use std::time::Duration;

use serde_json::json;
use sym_sdk::config::{IntegrationSchema, SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes as sdk_codes};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{AccessTarget, Step, StepOutput, User};
use sym_sdk::strategy::{
    AccessRequest, AccessStrategy, GrantResult, PriorAccess, PriorState, RevocationScope, StrategyType,
    resource_by_settings,
};

use super::client::GITHUB;
use super::prior::{Prior, Standing, not_restorable};
use super::{
    Affiliation, Collaborator, GitHub, GitHubUser, Invitation, Repository, RepositoryClient, RepositoryRole, codes,
};
use crate::kit::Resource;

/// The type of the targets.
const TARGET: &str = "github_repo";

/// The setting of a target that names the repository, without the organization.
const REPO_NAME: &str = "repo_name";

/// The setting of a target with the role that is granted. The default is `push`.
const PERMISSION: &str = "permission";

/// The setting of a target that admits users who are not members of the organization.
const ALLOW_OUTSIDE: &str = "allow_outside";

const SCHEMA: StrategySchema = StrategySchema::ANY
    .with_integration(IntegrationSchema::new(GitHub::TYPE, GitHub::SETTINGS))
    .with_settings(SettingsSchema::closed(&[]))
    .with_targets(&[TargetSchema::new(
        TARGET,
        SettingsSchema::closed(&[
            SettingSchema::required(REPO_NAME).bindable(),
            SettingSchema::optional(PERMISSION).bindable(),
            SettingSchema::optional(ALLOW_OUTSIDE),
        ]),
    )]);

/// The delays between reads after a change, until GitHub's lists show it.
const SETTLE_DELAYS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

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
/// - The output of a grant has the `status`: `granted`, or `invited` as long as the invitation was not accepted.
/// - Repeated grants and revocations change nothing.
/// - The role that a user has *directly* is read through GraphQL. Where GitHub does not tell it, `read` is put back, and the output says
///   so as `restored_unknown_role`.
/// - Access through a team or the organization is neither granted nor taken away, and the end of a role does not end what it was used
///   for: deploy keys, forks of public repositories, clones.
/// - A repository that is renamed or transferred during the access is found by its id.
#[derive(Clone, Debug)]
pub struct GitHubStrategy {
    github: GitHub,
}

/// The settings of a target.
struct Settings<'a> {
    repo_name: &'a str,
    role: RepositoryRole,
    allow_outside: bool,
}

impl<'a> Settings<'a> {
    fn of(target: &'a AccessTarget) -> Result<Self> {
        if target.kind() != TARGET {
            let message = format!("targets of type `{}` are not GitHub repositories", target.kind());
            return Err(invalid(message, "use a target of type `github_repo` with a setting `repo_name`"));
        }
        let repo_name = target.setting(REPO_NAME)?;
        let is_name_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !repo_name.chars().all(is_name_character) {
            let message = format!("`{repo_name}` is not the name of a GitHub repository");
            return Err(invalid(message, "`repo_name` is the name without the organization, such as `api`"));
        }
        let allow_outside = match target.settings().get(ALLOW_OUTSIDE).map(|value| value.trim()) {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                let message = format!("`{ALLOW_OUTSIDE}` of target `{}` is `{other}`", target.name());
                return Err(invalid(message, "use `true` or `false`"));
            }
        };
        Ok(Self { repo_name, role: role_of(target), allow_outside })
    }
}

fn role_of(target: &AccessTarget) -> RepositoryRole {
    target.settings().get(PERMISSION).map_or(RepositoryRole::Write, |name| RepositoryRole::parse(name))
}

fn invalid(message: String, hint: &'static str) -> Error {
    GITHUB.error(ErrorKind::Configuration, sdk_codes::CONFIGURATION, message).with_hint(hint)
}

/// The result of a grant, as GitHub shows it.
enum Settled {
    Granted,
    Invited(Box<Invitation>),
}

impl GitHubStrategy {
    /// Creates a strategy that works through a client.
    pub fn new(github: GitHub) -> Self {
        Self { github }
    }

    async fn read_prior(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        let (settings, id) = (Settings::of(target)?, self.id(identity).await?);
        let repository = self.repository_for_grant(&settings).await?;
        let client = self.client_of(&repository);
        let user = self.github.get_user_by_id(id).await?;
        if has_role(&client, &user, &settings.role).await? {
            return Ok(PriorAccess::Sufficient);
        }
        let Some(standing) = Standing::of(&client, id, &settings.role).await? else { return Ok(PriorAccess::None) };
        let prior = Prior { repository: repository.id, standing };
        Ok(PriorAccess::Lesser(PriorState::new(serde_json::to_string(&prior)?)?))
    }

    async fn grant(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let settings = Settings::of(request.target())?;
        let id = self.id(request.identity()).await?;
        let repository = self.repository_for_grant(&settings).await?;
        let prior = prior_of(request);
        if prior.as_ref().is_some_and(|prior| prior.repository != repository.id) {
            let message = format!("repository `{}` is not the one that the request was made for", repository.full_name);
            return Err(GITHUB
                .error(ErrorKind::Conflict, codes::REPOSITORY_CHANGED, message)
                .with_hint("another repository has taken the name since: request access again"));
        }
        let client = self.client_of(&repository);
        let user = self.github.get_user_by_id(id).await?;
        if user.suspended_at.is_some() {
            return Err(GITHUB.deactivated_user(request.requester().username(), &id.to_string()));
        }
        if !settings.allow_outside && !self.github.is_member(&user.login).await? {
            return Err(self.outsider(&user));
        }
        if !has_role(&client, &user, &settings.role).await? {
            if prior.is_none() {
                self.expect_nothing_to_restore(&client, id, &settings.role).await?;
            }
            self.change(&client, &user, &settings.role).await?;
        }
        let settled = self.settled(&client, &user, &settings.role).await?;
        let mut output = output(&repository, &user, &settings.role);
        match settled {
            Settled::Granted => output["status"] = "granted".into(),
            Settled::Invited(invitation) => {
                output["status"] = "invited".into();
                output["invitation_id"] = invitation.id.into();
            }
        }
        Ok(GrantResult::granted().with_output(StepOutput::new(output)?))
    }

    /// Refuses to replace what is not recorded, and could not be put back: the prior access could not be read, or changed since.
    async fn expect_nothing_to_restore(&self, client: &RepositoryClient, id: u64, role: &RepositoryRole) -> Result<()> {
        match Standing::of(client, id, role).await? {
            Some(standing) if standing.role().includes(role) != Some(true) => {
                Err(not_restorable("has access to it already that was not recorded before the grant"))
            }
            _ => Ok(()),
        }
    }

    /// Gives a user a role that they do not have, directly or by a standing invitation.
    async fn change(&self, client: &RepositoryClient, user: &GitHubUser, role: &RepositoryRole) -> Result<()> {
        if let Some(invitation) = client.invitation_of(user.id).await? {
            return match invitation.role.as_ref().and_then(|invited| invited.includes(role)) {
                Some(true) => Ok(()),
                _ => client.update_invitation(invitation.id, role).await,
            };
        }
        let Some(invitation) = client.add_collaborator(&user.login, role).await? else { return Ok(()) };
        if !invitation.is_for(user.id) && invitation.invitee.is_some() {
            client.delete_invitation(invitation.id).await?;
            return Err(identity_changed(user));
        }
        Ok(())
    }

    /// Waits until GitHub shows the role, or an invitation to it.
    async fn settled(&self, client: &RepositoryClient, user: &GitHubUser, role: &RepositoryRole) -> Result<Settled> {
        let mut delays = SETTLE_DELAYS.iter();
        loop {
            if has_role(client, user, role).await? {
                return Ok(Settled::Granted);
            }
            if let Some(invitation) = client.invitation_of(user.id).await? {
                return Ok(Settled::Invited(Box::new((*invitation).clone())));
            }
            let Some(delay) = delays.next() else { break };
            self.github.0.clock().sleep(*delay).await;
        }
        let message =
            format!("GitHub lists neither a role of `{}` in `{}` nor an invitation", user.login, client.full_name());
        Err(GITHUB.error(ErrorKind::Unavailable, codes::NOT_LISTED, message))
    }

    async fn revoke(&self, request: &AccessRequest<'_>) -> Result<StepOutput> {
        let settings = Settings::of(request.target())?;
        let id = self.id(request.identity()).await?;
        let revoking = Self::new(GitHub(self.github.0.for_revocation()));
        let prior = prior_of(request);
        let repository_id = prior.as_ref().map(|prior| prior.repository).or_else(|| granted_repository(request));
        let repository = revoking.repository_for_revocation(&settings, repository_id).await?;
        let client = revoking.client_of(&repository);
        let standing = prior.map(|prior| prior.standing);
        let present = client.direct_collaborator(id).await?;
        let user = match &present {
            Some(present) => Some(GitHubUser { id, login: present.login.clone(), name: None, suspended_at: None }),
            None => revoking.user(id).await?,
        };
        let mut restored = None;
        match (&standing, &user) {
            // A user who was removed by somebody else in the meantime stays removed, and so does an invitation that was declined.
            (Some(standing), Some(_)) => {
                if let Some(present) = &present {
                    restored = restore(&client, present, standing.role()).await?;
                }
            }
            // GitHub's list may lag behind a grant, so the absence of the user is not relied on.
            (None, Some(user)) => client.remove_collaborator(&user.login).await?,
            (_, None) => {}
        }
        if let Some(invitation) = client.invitation_of(id).await? {
            match &standing {
                Some(Standing::Invitation(role)) if invitation.role.as_ref() == Some(role) => {}
                Some(Standing::Invitation(role)) => client.update_invitation(invitation.id, role).await?,
                _ => client.delete_invitation(invitation.id).await?,
            }
        }
        revoking.confirm(&client, id, standing.as_ref(), &settings.role).await?;

        let user = user.unwrap_or(GitHubUser { id, login: String::new(), name: None, suspended_at: None });
        let mut output = output(&repository, &user, &settings.role);
        let found = present.as_ref().and_then(|present| present.role_name.as_ref());
        if let Some(found) = found.filter(|found| **found != settings.role) {
            output["replaced_role"] = found.as_str().into();
        }
        if let Some(role) = restored {
            output["restored_role"] = role.as_str().into();
            output["restored_unknown_role"] = (standing == Some(Standing::UnknownRole)).into();
        }
        StepOutput::new(output)
    }

    /// Waits until GitHub no longer lists the user and their invitation, except for what they had before.
    async fn confirm(
        &self,
        client: &RepositoryClient,
        user_id: u64,
        standing: Option<&Standing>,
        granted: &RepositoryRole,
    ) -> Result<()> {
        let mut delays = SETTLE_DELAYS.iter();
        loop {
            let listed = match (standing, client.direct_collaborator(user_id).await?) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(standing), Some(user)) => {
                    user.has(granted)
                        && client.direct_role(&user).await?.as_ref().is_some_and(|role| role != standing.role())
                }
            };
            let invited = match (standing, client.invitation_of(user_id).await?) {
                (Some(Standing::Invitation(role)), Some(invitation)) => invitation.role.as_ref() != Some(role),
                (_, invitation) => invitation.is_some(),
            };
            if !listed && !invited {
                return Ok(());
            }
            let Some(delay) = delays.next() else { break };
            self.github.0.clock().sleep(*delay).await;
        }
        let message =
            format!("GitHub ended the access of user `{user_id}` to `{}`, and still lists them", client.full_name());
        Err(GITHUB.error(ErrorKind::Conflict, codes::STILL_COLLABORATOR, message).with_hint(
            "look for something that adds the user again, such as Terraform or a bot, and exclude the user from it",
        ))
    }

    async fn check_target(&self, target: &AccessTarget) -> Result<()> {
        let is_bound = target.field_bindings().iter().any(|name| name == REPO_NAME);
        if is_bound && !target.settings().contains_key(REPO_NAME) {
            return self.github.list_repos().next_item().await.map(drop);
        }
        let settings = Settings::of(target)?;
        let client = self.client_of(&*self.repository_for_grant(&settings).await?);
        // Only an administrator of the repository may see invitations.
        client.collaborators(Affiliation::Direct).next_item().await?;
        client.invitations().next_item().await?;
        if !settings.allow_outside {
            // The answer is not of interest, but whether the token may know it is.
            self.github.is_member(self.github.organization()).await?;
        }
        Ok(())
    }

    async fn list(&self, target: &AccessTarget) -> Result<Vec<String>> {
        let settings = Settings::of(target)?;
        let repository = self.github.get_repo(settings.repo_name).await?;
        let client = Self::new(GitHub(self.github.0.for_revocation())).client_of(&repository);
        let listed = client.collaborators(Affiliation::Direct).filter_items(move |found| found.has(&settings.role));
        listed.map_items(|found| Ok(found.id.to_string())).await
    }

    /// Parses an identity. A login is refused: it may belong to somebody else by the time the access ends.
    async fn id(&self, identity: &str) -> Result<u64> {
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

    /// Returns the user; `None` if the account was deleted.
    async fn user(&self, id: u64) -> Result<Option<GitHubUser>> {
        match self.github.get_user_by_id(id).await {
            Ok(user) => Ok(Some((*user).clone())),
            Err(error) if *error.code() == codes::USER_NOT_FOUND => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks up the repository of a target, which has to belong to the organization.
    async fn repository_for_grant(&self, settings: &Settings<'_>) -> Result<Resource<Repository>> {
        let repository = self.github.get_repo(settings.repo_name).await?;
        if repository.owner().eq_ignore_ascii_case(self.github.organization()) {
            return Ok(repository);
        }
        let message =
            format!("repository `{}` belongs to another owner now: `{}`", settings.repo_name, repository.full_name);
        Err(GITHUB
            .error(ErrorKind::Configuration, codes::REPOSITORY_CHANGED, message)
            .with_hint("use an integration whose `external_id` is the present owner"))
    }

    /// Looks up the repository that the access was granted to, under whichever name it has now.
    async fn repository_for_revocation(
        &self,
        settings: &Settings<'_>,
        id: Option<u64>,
    ) -> Result<Resource<Repository>> {
        let found = match (self.github.get_repo(settings.repo_name).await, id) {
            (Ok(named), Some(id)) if named.id != id => self.github.get_repo_by_id(id).await,
            (Err(error), Some(id)) if error.kind() == ErrorKind::NotFound => self.github.get_repo_by_id(id).await,
            (found, _) => found,
        };
        found.map_err(|error| match error.kind() {
            // The configuration may name another repository since the grant, so this does not count as success.
            ErrorKind::NotFound => error.with_hint(
                "if the repository was deleted, all access to it ended with it: the revocation can be written off",
            ),
            _ => error,
        })
    }

    fn client_of(&self, repository: &Repository) -> RepositoryClient {
        RepositoryClient::new(&self.github, repository.owner(), &repository.name)
    }

    fn outsider(&self, user: &GitHubUser) -> Error {
        let message =
            format!("GitHub user `{}` is not a member of organization `{}`", user.login, self.github.organization());
        GITHUB.error(ErrorKind::Forbidden, codes::NOT_A_MEMBER, message).with_hint(
            "a grant would invite an account from outside: add the user to the organization, check the identity, or set \
             `allow_outside = true` on the target",
        )
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
        match target.settings().get(REPO_NAME) {
            Some(name) => {
                let repository = AccessTarget::new("", target.kind(), target.name().clone());
                resource_by_settings(&repository.with_setting(REPO_NAME, name.to_ascii_lowercase()))
            }
            None => resource_by_settings(target),
        }
    }

    /// The permission.
    fn level(&self, target: &AccessTarget) -> Option<String> {
        Some(role_of(target).permission().to_owned())
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        self.list(target).await.map(Some)
    }

    /// A repository that a requester picks in the form is not known yet: of such a target only the token is checked.
    async fn check(&self, target: &AccessTarget) -> Result<()> {
        self.check_target(target).await
    }
}

fn prior_of(request: &AccessRequest<'_>) -> Option<Prior> {
    serde_json::from_str(request.prior()?).ok()
}

/// The id of the repository that a grant gave a role in, from its output.
fn granted_repository(request: &AccessRequest<'_>) -> Option<u64> {
    request.event().step_output(Step::Escalate)?.0.get("repo_id")?.as_u64()
}

/// Whether a user has a role, from whichever source.
async fn has_role(client: &RepositoryClient, user: &GitHubUser, role: &RepositoryRole) -> Result<bool> {
    match client.collaborator(&user.login).await? {
        Some(found) if found.id != user.id => Err(identity_changed(user)),
        Some(found) => Ok(found.has(role)),
        None => Ok(false),
    }
}

/// Puts a role back, unless the user has no more than that directly by now. GitHub refuses a role below that of all members, which makes
/// no difference then: the user is removed instead.
async fn restore(
    client: &RepositoryClient,
    present: &Collaborator,
    role: &RepositoryRole,
) -> Result<Option<RepositoryRole>> {
    let direct = client.direct_role(present).await?;
    if direct.is_some_and(|direct| role.includes(&direct) == Some(true)) {
        return Ok(None);
    }
    match client.add_collaborator(&present.login, role).await {
        Ok(_) => Ok(Some(role.clone())),
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            client.remove_collaborator(&present.login).await.map(|()| None)
        }
        Err(error) => Err(error),
    }
}

fn identity_changed(user: &GitHubUser) -> Error {
    let message = format!("the GitHub login `{}` belongs to another account than `{}` now", user.login, user.id);
    GITHUB.error(ErrorKind::Identity, codes::IDENTITY_CHANGED, message).with_hint("nothing was granted: try again")
}

fn output(repository: &Repository, user: &GitHubUser, role: &RepositoryRole) -> serde_json::Value {
    json!({
        "repo": repository.full_name,
        "repo_id": repository.id,
        "user_id": user.id.to_string(),
        "login": user.login,
        "permission": role.permission(),
    })
}
