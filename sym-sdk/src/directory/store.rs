//! The storage interface of the user directory.

use std::future::ready;
use std::sync::Arc;

use jiff::Timestamp;

use super::{DeletedBy, DeletedUser, StoredToken};
#[cfg(feature = "runtime")]
use super::{PendingSignIn, Session, StoredSession, WorkloadTrust};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
#[cfg(feature = "runtime")]
use crate::model::{SessionId, TrustId};
use crate::model::{TokenId, User, UserId, UserIdentity, UserRole};

/// A store of users, their accounts in services, and the tokens of bots. Handlers use it through a
/// [`Directory`](super::Directory).
///
/// Each method is atomic. Usernames, services and their instances are compared ignoring the case of ASCII letters only: some
/// other letters have ASCII lower-case forms and would make two different names equal. `testing::check_directory` tests an
/// implementation.
pub trait DirectoryStore: Send + Sync {
    /// Returns the user with this id.
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>>;

    /// Returns the users with these ids, in any order; ids without a user are left out. Decisions ask for all people that they depend
    /// on at once, so a store should read them in one query. By default, they are read one after the other.
    fn users_with_ids<'a>(&'a self, ids: &'a [UserId]) -> BoxFuture<'a, Result<Vec<Arc<User>>>> {
        Box::pin(async move {
            let mut users = Vec::with_capacity(ids.len());
            for id in ids {
                users.extend(self.user(*id).await?);
            }
            Ok(users)
        })
    }

    /// Returns the user with this name. The name of a person is their e-mail address.
    fn user_by_username<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Result<Option<Arc<User>>>>;

    /// Returns the user who has this account.
    ///
    /// If two users have it, fails with [`DirectoryConflict::SharedIdentity`]: either could act as the other.
    fn user_by_identity<'a>(&'a self, identity: &'a UserIdentity) -> BoxFuture<'a, Result<Option<Arc<User>>>>;

    /// Returns all users, sorted by name.
    fn users(&self) -> BoxFuture<'_, Result<Vec<Arc<User>>>>;

    /// Returns up to `limit` users whose names start with `prefix`, sorted by name, after the name `after`. A store should read no more
    /// than these; by default, all users are read.
    fn users_page<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Arc<User>>>> {
        Box::pin(async move {
            let (prefix, after) = (prefix.to_ascii_lowercase(), after.map(str::to_ascii_lowercase));
            let mut users = self.users().await?;
            users.retain(|user| {
                let name = user.username().to_ascii_lowercase();
                name.starts_with(&prefix) && after.as_ref().is_none_or(|after| name > *after)
            });
            users.truncate(limit);
            Ok(users)
        })
    }

    /// Adds a user, unless one with that name exists.
    ///
    /// If another user has the id, fails with [`DirectoryConflict::Taken`]. If a [deleted user](DeletedUser) has the id, the name or
    /// one of the accounts, fails with [`DirectoryConflict::Deleted`].
    fn insert_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>>;

    /// Adds a user, unless one with that name exists, and releases the name if it was that of a deleted user. Otherwise as
    /// [`insert_user`](Self::insert_user), which it is by default, for stores that keep no deleted users.
    fn admit_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>> {
        self.insert_user(user)
    }

    /// Adds or replaces users by id: either all of them or none. The caller guarantees that their ids and names are distinct.
    /// A user who is replaced stays locked or unlocked.
    ///
    /// If another user has one of the names, if a person would become a bot or the reverse, or if a deleted user has one of the ids
    /// or names, fails with a [`DirectoryConflict`].
    fn put_users(&self, users: Vec<User>) -> BoxFuture<'_, Result<Vec<Arc<User>>>>;

    /// Applies a change to a user. Returns `None` if there is no such user.
    fn change_user(&self, id: UserId, change: UserChange) -> BoxFuture<'_, Result<Option<Arc<User>>>>;

    /// Deletes a user with all accounts, and revokes their tokens. Returns `None` if there is no such user.
    ///
    /// The id, the name and the accounts are kept, so that none of them is used again: see [`DeletedUser`].
    fn delete_user(&self, id: UserId, now: Timestamp) -> BoxFuture<'_, Result<Option<Arc<User>>>>;

    /// Returns the deleted user who had the id, the name or the account. A name that was released matches nobody. By default, there are
    /// no deleted users: whoever was deleted is added again on the next contact.
    fn deleted_user<'a>(&'a self, by: DeletedBy<'a>) -> BoxFuture<'a, Result<Option<DeletedUser>>> {
        let _ = by;
        Box::pin(ready(Ok(None)))
    }

    /// Returns all deleted users, in the order of their deletion. By default, there are none.
    fn deleted_users(&self) -> BoxFuture<'_, Result<Vec<DeletedUser>>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    /// Adds a deleted user again, as they were. Returns `None` if there is no such deleted user; by default, there is none.
    ///
    /// If another user has the name by now, fails with [`DirectoryConflict::Taken`].
    fn restore_user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>> {
        let _ = id;
        Box::pin(ready(Ok(None)))
    }

    /// Adds a token if its bot exists. Returns whether it was added.
    fn insert_token(&self, token: StoredToken) -> BoxFuture<'_, Result<bool>>;

    /// Returns the token with this id, whether it is still valid or not.
    fn token(&self, id: TokenId) -> BoxFuture<'_, Result<Option<StoredToken>>>;

    /// Returns the tokens of one bot, or of all bots if `bot` is `None`, oldest first, valid or not.
    fn tokens(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<StoredToken>>>;

    /// Revokes a token, unless it is revoked already. Returns `None` if there is no such token.
    fn revoke_token(&self, id: TokenId, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredToken>>>;

    /// Sets the time of the last use of a token, unless it was used later. By default, nothing happens, and the last use is not known.
    fn record_token_use(&self, id: TokenId, at: Timestamp) -> BoxFuture<'_, Result<()>> {
        let _ = (id, at);
        Box::pin(ready(Ok(())))
    }

    /// Adds a trust if its bot exists. Returns whether it was added. Deleting the bot deletes it. By default, a store keeps no trusts.
    #[cfg(feature = "runtime")]
    fn insert_trust(&self, trust: WorkloadTrust) -> BoxFuture<'_, Result<bool>> {
        let _ = trust;
        Box::pin(ready(Err(keeps_no_trusts())))
    }

    /// Returns the trusts of one bot, or of all bots if `bot` is `None`, oldest first. By default, there are none.
    #[cfg(feature = "runtime")]
    fn trusts(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<WorkloadTrust>>> {
        let _ = bot;
        Box::pin(ready(Ok(Vec::new())))
    }

    /// Deletes a trust. Returns `None` if there is no such trust; by default, there is none.
    #[cfg(feature = "runtime")]
    fn delete_trust(&self, id: TrustId) -> BoxFuture<'_, Result<Option<WorkloadTrust>>> {
        let _ = id;
        Box::pin(ready(Ok(None)))
    }

    /// Records that something which is good once, and until `expires_at`, is used at `now`: the token of a workload, by a hash. Returns the
    /// time at which it was used before, if it was; nothing changes then. What expired before `now` is forgotten.
    #[cfg(feature = "runtime")]
    fn use_once(
        &self,
        hash: [u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> BoxFuture<'_, Result<Option<Timestamp>>> {
        let _ = (hash, now, expires_at);
        Box::pin(ready(Err(keeps_no_trusts())))
    }

    /// Adds a session if its user exists, is a person and is not locked. Returns whether it was added. Sessions that expired before it was
    /// created are removed.
    ///
    /// Sessions end with their user, and with a change of the user that [ends them](Session::end_with_change), in the same transaction. By
    /// default, a store keeps no sessions.
    #[cfg(feature = "runtime")]
    fn insert_session(&self, session: StoredSession) -> BoxFuture<'_, Result<bool>> {
        let _ = session;
        Box::pin(ready(Err(keeps_no_sessions())))
    }

    /// Returns the session with this id, which may have expired. By default, there is none.
    #[cfg(feature = "runtime")]
    fn session(&self, id: SessionId) -> BoxFuture<'_, Result<Option<StoredSession>>> {
        let _ = id;
        Box::pin(ready(Ok(None)))
    }

    /// Sets the time of the last use of a session, unless it has ended or was used later. By default, nothing happens.
    #[cfg(feature = "runtime")]
    fn record_session_use(&self, session: Session) -> BoxFuture<'_, Result<()>> {
        let _ = session;
        Box::pin(ready(Ok(())))
    }

    /// Returns the sessions of a user, oldest first, which may have expired. By default, there are none.
    #[cfg(feature = "runtime")]
    fn sessions_of(&self, user: UserId) -> BoxFuture<'_, Result<Vec<Session>>> {
        let _ = user;
        Box::pin(ready(Ok(Vec::new())))
    }

    /// Ends a session, and returns it if there was one. By default, there is none.
    #[cfg(feature = "runtime")]
    fn end_session(&self, id: SessionId) -> BoxFuture<'_, Result<Option<Session>>> {
        let _ = id;
        Box::pin(ready(Ok(None)))
    }

    /// Ends all sessions of a user, and returns their number. By default, there are none.
    #[cfg(feature = "runtime")]
    fn end_sessions_of(&self, user: UserId) -> BoxFuture<'_, Result<usize>> {
        let _ = user;
        Box::pin(ready(Ok(0)))
    }

    /// Adds a pending sign-in, by the hash of its secret, or replaces the one that has it. Those that expired before `now` are removed, and
    /// the oldest beyond 10,000.
    #[cfg(feature = "runtime")]
    fn insert_pending_sign_in(
        &self,
        hash: [u8; 32],
        pending: PendingSignIn,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> BoxFuture<'_, Result<()>> {
        let _ = (hash, pending, now, expires_at);
        Box::pin(ready(Err(keeps_no_sessions())))
    }

    /// Returns a pending sign-in, unless it expires at `now` or before. By default, there is none.
    #[cfg(feature = "runtime")]
    fn pending_sign_in(&self, hash: [u8; 32], now: Timestamp) -> BoxFuture<'_, Result<Option<PendingSignIn>>> {
        let _ = (hash, now);
        Box::pin(ready(Ok(None)))
    }

    /// Removes a pending sign-in, and returns it unless it expires at `now` or before. By default, there is none.
    #[cfg(feature = "runtime")]
    fn take_pending_sign_in(&self, hash: [u8; 32], now: Timestamp) -> BoxFuture<'_, Result<Option<PendingSignIn>>> {
        let _ = (hash, now);
        Box::pin(ready(Ok(None)))
    }
}

#[cfg(feature = "runtime")]
fn keeps_no_trusts() -> Error {
    let message = "the store of the directory keeps no trusts in workloads";
    Error::new(ErrorKind::Configuration, codes::INVALID_TRUST, message)
        .with_hint("use `SqliteStore`, or implement the methods of `DirectoryStore` about trusts")
}

#[cfg(feature = "runtime")]
fn keeps_no_sessions() -> Error {
    let message = "the store of the directory keeps no sessions, so nobody can sign in";
    Error::new(ErrorKind::Configuration, codes::AUTHENTICATION_SIGN_IN_REFUSED, message)
        .with_hint("use `SqliteStore`, or implement the methods of `DirectoryStore` about sessions")
}

/// The result of [`DirectoryStore::insert_user`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Inserted {
    /// The user was added.
    New(Arc<User>),
    /// A user with that name exists already.
    Existing(Arc<User>),
}

impl Inserted {
    /// Returns the added or existing user.
    pub fn into_user(self) -> Arc<User> {
        match self {
            Self::New(user) | Self::Existing(user) => user,
        }
    }
}

/// A change to a user.
///
/// Stores apply changes atomically, so concurrent changes to the same user all take effect. Writing whole users would lose all
/// but the last.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum UserChange {
    /// Sets the role.
    Role(UserRole),
    /// Sets the first and last name.
    Name {
        /// The first name.
        first: String,
        /// The last name.
        last: String,
    },
    /// Adds an account, or replaces the one in the same instance of the service.
    PutIdentity(UserIdentity),
    /// Removes the account in an instance of a service, if there is one.
    DeleteIdentity {
        /// The service.
        service: String,
        /// The instance of the service.
        service_id: String,
    },
    /// Locks or unlocks the user.
    Locked(bool),
}

impl UserChange {
    /// Returns the user with the change applied.
    #[must_use]
    pub fn apply(self, user: User) -> User {
        match self {
            Self::Role(role) => user.with_role(role),
            Self::Name { first, last } => user.with_name(first, last),
            Self::PutIdentity(identity) => user.with_identity(identity),
            Self::DeleteIdentity { service, service_id } => user.without_identity(&service, &service_id),
            Self::Locked(locked) => User { locked, ..user },
        }
    }
}

/// A conflict between a user and those in the store. Converts into an [`Error`] of kind [`ErrorKind::Conflict`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DirectoryConflict {
    /// Another user has the same name or id.
    Taken {
        /// The user to save.
        user: Box<User>,
        /// The existing user.
        existing: Arc<User>,
    },
    /// A person would become a bot, a bot an agent, or the reverse. The new user would inherit the tokens, accounts and Runs that belong
    /// to the id.
    TypeChange {
        /// The user to save.
        user: Box<User>,
        /// The existing user with that id.
        existing: Arc<User>,
    },
    /// A deleted user had the name, the id or one of the accounts. Nobody takes their place by accident.
    Deleted {
        /// The user to save.
        user: Box<User>,
    },
    /// Two users have the same account, so the account does not identify a user.
    SharedIdentity {
        /// The account.
        identity: UserIdentity,
        /// Two users who have it.
        users: [Arc<User>; 2],
    },
}

impl DirectoryConflict {
    /// Returns the properties of a new user that must not be those of a deleted one.
    pub fn deletions_to_check(user: &User) -> Vec<DeletedBy<'_>> {
        let keys = [DeletedBy::Id(user.id()), DeletedBy::Username(user.username())];
        keys.into_iter().chain(user.identities().iter().map(DeletedBy::Account)).collect()
    }

    /// Returns the conflict that prevents `user` from being saved, given the existing user with that id and the existing user
    /// with that name.
    pub fn find(user: &User, with_id: Option<&Arc<User>>, with_name: Option<&Arc<User>>) -> Option<Self> {
        if let Some(existing) = with_name.filter(|existing| existing.id() != user.id()) {
            return Some(Self::Taken { user: Box::new(user.clone()), existing: existing.clone() });
        }
        let kind = |user: &User| (user.user_type(), user.is_agent());
        let existing = with_id.filter(|existing| kind(existing) != kind(user))?;
        Some(Self::TypeChange { user: Box::new(user.clone()), existing: existing.clone() })
    }
}

/// Returns the error for somebody who was deleted and appears again.
pub(super) fn deleted(username: &str) -> Error {
    Error::new(ErrorKind::Forbidden, codes::USER_DELETED, format!("`{username}` was deleted from the directory"))
        .with_hint("an administrator can restore the user, or admit the address as that of a new person")
}

impl From<DirectoryConflict> for Error {
    fn from(conflict: DirectoryConflict) -> Self {
        let error = |message| Self::new(ErrorKind::Conflict, codes::USER_PROCESSING_ERROR, message);
        match conflict {
            // Whoever reads this may be the person who has just appeared, so it says nothing about the other user.
            DirectoryConflict::Taken { user, existing } => {
                let same = if existing.id() == user.id() { "id" } else { "name" };
                error(format!("`{}` cannot be saved: another user has this {same}", user.username()))
                    .with_hint(format!("give the new user another {same}"))
            }
            DirectoryConflict::TypeChange { user, existing } => {
                let kind_of = |user: &User| if user.is_agent() { "agent" } else { user.user_type().as_str() };
                let (id, from, kind) = (existing.id(), kind_of(&existing), kind_of(&user));
                error(format!("the {from} user `{id}` cannot become the {kind} user `{}`", user.username()))
                    .with_hint("give the new user another id")
            }
            DirectoryConflict::Deleted { user } => deleted(user.username()),
            DirectoryConflict::SharedIdentity { identity, .. } => {
                let account = format!("`{}` in {} `{}`", identity.user_id(), identity.service(), identity.service_id());
                error(format!("the account {account} is stored for several users"))
                    .with_hint("an administrator can correct the stored accounts")
            }
        }
    }
}
