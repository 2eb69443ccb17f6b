use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result, codes};
use crate::model::{User, UserId, UserRole};
use crate::suggest;

/// Which roles are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PermissionLevel {
    /// Admins.
    Admin,
    /// Admins and members.
    Member,
    /// Everybody, guests too.
    AllUsers,
}

impl PermissionLevel {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Member, Self::AllUsers];

    /// The name in JSON.
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

/// A set of users, perhaps empty. See [`user_ids`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserIds(BTreeSet<UserId>);

/// The ids of these users, to be used in a [`RequestPermission`].
///
/// Since nobody could act on a request whose list is empty, a permission takes such a list only with what holds when it
/// is:
///
/// ```
/// use sym_sdk::prelude::*;
///
/// # let on_call: Vec<User> = Vec::new();
/// let approvers = user_ids(&on_call).or(PermissionLevel::Admin);
/// let permission = RequestPermission::new(PermissionLevel::Member, approvers);
/// ```
pub fn user_ids<I>(users: I) -> UserIds
where
    I: IntoIterator,
    UserIds: FromIterator<I::Item>,
{
    users.into_iter().collect()
}

impl UserIds {
    /// These users, or what is given if there are none.
    pub fn or(self, otherwise: impl Into<PermissionScope>) -> PermissionScope {
        match NonEmptyUserIds::try_from(self) {
            Ok(users) => PermissionScope::Users(users),
            Err(_) => otherwise.into(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the user is among them.
    pub fn contains(&self, id: UserId) -> bool {
        self.0.contains(&id)
    }

    /// The ids.
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

/// A set of at least one user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NonEmptyUserIds(UserIds);

impl NonEmptyUserIds {
    /// The users.
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
    Error::invalid(codes::INVALID_PERMISSION, "a permission for a list of users must name at least one")
        .with_hint("say who may act if there are none: `user_ids(&users).or(PermissionLevel::Admin)`")
}

/// Who may do something: the users of a level, or these users. Admins always may.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PermissionScope {
    /// The users whose role is of this level.
    Level(PermissionLevel),
    /// These users.
    Users(NonEmptyUserIds),
}

impl PermissionScope {
    /// Whether the user may. An admin always may.
    pub fn admits(&self, user: &User) -> bool {
        user.is_admin()
            || match self {
                Self::Level(level) => level.admits(user.role()),
                Self::Users(users) => users.0.contains(user.id()),
            }
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
            Self::Users(users) => serializer.collect_seq(users.0.iter()),
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
                de::Error::custom(format!("`{text}` is not the id of a user; use `user_ids` to get ids from users"))
            })?;
            users.insert(id);
        }
        PermissionScope::try_from(UserIds(users)).map_err(with_hint)
    }
}

/// Serde's errors have no hint, so it goes into the text.
fn with_hint<E: de::Error>(error: Error) -> E {
    match error.hint() {
        Some(hint) => E::custom(format!("{}; {hint}", error.message())),
        None => E::custom(error.message()),
    }
}

/// Who may see a request in the web app, and who may approve or deny it. `get_permissions` returns one.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member).approvals(2);
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
    /// A permission under which one approval is enough, and not the requester's.
    pub fn new(webapp_view: impl Into<PermissionScope>, approve_deny: impl Into<PermissionScope>) -> Self {
        Self {
            webapp_view: webapp_view.into(),
            approve_deny: approve_deny.into(),
            allow_self_approval: false,
            approvals: 1,
        }
    }

    /// Only admins may see and decide. This holds where a flow says nothing.
    pub fn admins_only() -> Self {
        Self::new(PermissionLevel::Admin, PermissionLevel::Admin)
    }

    /// Reads the JSON form.
    pub fn from_json(json: &serde_json::Value) -> Result<Self> {
        Self::deserialize(json).map_err(|error| Error::invalid(codes::INVALID_PERMISSION, error.to_string()))
    }

    /// Whether the requester may approve, if they are among those who may.
    pub fn allow_self_approval(mut self, allow: bool) -> Self {
        self.allow_self_approval = allow;
        self
    }

    /// How many different people must approve. Zero counts as one; a single denial denies.
    pub fn approvals(mut self, number: u8) -> Self {
        self.approvals = number.max(1);
        self
    }

    /// Who may see the request.
    pub fn webapp_view(&self) -> &PermissionScope {
        &self.webapp_view
    }

    /// Who may approve or deny the request.
    pub fn approve_deny(&self) -> &PermissionScope {
        &self.approve_deny
    }

    /// Whether the requester may approve.
    pub fn self_approval_allowed(&self) -> bool {
        self.allow_self_approval
    }

    /// How many different people must approve.
    pub fn required_approvals(&self) -> u8 {
        self.approvals
    }
}
