//! The end of a role: what the user had before is put back, and nothing else is left.

use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::{Step, StepOutput};
use sym_sdk::strategy::AccessRequest;

use super::client::GITHUB;
use super::prior::{Prior, Standing};
use super::strategy::output;
use super::target::RepoTarget;
use super::{Collaborator, GitHub, GitHubStrategy, Invitation, Repository, RepositoryClient, RepositoryRole, codes};
use crate::kit::{Resource, SETTLE_DELAYS, follows_failed_grant};

impl GitHubStrategy {
    pub(super) async fn revoke(&self, request: &AccessRequest<'_>) -> Result<StepOutput> {
        let settings = RepoTarget::of(request.target())?;
        let id = self.id(request.identity()).await?;
        let revoking = Self::new(GitHub(self.github.0.for_revocation()));
        let prior = Prior::of(request);
        let repository_id = prior.as_ref().map(|prior| prior.repository).or_else(|| granted_repository(request));
        let repository = revoking.repository_for_revocation(&settings, repository_id).await?;
        let client = revoking.client_of(&repository);
        let ending = Ending {
            standing: prior.map(|prior| prior.standing),
            granted: settings.role.clone(),
            follows_failed_grant: follows_failed_grant(request),
        };
        let present = client.direct_collaborator(id).await?;
        let login = match &present {
            Some(present) => Some(present.login.clone()),
            None => revoking.login(id).await?,
        };
        let mut restored = None;
        let takes_role = ending.takes_role_of(&client, id, present.as_deref()).await?;
        match (&present, ending.restores(), &login) {
            _ if !takes_role => {}
            (Some(present), Some(role), _) => restored = restore(&client, present, role).await?,
            // A user who was removed by somebody else in the meantime stays removed, and so does an invitation that was declined.
            (None, Some(_), _) => {}
            // GitHub's list may lag behind a grant, so the absence of the user is not relied on.
            (_, None, Some(login)) => client.remove_collaborator(login).await?,
            (_, None, None) => {}
        }
        if let Some(invitation) = client.invitation_of(id).await? {
            match &ending.standing {
                _ if !ending.takes_invitation(&invitation) => {}
                Some(Standing::Invitation(role)) => client.update_invitation(invitation.id, role).await?,
                _ => client.delete_invitation(invitation.id).await?,
            }
        }
        revoking.confirm(&client, id, &ending).await?;

        let mut output = output(&repository, id, login.as_deref(), &settings.role);
        let found = present.as_ref().and_then(|present| present.role_name.as_ref());
        if let Some(found) = found.filter(|found| **found != settings.role) {
            output[if takes_role { "replaced_role" } else { "kept_role" }] = found.as_str().into();
        }
        if let Some(role) = restored {
            output["restored_role"] = role.as_str().into();
            output["restored_unknown_role"] = (ending.standing == Some(Standing::UnknownRole)).into();
        }
        StepOutput::new(output)
    }

    /// Waits until GitHub no longer lists what the revocation takes.
    async fn confirm(&self, client: &RepositoryClient, user_id: u64, ending: &Ending) -> Result<()> {
        let mut reads = self.github.0.repeat_reads(SETTLE_DELAYS);
        while reads.next().await {
            let present = client.direct_collaborator(user_id).await?;
            let listed = match (&present, ending.restores()) {
                (None, _) => false,
                (Some(user), None) => ending.takes_role(client, user).await?,
                (Some(user), Some(role)) => {
                    user.has(&ending.granted)
                        && client.direct_role(user).await?.as_ref().is_some_and(|direct| direct != role)
                }
            };
            let invitation = client.invitation_of(user_id).await?;
            if !listed && !invitation.is_some_and(|invitation| ending.takes_invitation(&invitation)) {
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

/// The end of the access that a Run gives.
struct Ending {
    /// The access that the user had before.
    standing: Option<Standing>,
    granted: RepositoryRole,
    /// Whether the grant has failed. It may have given its role all the same, and [nothing else](crate::kit::follows_failed_grant).
    follows_failed_grant: bool,
}

impl Ending {
    /// The role to put back.
    fn restores(&self) -> Option<&RepositoryRole> {
        self.standing.as_ref().and_then(Standing::role)
    }

    /// Whether to take what a user may have directly. `present` is the user as a collaborator, if GitHub lists them as one.
    async fn takes_role_of(
        &self,
        client: &RepositoryClient,
        user_id: u64,
        present: Option<&Collaborator>,
    ) -> Result<bool> {
        match present {
            Some(user) => self.takes_role(client, user).await,
            // The removal of somebody who is only invited would cancel the invitation.
            None if self.follows_failed_grant => {
                let invitation = client.invitation_of(user_id).await?;
                Ok(invitation.is_none_or(|invitation| self.takes_invitation(&invitation)))
            }
            None => Ok(true),
        }
    }

    /// Whether to take the role that a collaborator has directly.
    async fn takes_role(&self, client: &RepositoryClient, user: &Collaborator) -> Result<bool> {
        if !self.follows_failed_grant || user.has(&self.granted) {
            return Ok(true);
        }
        if user.lacks(&self.granted) {
            return Ok(false);
        }
        Ok(match client.direct_role(user).await? {
            Some(direct) => direct.is_same(&self.granted),
            None => self.takes_untold(),
        })
    }

    /// Whether to take an invitation.
    fn takes_invitation(&self, invitation: &Invitation) -> bool {
        match (&invitation.role, &self.standing) {
            (Some(role), Some(Standing::Invitation(standing))) if role == standing => false,
            (Some(role), _) if self.follows_failed_grant => role.is_same(&self.granted),
            (None, _) if self.follows_failed_grant => self.takes_untold(),
            _ => true,
        }
    }

    /// Whether to take what GitHub does not tell after a failed grant. What was there before and could not be put back was not replaced.
    fn takes_untold(&self) -> bool {
        !matches!(self.standing, Some(Standing::NotRestorable(_)))
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
