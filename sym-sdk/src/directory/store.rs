//! What keeps users and tokens.

use std::sync::Arc;

use jiff::Timestamp;

use super::StoredToken;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::model::{TokenId, User, UserId, UserIdentity, UserRole};

/// Where users, their accounts and the tokens of bots are kept. Handlers use a [`Directory`](super::Directory), which holds
/// one.
///
/// Each method is atomic. Usernames, services and their instances are compared whatever the case of ASCII letters, and of no
/// others: some have a lower case that is ASCII, and would make two names the same. What stores of all kinds must do is checked
/// by `testing::check_directory`.
pub trait DirectoryStore: Send + Sync {
    /// The user with this id.
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>>;

    /// The user of this name, which is the e-mail address of a person.
    fn user_by_username<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Result<Option<Arc<User>>>>;

    /// The user who has this account. An account that two users have is an error: it would let one act for the other. See
    /// [`DirectoryFault::SharedIdentity`].
    fn user_by_identity<'a>(&'a self, identity: &'a UserIdentity) -> BoxFuture<'a, Result<Option<Arc<User>>>>;

    /// All users, by name.
    fn users(&self) -> BoxFuture<'_, Result<Vec<Arc<User>>>>;

    /// Adds the user, unless there is one of that name. If another user has the id, that is an error: see
    /// [`DirectoryFault::Taken`].
    fn insert_user(&self, user: User) -> BoxFuture<'_, Result<Inserted>>;

    /// Adds each of the users, or replaces the one with that id; all of them or none. Their ids and names differ. If another
    /// user has a name, or a person would become a bot or the reverse, that is an error: see [`DirectoryFault`].
    fn put_users(&self, users: Vec<User>) -> BoxFuture<'_, Result<Vec<Arc<User>>>>;

    /// Makes one change of a user. None if there is no such user.
    fn change_user(&self, id: UserId, change: UserChange) -> BoxFuture<'_, Result<Option<Arc<User>>>>;

    /// Deletes a user with all accounts, and revokes the tokens. None if there is no such user.
    fn delete_user(&self, id: UserId, now: Timestamp) -> BoxFuture<'_, Result<Option<Arc<User>>>>;

    /// Adds a token, and says whether it did: only if there is such a bot.
    fn insert_token(&self, token: StoredToken) -> BoxFuture<'_, Result<bool>>;

    /// The token with this id, also if it is no longer valid.
    fn token(&self, id: TokenId) -> BoxFuture<'_, Result<Option<StoredToken>>>;

    /// The tokens of one bot or of all, oldest first, also those that are no longer valid.
    fn tokens(&self, bot: Option<UserId>) -> BoxFuture<'_, Result<Vec<StoredToken>>>;

    /// Revokes a token, unless it was before. None if there is no such token.
    fn revoke_token(&self, id: TokenId, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredToken>>>;
}

/// What came of adding a user.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Inserted {
    /// The user was added.
    New(Arc<User>),
    /// There was one of that name.
    Known(Arc<User>),
}

impl Inserted {
    /// The user who is there now.
    pub fn into_user(self) -> Arc<User> {
        match self {
            Self::New(user) | Self::Known(user) => user,
        }
    }
}

/// One change of a user. Changes of the same user by several callers all take effect, which whole users put at the same time
/// would not.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum UserChange {
    /// Another role.
    Role(UserRole),
    /// Another first and last name.
    Name {
        /// The first name.
        first: String,
        /// The last name.
        last: String,
    },
    /// One more account; it replaces the one in the same instance of the service.
    PutIdentity(UserIdentity),
    /// The account in this instance of a service is gone. Nothing changes if there is none.
    DeleteIdentity {
        /// The service.
        service: String,
        /// The instance of it.
        service_id: String,
    },
}

impl UserChange {
    /// The user after the change.
    #[must_use]
    pub fn apply(self, user: User) -> User {
        match self {
            Self::Role(role) => user.with_role(role),
            Self::Name { first, last } => user.with_name(first, last),
            Self::PutIdentity(identity) => user.with_identity(identity),
            Self::DeleteIdentity { service, service_id } => user.without_identity(&service, &service_id),
        }
    }
}

/// Why a store does not do what it was asked, though it could.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DirectoryFault {
    /// Another user has the name or the id.
    Taken {
        /// The user who was to be saved.
        user: Box<User>,
        /// The one in the way.
        other: Arc<User>,
    },
    /// A person stays a person, and a bot a bot: it would keep its id, and with it tokens, accounts and Runs.
    OtherType {
        /// The user who was to be saved.
        user: Box<User>,
        /// The one with that id.
        known: Arc<User>,
    },
    /// Two users have one account, so it does not tell who somebody is.
    SharedIdentity {
        /// The account.
        identity: UserIdentity,
        /// Two who have it.
        users: [Arc<User>; 2],
    },
}

impl DirectoryFault {
    /// What is in the way of saving `user`, given the user with that id and the one of that name.
    pub fn in_the_way(user: &User, with_id: Option<&Arc<User>>, of_name: Option<&Arc<User>>) -> Option<Self> {
        if let Some(other) = of_name.filter(|other| other.id() != user.id()) {
            return Some(Self::Taken { user: Box::new(user.clone()), other: other.clone() });
        }
        let known = with_id.filter(|known| known.user_type() != user.user_type())?;
        Some(Self::OtherType { user: Box::new(user.clone()), known: known.clone() })
    }
}

impl From<DirectoryFault> for Error {
    fn from(fault: DirectoryFault) -> Self {
        let conflict = |message| Self::new(ErrorKind::Conflict, codes::USER_PROCESSING_ERROR, message);
        match fault {
            DirectoryFault::Taken { user, other } => {
                let (name, id) = (other.username(), other.id());
                let user = user.username();
                conflict(format!("`{user}` cannot be saved, because `{name}` with the id `{id}` is in the way"))
            }
            DirectoryFault::OtherType { user, known } => {
                let (kind, id) = (user.user_type(), known.id());
                let known = known.username();
                conflict(format!("`{known}` with the id `{id}` cannot become the {kind} user `{}`", user.username()))
                    .with_hint("give the new user another id")
            }
            DirectoryFault::SharedIdentity { identity, users } => {
                let account = format!("`{}` in {} `{}`", identity.user_id(), identity.service(), identity.service_id());
                let mut names = users.each_ref().map(|user| user.username());
                names.sort_unstable();
                conflict(format!("the account {account} is that of `{}` and of `{}`", names[0], names[1]))
                    .with_hint("store the account that each of them has")
            }
        }
    }
}
