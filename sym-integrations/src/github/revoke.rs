//! The end of a role: what the user had before is put back, and nothing else is left.

use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::{Step, StepOutput};
use sym_sdk::strategy::AccessRequest;

use super::client::GITHUB;
use super::prior::{Prior, Standing};
use super::strategy::output;
use super::target::RepoTarget;
use super::{Collaborator, GitHub, GitHubStrategy, Repository, RepositoryClient, RepositoryRole, codes};
use crate::kit::{Resource, SETTLE_DELAYS};

impl GitHubStrategy {
    pub(super) async fn revoke(&self, request: &AccessRequest<'_>) -> Result<StepOutput> {
        let settings = RepoTarget::of(request.target())?;
        let id = self.id(request.identity()).await?;
        let revoking = Self::new(GitHub(self.github.0.for_revocation()));
        let prior = Prior::of(request);
        let repository_id = prior.as_ref().map(|prior| prior.repository).or_else(|| granted_repository(request));
        let repository = revoking.repository_for_revocation(&settings, repository_id).await?;
        let client = revoking.client_of(&repository);
        let standing = prior.map(|prior| prior.standing);
        let present = client.direct_collaborator(id).await?;
        let login = match &present {
            Some(present) => Some(present.login.clone()),
            None => revoking.login(id).await?,
        };
        let mut restored = None;
        match (&standing, &login) {
            // A user who was removed by somebody else in the meantime stays removed, and so does an invitation that was declined.
            (Some(standing), Some(_)) => {
                if let Some(present) = &present {
                    restored = restore(&client, present, standing.role()).await?;
                }
            }
            // GitHub's list may lag behind a grant, so the absence of the user is not relied on.
            (None, Some(login)) => client.remove_collaborator(login).await?,
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

        let mut output = output(&repository, id, login.as_deref(), &settings.role);
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
        let mut reads = self.github.0.repeat_reads(SETTLE_DELAYS);
        while reads.next().await {
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
        }
        let message =
            format!("GitHub ended the access of user `{user_id}` to `{}`, and still lists them", client.full_name());
        Err(GITHUB.error(ErrorKind::Conflict, codes::STILL_COLLABORATOR, message).with_hint(
            "look for something that adds the user again, such as Terraform or a bot, and exclude the user from it",
        ))
    }

    /// Returns the present login of a user; `None` if the account was deleted.
    async fn login(&self, id: u64) -> Result<Option<String>> {
        match self.github.get_user_by_id(id).await {
            Ok(user) => Ok(Some(user.login.clone())),
            Err(error) if *error.code() == codes::USER_NOT_FOUND => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks up the repository that the access was granted to, under whichever name it has now.
    async fn repository_for_revocation(
        &self,
        settings: &RepoTarget<'_>,
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
}

/// The id of the repository that a grant gave a role in, from its output.
fn granted_repository(request: &AccessRequest<'_>) -> Option<u64> {
    request.event().step_output(Step::Escalate)?.0.get("repo_id")?.as_u64()
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
