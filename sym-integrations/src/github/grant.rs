//! The grant of a role, and the reading of what a user has before it.

use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::model::{AccessTarget, StepOutput};
use sym_sdk::strategy::{AccessRequest, GrantResult, PriorAccess, PriorState};

use super::client::GITHUB;
use super::prior::{Prior, Standing, not_restorable};
use super::strategy::output;
use super::target::RepoTarget;
use super::{GitHubStrategy, GitHubUser, Invitation, Repository, RepositoryClient, RepositoryRole, codes};
use crate::kit::{Resource, SETTLE_DELAYS};

/// The result of a grant, as GitHub shows it.
enum Settled {
    Granted,
    Invited(Box<Invitation>),
}

impl GitHubStrategy {
    pub(super) async fn read_prior(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        let (settings, id) = (RepoTarget::of(target)?, self.id(identity).await?);
        let repository = self.repository_for_grant(&settings).await?;
        let client = self.client_of(&repository);
        let user = self.github.get_user_by_id(id).await?;
        if has_role(&client, &user, &settings.role).await? {
            return Ok(PriorAccess::Sufficient);
        }
        let Some(standing) = Standing::of(&client, id, &settings.role).await? else { return Ok(PriorAccess::None) };
        // The grant would not change such an invitation, and once it is accepted the role is not the Run's to take. A role of that kind is
        // one that another source hides.
        if let Standing::Invitation(role) | Standing::Role(role) = &standing
            && role.includes(&settings.role) == Some(true)
        {
            return Ok(PriorAccess::Sufficient);
        }
        let prior = Prior { repository: repository.id, standing };
        Ok(PriorAccess::Lesser(PriorState::new(serde_json::to_string(&prior)?)?))
    }

    pub(super) async fn grant(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let settings = RepoTarget::of(request.target())?;
        let id = self.id(request.identity()).await?;
        let repository = self.repository_for_grant(&settings).await?;
        let prior = Prior::of(request);
        if let Some(Prior { standing: Standing::NotRestorable(problem), .. }) = &prior {
            return Err(not_restorable(problem));
        }
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
        // The role may be there, whatever prevents its being read.
        let settled = self.settled(&client, &user, &settings.role).await.map_err(Error::with_unknown_outcome)?;
        let mut output = output(&repository, id, Some(&user.login), &settings.role);
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
            None => Ok(()),
            Some(Standing::NotRestorable(problem)) => Err(not_restorable(&problem)),
            Some(standing) if standing.role().and_then(|standing| standing.includes(role)) == Some(true) => Ok(()),
            Some(_) => Err(not_restorable("has access to it already that was not recorded before the grant")),
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
        // The login may have changed hands since it was looked up, so that the wrong account gets the role.
        match client.add_collaborator(&user.login, role).await? {
            None => match client.collaborator(&user.login).await.map_err(Error::with_unknown_outcome)? {
                Some(found) if found.id != user.id => {
                    Err(taken_back(user, Some(found.id), client.remove_collaborator(&user.login).await))
                }
                _ => Ok(()),
            },
            Some(invitation) => match &invitation.invitee {
                Some(invitee) if invitee.id != Some(user.id) => {
                    Err(taken_back(user, invitee.id, client.delete_invitation(invitation.id).await))
                }
                _ => Ok(()),
            },
        }
    }

    /// Waits until GitHub shows the role, or an invitation to it.
    async fn settled(&self, client: &RepositoryClient, user: &GitHubUser, role: &RepositoryRole) -> Result<Settled> {
        let mut reads = self.github.0.repeat_reads(SETTLE_DELAYS);
        while reads.next().await {
            if has_role(client, user, role).await? {
                return Ok(Settled::Granted);
            }
            if let Some(invitation) = client.invitation_of(user.id).await? {
                return Ok(Settled::Invited(Box::new((*invitation).clone())));
            }
        }
        let message =
            format!("GitHub lists neither a role of `{}` in `{}` nor an invitation", user.login, client.full_name());
        Err(GITHUB.error(ErrorKind::Unavailable, codes::NOT_LISTED, message))
    }

    /// Looks up the repository of a target, which has to belong to the organization.
    pub(super) async fn repository_for_grant(&self, settings: &RepoTarget<'_>) -> Result<Resource<Repository>> {
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

    fn outsider(&self, user: &GitHubUser) -> Error {
        let message =
            format!("GitHub user `{}` is not a member of organization `{}`", user.login, self.github.organization());
        GITHUB.error(ErrorKind::Forbidden, codes::NOT_A_MEMBER, message).with_hint(
            "a grant would invite an account from outside: add the user to the organization, check the identity, or set \
             `allow_outside = true` on the target",
        )
    }
}

/// Whether a user has a role, from whichever source.
async fn has_role(client: &RepositoryClient, user: &GitHubUser, role: &RepositoryRole) -> Result<bool> {
    match client.collaborator(&user.login).await? {
        Some(found) if found.id != user.id => Err(identity_changed(user)),
        Some(found) => Ok(found.has(role)),
        None => Ok(false),
    }
}

fn identity_changed(user: &GitHubUser) -> Error {
    let message = format!("the GitHub login `{}` belongs to another account than `{}` now", user.login, user.id);
    GITHUB.error(ErrorKind::Identity, codes::IDENTITY_CHANGED, message).with_hint("request the access again")
}

/// The error for a role that the wrong account got, and which was taken back from it, unless that failed.
fn taken_back(user: &GitHubUser, other: Option<u64>, taken: Result<()>) -> Error {
    let error = identity_changed(user);
    let other =
        other.map_or_else(|| "an account whose id GitHub does not tell".to_owned(), |id| format!("account `{id}`"));
    match taken {
        Ok(()) => error.with_hint(format!(
            "{other} got the role by mistake, and was removed: if it had another one before, give it back; then request the access again"
        )),
        // A revocation goes by the account of the request, and does not find this one.
        Err(cause) => error
            .with_hint(format!("{other} got the role by mistake, and could not be removed: remove it"))
            .with_source(cause)
            .with_unknown_outcome(),
    }
}
