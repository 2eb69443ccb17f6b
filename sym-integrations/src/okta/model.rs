//! Groups and users as Okta describes them.

use serde::Deserialize;

use crate::ToFieldOption;
use crate::kit::{Account, null_as_default};
use crate::open_enum;

/// A [group](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct OktaGroup {
    /// The id, such as `00g1emaKYZTWRYYRRTSK`.
    pub id: String,
    /// The type, which says who manages its members.
    #[serde(rename = "type")]
    pub kind: Option<GroupType>,
    /// The name and the description.
    #[serde(default, deserialize_with = "null_as_default")]
    pub profile: GroupProfile,
}

/// The profile of an [`OktaGroup`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct GroupProfile {
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
}

impl OktaGroup {
    /// The name, or the id if there is none.
    pub fn name(&self) -> &str {
        self.profile.name.as_deref().unwrap_or(&self.id)
    }

    /// The reason why its members cannot be changed through the API, as the end of a sentence about the group; `None` if they can.
    pub fn locked(&self) -> Option<String> {
        match &self.kind {
            Some(GroupType::OktaGroup) => None,
            Some(GroupType::AppGroup) => {
                Some("is of type APP_GROUP: its members are managed by the app it is imported from".to_owned())
            }
            Some(GroupType::BuiltIn) => Some("is of type BUILT_IN: its members are managed by Okta".to_owned()),
            Some(GroupType::Other(kind)) => {
                Some(format!("is of unknown type {kind}: its members may be managed elsewhere"))
            }
            None => Some("has no type: its members may be managed elsewhere".to_owned()),
        }
    }
}

impl ToFieldOption for OktaGroup {
    fn option_value(&self) -> String {
        self.id.clone()
    }

    fn option_label(&self) -> String {
        self.name().to_owned()
    }
}

open_enum! {
    /// The type of a group, which says who manages its members.
    pub enum GroupType {
        /// Okta's admins and its API. These are the only groups that a strategy can change.
        OktaGroup = "OKTA_GROUP",
        /// The app that the group is imported from, such as Active Directory.
        AppGroup = "APP_GROUP",
        /// Okta itself, as for `Everyone`.
        BuiltIn = "BUILT_IN",
    }
}

/// A [user](https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct OktaUser {
    /// The id, such as `00u1emaKYZTWRYYRRTSK`.
    pub id: String,
    /// The state of the account.
    pub status: Option<UserStatus>,
    /// The names and addresses.
    #[serde(default, deserialize_with = "null_as_default")]
    pub profile: UserProfile,
}

/// The profile of an [`OktaUser`], with the attributes of the organization's own schema.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserProfile {
    /// The name that the user signs in with.
    pub login: Option<String>,
    /// The primary e-mail address.
    pub email: Option<String>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The other attributes by their names in the schema, such as `department`, custom ones included.
    #[serde(flatten)]
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

impl UserProfile {
    /// Returns an attribute whose value is a text, by its name in the schema, such as `department`. `None` if it is absent, null,
    /// or not a text.
    ///
    /// ```
    /// # use sym_integrations::okta::{OktaUser, UserProfile};
    /// fn is_engineer(user: &OktaUser) -> bool {
    ///     user.profile.attribute("department") == Some("Engineering")
    /// }
    /// ```
    pub fn attribute(&self, name: &str) -> Option<&str> {
        match name {
            "login" => self.login.as_deref(),
            "email" => self.email.as_deref(),
            "firstName" => self.first_name.as_deref(),
            "lastName" => self.last_name.as_deref(),
            _ => self.attributes.get(name)?.as_str(),
        }
    }
}

impl OktaUser {
    /// The name that the user signs in with.
    pub fn login(&self) -> Option<&str> {
        self.profile.login.as_deref()
    }

    /// The primary e-mail address.
    pub fn email(&self) -> Option<&str> {
        self.profile.email.as_deref()
    }

    /// The first and the last name; empty if there is neither.
    pub fn full_name(&self) -> String {
        let names = [&self.profile.first_name, &self.profile.last_name].into_iter().flatten();
        let names: Vec<_> = names.map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
        names.join(" ")
    }

    /// Whether the account is deactivated: it is in no group and no app.
    pub fn is_deprovisioned(&self) -> bool {
        self.status == Some(UserStatus::Deprovisioned)
    }

    /// Whether the user can sign in, if need be with a new password. A user who is staged, suspended, locked out or deactivated cannot; one
    /// whose status is not known is taken to be able to.
    pub fn can_sign_in(&self) -> bool {
        !matches!(
            self.status,
            Some(UserStatus::Staged | UserStatus::Suspended | UserStatus::LockedOut | UserStatus::Deprovisioned)
        )
    }

    pub(super) fn account(&self) -> Account {
        Account::new(&self.id, self.profile.email.clone()).active(!self.is_deprovisioned())
    }
}

impl ToFieldOption for OktaUser {
    fn option_value(&self) -> String {
        self.id.clone()
    }

    fn option_label(&self) -> String {
        match self.full_name() {
            name if name.is_empty() => self.login().unwrap_or_default().to_owned(),
            name => name,
        }
    }
}

open_enum! {
    /// The state of a user's account.
    pub enum UserStatus {
        /// Created, and not activated yet.
        Staged = "STAGED",
        /// Activated, without a password yet.
        Provisioned = "PROVISIONED",
        /// Able to sign in.
        Active = "ACTIVE",
        /// Has to set a new password.
        Recovery = "RECOVERY",
        /// Has to set a new password, since the last one expired.
        PasswordExpired = "PASSWORD_EXPIRED",
        /// Locked after too many failed attempts to sign in.
        LockedOut = "LOCKED_OUT",
        /// Suspended by an admin.
        Suspended = "SUSPENDED",
        /// Deactivated.
        Deprovisioned = "DEPROVISIONED",
    }
}
