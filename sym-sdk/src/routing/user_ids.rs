//! Sets of users, by their ids.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{IntoPermissionScope, PermissionScope};
use crate::error::{Error, Result, codes};
use crate::model::{User, UserId};

/// A set of users, which may be empty. See [`user_ids`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserIds(BTreeSet<UserId>);

/// Collects the ids of users for a [`RequestPermission`](super::RequestPermission).
///
/// Nobody could act on a request whose set of users is empty, so a permission requires a fallback for that case:
///
/// ```
/// use sym_sdk::prelude::*;
///
/// # let on_call: Vec<User> = Vec::new();
/// let approvers = user_ids(&on_call).or(PermissionLevel::Admin);
/// let permission = RequestPermission::decided_by(approvers).seen_by(PermissionLevel::Member);
/// ```
pub fn user_ids<I>(users: I) -> UserIds
where
    I: IntoIterator,
    UserIds: FromIterator<I::Item>,
{
    users.into_iter().collect()
}

impl UserIds {
    /// Returns these users, or `fallback` if the set is empty.
    pub fn or(self, fallback: impl IntoPermissionScope) -> PermissionScope {
        match NonEmptyUserIds::try_from(self) {
            Ok(users) => PermissionScope::Users(users),
            Err(_) => fallback.into_scope(),
        }
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of users.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the set contains the user.
    pub fn contains(&self, id: UserId) -> bool {
        self.0.contains(&id)
    }

    /// Returns the ids.
    pub fn iter(&self) -> impl Iterator<Item = UserId> {
        self.0.iter().copied()
    }
}

impl FromIterator<UserId> for UserIds {
    fn from_iter<I: IntoIterator<Item = UserId>>(ids: I) -> Self {
        Self(ids.into_iter().collect())
    }
}

impl<'a> FromIterator<&'a User> for UserIds {
    fn from_iter<I: IntoIterator<Item = &'a User>>(users: I) -> Self {
        users.into_iter().map(User::id).collect()
    }
}

impl FromIterator<User> for UserIds {
    fn from_iter<I: IntoIterator<Item = User>>(users: I) -> Self {
        users.into_iter().map(|user| user.id()).collect()
    }
}

impl FromIterator<Arc<User>> for UserIds {
    fn from_iter<I: IntoIterator<Item = Arc<User>>>(users: I) -> Self {
        users.into_iter().map(|user| user.id()).collect()
    }
}

impl<'a> FromIterator<&'a Arc<User>> for UserIds {
    fn from_iter<I: IntoIterator<Item = &'a Arc<User>>>(users: I) -> Self {
        users.into_iter().map(|user| user.id()).collect()
    }
}

/// A non-empty set of users.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NonEmptyUserIds(UserIds);

impl NonEmptyUserIds {
    /// Returns the users.
    pub fn as_user_ids(&self) -> &UserIds {
        &self.0
    }
}

impl TryFrom<UserIds> for NonEmptyUserIds {
    type Error = Error;

    fn try_from(users: UserIds) -> Result<Self> {
        if users.is_empty() {
            return Err(empty());
        }
        Ok(Self(users))
    }
}

fn empty() -> Error {
    Error::invalid(codes::INVALID_PERMISSION, "a permission for a list of users must contain at least one user")
        .with_hint("add a fallback for an empty list: `user_ids(&users).or(PermissionLevel::Admin)`")
}
