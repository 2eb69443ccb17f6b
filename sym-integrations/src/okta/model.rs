use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sym_sdk::error::{Error, Result};
use sym_sdk::forms::FieldOption;

use crate::ToFieldOption;
use crate::field_option::field_option;

/// A group, as <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/> has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct OktaGroup {
    known: KnownGroup,
    raw: Value,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct KnownGroup {
    id: String,
    #[serde(rename = "type", default)]
    kind: GroupType,
    #[serde(default)]
    profile: GroupProfile,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct GroupProfile {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

impl OktaGroup {
    /// The id, such as `00g1emaKYZTWRYYRRTSK`.
    pub fn id(&self) -> &str {
        &self.known.id
    }

    /// The name; the id if there is none.
    pub fn name(&self) -> &str {
        self.known.profile.name.as_deref().unwrap_or(&self.known.id)
    }

    /// The description.
    pub fn description(&self) -> Option<&str> {
        self.known.profile.description.as_deref()
    }

    /// Who decides about its members.
    pub fn kind(&self) -> GroupType {
        self.known.kind
    }

    /// The group as Okta gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

impl TryFrom<Value> for OktaGroup {
    type Error = serde_json::Error;

    fn try_from(raw: Value) -> Result<Self, serde_json::Error> {
        Ok(Self { known: KnownGroup::deserialize(&raw)?, raw })
    }
}

impl ToFieldOption for OktaGroup {
    fn option_value(&self) -> String {
        self.id().to_owned()
    }

    fn option_label(&self) -> String {
        self.name().to_owned()
    }
}

impl TryFrom<&OktaGroup> for FieldOption {
    type Error = Error;

    fn try_from(group: &OktaGroup) -> Result<Self> {
        field_option(group)
    }
}

/// Who decides about the members of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum GroupType {
    /// Okta's admins and its API: the only groups that can be changed from here.
    OktaGroup,
    /// The app that the group was imported from, such as Active Directory.
    AppGroup,
    /// Okta itself, as for `Everyone`.
    BuiltIn,
    /// Something that this version does not know.
    #[default]
    #[serde(other)]
    Other,
}

impl GroupType {
    /// The name in Okta's API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OktaGroup => "OKTA_GROUP",
            Self::AppGroup => "APP_GROUP",
            Self::BuiltIn => "BUILT_IN",
            Self::Other => "OTHER",
        }
    }
}

impl fmt::Display for GroupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A user, as <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/> has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct OktaUser {
    known: GroupMember,
    raw: Value,
}

impl OktaUser {
    /// The id, such as `00u1emaKYZTWRYYRRTSK`.
    pub fn id(&self) -> &str {
        self.known.id()
    }

    /// In which state of its life the user is.
    pub fn status(&self) -> UserStatus {
        self.known.status()
    }

    /// What they log in with.
    pub fn login(&self) -> Option<&str> {
        self.known.login()
    }

    /// Their first e-mail address.
    pub fn email(&self) -> Option<&str> {
        self.known.email()
    }

    /// The first and the last name; empty if there is none.
    pub fn full_name(&self) -> String {
        self.known.full_name()
    }

    /// The user as Okta gave it, with all attributes of the profile.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

impl TryFrom<Value> for OktaUser {
    type Error = serde_json::Error;

    fn try_from(raw: Value) -> Result<Self, serde_json::Error> {
        Ok(Self { known: GroupMember::deserialize(&raw)?, raw })
    }
}

impl ToFieldOption for OktaUser {
    fn option_value(&self) -> String {
        self.known.option_value()
    }

    fn option_label(&self) -> String {
        self.known.option_label()
    }
}

impl TryFrom<&OktaUser> for FieldOption {
    type Error = Error;

    fn try_from(user: &OktaUser) -> Result<Self> {
        field_option(user)
    }
}

/// A user in the list of a group's members, which can be long: no more is kept than what tells who it is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct GroupMember {
    id: String,
    #[serde(default)]
    status: UserStatus,
    #[serde(default)]
    profile: UserProfile,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UserProfile {
    login: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

impl GroupMember {
    /// The id, such as `00u1emaKYZTWRYYRRTSK`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// In which state of its life the user is.
    pub fn status(&self) -> UserStatus {
        self.status
    }

    /// What they log in with.
    pub fn login(&self) -> Option<&str> {
        self.profile.login.as_deref()
    }

    /// Their first e-mail address.
    pub fn email(&self) -> Option<&str> {
        self.profile.email.as_deref()
    }

    /// The first and the last name; empty if there is none.
    pub fn full_name(&self) -> String {
        let names = [&self.profile.first_name, &self.profile.last_name];
        names
            .into_iter()
            .flatten()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl ToFieldOption for GroupMember {
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

impl TryFrom<&GroupMember> for FieldOption {
    type Error = Error;

    fn try_from(member: &GroupMember) -> Result<Self> {
        field_option(member)
    }
}

/// In which state of its life an Okta user is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum UserStatus {
    /// Added, and not yet to be activated.
    Staged,
    /// Activated, and has not yet set a password.
    Provisioned,
    /// Can log in.
    Active,
    /// Is to set a new password.
    Recovery,
    /// Is to set a new password, because the last one is too old.
    PasswordExpired,
    /// Gave a wrong password too often.
    LockedOut,
    /// Cannot log in until an admin says so.
    Suspended,
    /// Deactivated: in no group and no app.
    Deprovisioned,
    /// Something that this version does not know.
    #[default]
    #[serde(other)]
    Other,
}
