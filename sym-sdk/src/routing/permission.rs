//! Permissions: who may see a request, and who may decide it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{NonEmptyUserIds, UserIds};
use crate::error::{Error, Result, codes};
use crate::model::{User, UserId, UserRole, UserType};
use crate::suggest;

/// A set of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PermissionLevel {
    /// Administrators.
    Admin,
    /// Administrators and members.
    Member,
    /// All users, including guests.
    AllUsers,
}

impl PermissionLevel {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Member, Self::AllUsers];

    /// Returns the name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::AllUsers => "all_users",
        }
    }

    fn admits(self, role: UserRole) -> bool {
        match self {
            Self::Admin => role == UserRole::Admin,
            Self::Member => matches!(role, UserRole::Admin | UserRole::Member),
            Self::AllUsers => true,
        }
    }
}

impl fmt::Display for PermissionLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PermissionLevel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| {
            Error::invalid(codes::INVALID_PERMISSION, format!("`{text}` is not a permission level"))
                .with_hint(suggest::hint(text, "permission levels", Self::ALL.map(Self::as_str)))
        })
    }
}

/// The users that a permission admits: those of a level, or a list. Administrators are always admitted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PermissionScope {
    /// The users with a role of this level.
    Level(PermissionLevel),
    /// The users in a list.
    Users(NonEmptyUserIds),
}

impl PermissionScope {
    /// Returns whether the user is admitted. Administrators always are.
    pub fn admits(&self, user: &User) -> bool {
        user.is_admin()
            || match self {
                Self::Level(level) => level.admits(user.role()),
                Self::Users(users) => users.as_user_ids().contains(user.id()),
            }
    }
}

impl PermissionScope {
    /// Returns whether the user is in a list. A level names nobody.
    pub fn names(&self, user: &User) -> bool {
        matches!(self, Self::Users(users) if users.as_user_ids().contains(user.id()))
    }

    /// Returns whether the user's approval counts. Approvals are votes of people: a bot is admitted by its role for everything
    /// else, and its approval counts only if it is named.
    pub fn admits_approval(&self, user: &User) -> bool {
        self.admits(user) && (user.user_type() == UserType::Normal || self.names(user))
    }
}

/// A value that converts into a [`PermissionScope`]: a level, or users with a fallback.
///
/// It is implemented for everything with a conversion to [`PermissionScope`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say who may act on a request",
    label = "expected a `PermissionLevel`, or users with a fallback",
    note = "a list of users can be empty, and then nobody could act: `user_ids(users).or(PermissionLevel::Admin)` says who may"
)]
pub trait IntoPermissionScope {
    /// Converts into the scope.
    fn into_scope(self) -> PermissionScope;
}

#[diagnostic::do_not_recommend]
impl<T: Into<PermissionScope>> IntoPermissionScope for T {
    fn into_scope(self) -> PermissionScope {
        self.into()
    }
}

impl From<PermissionLevel> for PermissionScope {
    fn from(level: PermissionLevel) -> Self {
        Self::Level(level)
    }
}

impl From<NonEmptyUserIds> for PermissionScope {
    fn from(users: NonEmptyUserIds) -> Self {
        Self::Users(users)
    }
}

impl TryFrom<UserIds> for PermissionScope {
    type Error = Error;

    fn try_from(users: UserIds) -> Result<Self> {
        NonEmptyUserIds::try_from(users).map(Self::Users)
    }
}

impl TryFrom<&str> for PermissionScope {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        text.parse().map(Self::Level)
    }
}

impl Serialize for PermissionScope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Level(level) => level.serialize(serializer),
            Self::Users(users) => serializer.collect_seq(users.as_user_ids().iter()),
        }
    }
}

impl<'de> Deserialize<'de> for PermissionScope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScopeVisitor)
    }
}

struct ScopeVisitor;

impl<'de> Visitor<'de> for ScopeVisitor {
    type Value = PermissionScope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a permission level (`admin`, `member`, `all_users`) or a list of user ids")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PermissionScope, E> {
        text.parse().map(PermissionScope::Level).map_err(with_hint)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<PermissionScope, A::Error> {
        let mut users = BTreeSet::new();
        while let Some(text) = seq.next_element::<String>()? {
            let id = text.parse::<UserId>().map_err(|_| {
                de::Error::custom(format!("`{text}` is not a user id; use `user_ids` to collect the ids of users"))
            })?;
            users.insert(id);
        }
        PermissionScope::try_from(users.into_iter().collect::<UserIds>()).map_err(with_hint)
    }
}

/// Appends the hint to the message, because serde's errors have no hints.
fn with_hint<E: de::Error>(error: Error) -> E {
    match error.hint() {
        Some(hint) => E::custom(format!("{}; {hint}", error.message())),
        None => E::custom(error.message()),
    }
}

/// The permissions of a request: who may see it in the web app, and who may approve or deny it.
///
/// It is the result of the reducer `get_permissions`.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// let permission = RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin).approvals(2);
/// assert_eq!(permission.required_approvals(), 2);
/// assert!(!permission.self_approval_allowed());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestPermission {
    webapp_view: PermissionScope,
    approve_deny: PermissionScope,
    #[serde(default)]
    allow_self_approval: bool,
    #[serde(default = "one", skip_serializing_if = "is_one", deserialize_with = "at_least_one")]
    approvals: u8,
}

fn one() -> u8 {
    1
}

fn is_one(number: &u8) -> bool {
    *number == 1
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    u8::deserialize(deserializer).map(|number| number.max(1))
}

impl RequestPermission {
    /// Creates a permission that requires one approval, by one of these users other than the requester. The same users may see the request,
    /// unless [`seen_by`](Self::seen_by) says otherwise.
    pub fn decided_by(approve_deny: impl IntoPermissionScope) -> Self {
        let approve_deny = approve_deny.into_scope();
        Self { webapp_view: approve_deny.clone(), approve_deny, allow_self_approval: false, approvals: 1 }
    }

    /// Sets who may see the request in the web app, rather than those who may decide it.
    pub fn seen_by(mut self, webapp_view: impl IntoPermissionScope) -> Self {
        self.webapp_view = webapp_view.into_scope();
        self
    }

    /// Creates a permission for administrators only. It is the default of flows without `get_permissions`.
    pub fn admins_only() -> Self {
        Self::decided_by(PermissionLevel::Admin)
    }

    /// Parses the JSON form.
    ///
    /// # Errors
    /// If it is not a permission.
    pub fn from_json(json: &serde_json::Value) -> Result<Self> {
        Self::deserialize(json).map_err(|error| Error::invalid(codes::INVALID_PERMISSION, error.to_string()))
    }

    /// Sets whether a requester who may decide the request may also approve it. Default: no.
    pub fn allow_self_approval(mut self, allow: bool) -> Self {
        self.allow_self_approval = allow;
        self
    }

    /// Sets the number of people who must approve. Zero counts as one. A single denial denies the request.
    ///
    /// A bot counts only if `approve_deny` names it.
    pub fn approvals(mut self, number: u8) -> Self {
        self.approvals = number.max(1);
        self
    }

    /// Returns who may see the request.
    pub fn webapp_view(&self) -> &PermissionScope {
        &self.webapp_view
    }

    /// Returns who may approve or deny the request.
    pub fn approve_deny(&self) -> &PermissionScope {
        &self.approve_deny
    }

    /// Returns whether the requester may approve.
    pub fn self_approval_allowed(&self) -> bool {
        self.allow_self_approval
    }

    /// Returns the number of people who must approve.
    pub fn required_approvals(&self) -> u8 {
        self.approvals
    }
}
