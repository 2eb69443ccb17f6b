//! Roles and users as OneLogin describes them.

use serde::{Deserialize, Deserializer};

use crate::ToFieldOption;
use crate::kit::{Account, null_as_default};

/// A [role](https://developers.onelogin.com/api-docs/2/roles/get-role).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct OneLoginRole {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: Option<String>,
}

impl OneLoginRole {
    /// The name, or the id if there is none.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.id.to_string())
    }
}

impl ToFieldOption for OneLoginRole {
    fn option_value(&self) -> String {
        self.id.to_string()
    }

    fn option_label(&self) -> String {
        self.name()
    }
}

/// A [user](https://developers.onelogin.com/api-docs/2/users/get-user). Lists leave out some of the members.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct OneLoginUser {
    /// The id.
    pub id: u64,
    /// The name that the user signs in with.
    pub username: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The first name.
    pub firstname: Option<String>,
    /// The last name.
    pub lastname: Option<String>,
    /// Whether the user can sign in.
    pub status: Option<UserStatus>,
    /// Whether an admin has approved the account.
    pub state: Option<UserState>,
    /// The ids of the roles that the user is a member of. Being their admin does not count.
    pub role_ids: Option<Vec<u64>>,
}

impl OneLoginUser {
    /// The first and the last name; empty if there is neither.
    pub fn full_name(&self) -> String {
        let names = [&self.firstname, &self.lastname].into_iter().flatten();
        let names: Vec<_> = names.map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
        names.join(" ")
    }

    /// Whether the account is out of use: suspended, rejected by an admin, or without a license.
    pub fn is_deactivated(&self) -> bool {
        self.status == Some(UserStatus::Suspended)
            || matches!(self.state, Some(UserState::Rejected | UserState::Unlicensed))
    }

    pub(super) fn account(&self) -> Account {
        Account::new(self.id.to_string(), self.email.clone()).active(!self.is_deactivated())
    }
}

impl ToFieldOption for OneLoginUser {
    fn option_value(&self) -> String {
        self.id.to_string()
    }

    fn option_label(&self) -> String {
        match (self.full_name(), &self.username, &self.email) {
            (name, _, _) if !name.is_empty() => name,
            (_, Some(name), _) | (_, None, Some(name)) => name.clone(),
            (_, None, None) => self.id.to_string(),
        }
    }
}

/// A user in the list of a role's [members](https://developers.onelogin.com/api-docs/2/roles/get-role-users) or
/// [admins](https://developers.onelogin.com/api-docs/2/roles/get-role-admins).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct RoleUser {
    /// The id.
    pub id: u64,
    /// The full name.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// The name that the user signs in with, which is often the e-mail address.
    pub username: Option<String>,
    /// The e-mail address, which OneLogin leaves out in some accounts.
    pub email: Option<String>,
}

/// The relation of a user to a role. The two are independent: an admin need not be a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Privilege {
    /// Has the applications of the role.
    #[default]
    Member,
    /// Manages the members of the role.
    Admin,
}

impl Privilege {
    /// The name in a target's settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

/// The status of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserStatus {
    /// Has never signed in.
    Unactivated,
    /// Can sign in.
    Active,
    /// Suspended by an admin or a mapping.
    Suspended,
    /// Locked after too many failed attempts to sign in.
    Locked,
    /// Has to set a new password, since the last one expired.
    PasswordExpired,
    /// Has to set a new password.
    AwaitingPasswordReset,
    /// Activated, without a password yet.
    PasswordPending,
    /// Has to set security questions.
    SecurityQuestionsRequired,
    /// A value that this version does not know.
    Other(i64),
}

impl From<i64> for UserStatus {
    fn from(number: i64) -> Self {
        match number {
            0 => Self::Unactivated,
            1 => Self::Active,
            2 => Self::Suspended,
            3 => Self::Locked,
            4 => Self::PasswordExpired,
            5 => Self::AwaitingPasswordReset,
            7 => Self::PasswordPending,
            8 => Self::SecurityQuestionsRequired,
            other => Self::Other(other),
        }
    }
}

/// The state of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserState {
    /// Not approved yet.
    Unapproved,
    /// Approved.
    Approved,
    /// Rejected by an admin.
    Rejected,
    /// Without a license.
    Unlicensed,
    /// A value that this version does not know.
    Other(i64),
}

impl From<i64> for UserState {
    fn from(number: i64) -> Self {
        match number {
            0 => Self::Unapproved,
            1 => Self::Approved,
            2 => Self::Rejected,
            3 => Self::Unlicensed,
            other => Self::Other(other),
        }
    }
}

impl<'de> Deserialize<'de> for UserStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from)
    }
}

impl<'de> Deserialize<'de> for UserState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from)
    }
}
