//! Actions of administrators on users: lock, unlock, delete, restore and admit.
//!
//! Every action leaves an audit entry, refusals included. What takes something away happens first and is recorded second, and what gives
//! something back is recorded first: if the program ends in between, nobody has more than the record says.
//!
//! Locking and deleting also end what the user has. Access is revoked and open requests are denied, each as an action of the
//! administrator on the Run that follows by itself, so they are as durable as any other. No grant escapes: the user is locked or
//! deleted before their Runs are listed. A grant that was requested earlier is in the list, and its revocation waits for it; one that
//! is requested later is refused. What is left if the program ends in the middle of this is found by the [sweep] at its next start.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Actor, Runtime};
use crate::directory::{DeletedBy, UserChange};
use crate::engine::{InputKey, RunFilter};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{
    Access, Action, EffectError, Input, InputBody, InputReply, RunState, UserAction, UserActionInput, require_person,
};
use crate::model::{Channel, ChannelType, EventId, RunId, RunStatus, Srn, User, UserId, UserRole};

/// The place of entries about users in the audit log, where entries about Runs name their flow.
const DIRECTORY: &str = "sym-directory";

/// The Runs of a user who was locked or deleted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EndedAccess {
    /// Runs whose access is being revoked from now on.
    pub revoking: Vec<RunId>,
    /// Open requests that were denied.
    pub denied: Vec<RunId>,
    /// Runs on which nothing could be done, with the reason. Access among them is revoked by a running program as soon as possible.
    pub failed: Vec<(RunId, EffectError)>,
}

/// The administrator who acts on a user, and the channel through which they do: the API unless another one is set. Converts from
/// everything that an [`Actor`] converts from.
#[derive(Clone, Debug)]
pub struct Administrator {
    actor: Actor,
    channel: Channel,
}

impl Administrator {
    /// Creates an administrator who acts through this channel.
    pub fn new(actor: impl Into<Actor>, channel: Channel) -> Self {
        Self { actor: actor.into(), channel }
    }
}

macro_rules! from_actor {
    ($($actor:ty),+) => {$(
        impl From<$actor> for Administrator {
            fn from(actor: $actor) -> Self {
                Self::new(actor, Channel::new(ChannelType::Api))
            }
        }
    )+};
}

from_actor!(Actor, Arc<User>, User, UserId, &str);

/// An action of an administrator, who has been looked up.
pub(super) struct Administration {
    pub(super) actor: Arc<User>,
    pub(super) channel: Channel,
    pub(super) reason: Option<String>,
}

impl Administration {
    /// Checks that the actor is an administrator, and on the command line a person.
    pub(super) fn check(&self) -> Result<()> {
        if self.channel.kind() == ChannelType::Cli {
            require_person(&self.actor)?;
        }
        if self.actor.is_admin() {
            return Ok(());
        }
        let message = format!("{} is not an administrator", self.actor.username());
        let error = Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message);
        Err(error.with_hint("ask an administrator to do it"))
    }

    fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }
}

impl Runtime {
    /// Locks a user: everything that they submit from now on is refused, nothing more is granted to them, their open requests are denied
    /// and all their access is revoked. Locking a locked user again ends what was left over.
    ///
    /// The lock is effective and recorded when this returns, and so are the revocations. If another administrator
    /// [unlocks](Self::unlock_user) the user at the same time, the later of both determines whether the user is locked; access that
    /// has begun to end does not come back.
    ///
    /// ```
    /// # async fn offboard(runtime: &sym_sdk::runtime::Runtime) -> Result<(), sym_sdk::Error> {
    /// let ended = runtime.lock_user("eve@example.com", "ada@example.com", "lost her laptop").await?;
    /// println!("revoking the access of {} requests", ended.revoking.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If `by` is not an administrator, there is no such user, or the store fails.
    pub async fn lock_user(
        &self,
        user: impl Into<Actor>,
        by: impl Into<Administrator>,
        reason: impl Into<String>,
    ) -> Result<EndedAccess> {
        let user = self.known_user(user.into()).await?;
        let admin = self.administer(by.into(), UserAction::Lock, &user, reason.into()).await?;
        self.change_user(user.id(), UserChange::Locked(true)).await?;
        self.record_and_end(&admin, UserAction::Lock, &user).await
    }

    /// Unlocks a user. Access that ended does not come back.
    ///
    /// # Errors
    /// As for [`lock_user`](Self::lock_user).
    pub async fn unlock_user(
        &self,
        user: impl Into<Actor>,
        by: impl Into<Administrator>,
        reason: impl Into<String>,
    ) -> Result<Arc<User>> {
        let user = self.known_user(user.into()).await?;
        let admin = self.administer(by.into(), UserAction::Unlock, &user, reason.into()).await?;
        self.record_user_action(&admin, UserAction::Unlock, &user, None).await?;
        self.change_user(user.id(), UserChange::Locked(false)).await
    }

    /// Deletes a user, and ends what they have, as [`lock_user`](Self::lock_user) does. They are not added again on the next contact:
    /// see [`DeletedUser`](crate::directory::DeletedUser).
    ///
    /// # Errors
    /// As for [`lock_user`](Self::lock_user).
    pub async fn delete_user(
        &self,
        user: impl Into<Actor>,
        by: impl Into<Administrator>,
        reason: impl Into<String>,
    ) -> Result<EndedAccess> {
        let user = self.known_user(user.into()).await?;
        let admin = self.administer(by.into(), UserAction::Delete, &user, reason.into()).await?;
        let directory = &self.executor.directory;
        self.executor.ask_directory(directory.delete_user(user.id())).await?;
        self.record_and_end(&admin, UserAction::Delete, &user).await
    }

    /// Brings a deleted user back, with the id, the role and the accounts that they had. Somebody who was locked stays locked.
    ///
    /// # Errors
    /// If `by` is not an administrator, there is no such deleted user, somebody else has the address by now, or the store fails.
    pub async fn restore_user(
        &self,
        user: UserId,
        by: impl Into<Administrator>,
        reason: impl Into<String>,
    ) -> Result<Arc<User>> {
        let directory = &self.executor.directory;
        let deleted = self.executor.ask_directory(directory.store.deleted_user(DeletedBy::Id(user))).await?;
        let Some(deleted) = deleted else {
            let message = format!("no deleted user has the id `{user}`");
            return Err(Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, message));
        };
        let admin = self.administer(by.into(), UserAction::Restore, &deleted.user, reason.into()).await?;
        self.record_user_action(&admin, UserAction::Restore, &deleted.user, None).await?;
        self.executor.ask_directory(directory.restore_user(user)).await
    }

    /// Adds a new person, even if a person with this address was deleted: they are somebody else, with an id of their own.
    ///
    /// # Errors
    /// If `by` is not an administrator, the address is invalid, a user has it, or the store fails.
    pub async fn admit_user(
        &self,
        email: &str,
        role: UserRole,
        by: impl Into<Administrator>,
        reason: impl Into<String>,
    ) -> Result<Arc<User>> {
        let person = User::person(UserId::random(), email)?;
        let admin = self.administer(by.into(), UserAction::Admit, &person, reason.into()).await?;
        self.record_user_action(&admin, UserAction::Admit, &person, None).await?;
        let directory = &self.executor.directory;
        self.executor.ask_directory(directory.admit_person(person.with_role(role))).await
    }

    /// Looks up a user to act on. Unlike the actor of a submission, they may be locked, and are never created.
    pub(super) async fn known_user(&self, user: Actor) -> Result<Arc<User>> {
        let found = self.find_actor(&user).await?;
        let name = || match &user {
            Actor::User(user) => user.username().to_owned(),
            Actor::Resolved(read) => read.user().username().to_owned(),
            Actor::Id(id) => format!("user {id}"),
            Actor::Email(email) => email.clone(),
            Actor::Account(account) => {
                format!("account {} of {} `{}`", account.user_id(), account.service(), account.service_id())
            }
        };
        let unknown =
            || Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, format!("{} is not a known user", name()));
        found.ok_or_else(unknown)
    }

    async fn change_user(&self, id: UserId, change: UserChange) -> Result<Arc<User>> {
        self.executor.ask_directory(self.executor.directory.change(id, change)).await
    }

    /// Checks that an actor may act on users. A refusal is recorded.
    async fn administer(
        &self,
        by: Administrator,
        action: UserAction,
        user: &User,
        reason: String,
    ) -> Result<Administration> {
        let admin = self.administration(by, Some(reason)).await?;
        let Err(error) = admin.check() else { return Ok(admin) };
        self.record_user_action(&admin, action, user, Some(EffectError::from(&error))).await?;
        Err(error)
    }

    /// Looks up who acts.
    pub(super) async fn administration(&self, by: Administrator, reason: Option<String>) -> Result<Administration> {
        let actor = self.executor.ask_directory(self.resolve_actor(by.actor, false)).await?;
        Ok(Administration { actor, channel: by.channel, reason })
    }

    async fn record_user_action(
        &self,
        admin: &Administration,
        action: UserAction,
        user: &User,
        refusal: Option<EffectError>,
    ) -> Result<()> {
        let event = EventId::from_uuid(self.new_id(None, "event"));
        let body = InputBody::UserAction(Box::new(UserActionInput {
            event,
            actor: admin.actor.clone(),
            channel: admin.channel.clone(),
            action,
            user: user.id(),
            username: user.username().to_owned(),
            reason: admin.reason().to_owned(),
            refusal,
        }));
        let input = Input::new(self.new_run(None), self.directory_srn(), self.clock().now(), body);
        self.engine.submit(InputKey::new(format!("event:{event}")), input).await.map(drop)
    }

    pub(super) fn directory_srn(&self) -> Srn {
        let flows = self.flows();
        let organization = flows.iter().next().map_or("sym", |flow| flow.srn().organization());
        Srn::from_slugs(&crate::model::Slug::lossy(organization), "directory", None, DIRECTORY)
    }

    /// Records what was done to a user, and ends what they have, whether or not it could be recorded.
    async fn record_and_end(
        &self,
        admin: &Administration,
        action: UserAction,
        user: &Arc<User>,
    ) -> Result<EndedAccess> {
        let recorded = self.record_user_action(admin, action, user, None).await;
        let ended = self.end_access(admin, user.id()).await;
        recorded.and(ended)
    }

    /// Revokes the access of a user, and denies their open requests.
    async fn end_access(&self, admin: &Administration, user: UserId) -> Result<EndedAccess> {
        let channel = Channel::new(ChannelType::Scheduler);
        let (mut ended, mut failure) = (EndedAccess::default(), None);
        let unfinished = RunFilter { active: true, ..RunFilter::default() };
        for stored in self.engine.runs(unfinished, usize::MAX).await? {
            let (run, state) = (stored.state.run.id(), &stored.state);
            // What their agents have ends with them.
            if state.requester_id() != Some(user) && state.owner_id() != Some(user) {
                continue;
            }
            let (action, done) = match what_to_end(state) {
                Some(End::Access) => (Action::Revoke, &mut ended.revoking),
                Some(End::Request) => {
                    let decision_message = Some(format!("the requester is no longer admitted: {}", admin.reason()));
                    (Action::Deny { decision_message, extension: None, seen: None }, &mut ended.denied)
                }
                None => continue,
            };
            match self.act(&admin.actor, &channel, state, action).await {
                Ok(InputReply::Refused { error, .. }) => ended.failed.push((run, error)),
                Ok(_) => done.push(run),
                // One Run keeps the access of no other from ending.
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(ended), Err)
    }

    pub(super) async fn act(
        &self,
        actor: &Arc<User>,
        channel: &Channel,
        state: &RunState,
        action: Action,
    ) -> Result<InputReply> {
        let event = EventId::from_uuid(self.new_id(None, "event"));
        let body = InputBody::Submitted { event, actor: actor.clone(), channel: channel.clone(), action };
        let input = Input::new(state.run.id(), state.flow.clone(), self.clock().now(), body);
        self.engine.submit(InputKey::new(format!("event:{event}")), input).await
    }
}

/// The part of a Run that ends with its requester.
enum End {
    Access,
    Request,
}

fn what_to_end(state: &RunState) -> Option<End> {
    match state.access {
        Access::Revoking { .. } => None,
        _ if state.may_hold_access() => Some(End::Access),
        // It is about to be granted. The revocation waits for the grant, which is refused in most cases.
        _ if state.run.status() == RunStatus::Approved && state.is_busy() => Some(End::Access),
        _ if state.is_open() || state.is_busy() => Some(End::Request),
        _ => None,
    }
}

/// Revokes the access of users who are locked or deleted.
///
/// It finds what an administrator's action has not: what was left when the program ended in the middle of one, and users whom code has
/// deleted in the directory alone.
///
/// # Errors
/// The first error of the store or the directory. All other access is revoked.
pub(super) async fn sweep(runtime: &Runtime) -> Result<()> {
    let mut gone: BTreeMap<UserId, bool> = BTreeMap::new();
    let mut failure = None;
    let (system, channel) = (Arc::new(User::system()), Channel::new(ChannelType::Scheduler));
    let holding = RunFilter { may_hold_access: true, ..RunFilter::default() };
    for stored in runtime.engine.runs(holding, usize::MAX).await? {
        let state = &stored.state;
        let Some(requester) = state.run.requester().filter(|_| !matches!(state.access, Access::Revoking { .. })) else {
            continue;
        };
        let is_gone = match gone.get(&requester.id()) {
            Some(known) => *known,
            None => match is_locked_or_deleted(runtime, requester.id()).await {
                Ok(is_gone) => {
                    gone.insert(requester.id(), is_gone);
                    is_gone
                }
                Err(error) => {
                    failure.get_or_insert(error);
                    continue;
                }
            },
        };
        if !is_gone {
            continue;
        }
        let (run, user) = (state.run.id(), requester.id());
        match runtime.act(&system, &channel, state, Action::Revoke).await {
            Ok(reply) => tracing::warn!(%run, %user, ?reply, "revoking the access of a user who is locked or deleted"),
            Err(error) => {
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

async fn is_locked_or_deleted(runtime: &Runtime, user: UserId) -> Result<bool> {
    let (executor, directory) = (&runtime.executor, &runtime.executor.directory);
    match executor.ask_directory(directory.user(user)).await? {
        Some(user) if user.is_locked() => Ok(true),
        Some(user) => match executor.ask_directory(directory.check_owner(&user)).await {
            Ok(()) => Ok(false),
            Err(error) if [codes::USER_LOCKED, codes::USER_DELETED].contains(error.code()) => Ok(true),
            Err(error) if *error.code() == codes::NOT_PERMITTED => Ok(false),
            Err(error) => Err(error),
        },
        None => Ok(executor.ask_directory(directory.store.deleted_user(DeletedBy::Id(user))).await?.is_some()),
    }
}
