//! Groups and members as Google describes them.

use serde::Deserialize;

use crate::ToFieldOption;
use crate::kit::Account;
use crate::open_enum;

/// A [group](https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct GoogleGroup {
    /// The id, which stays when the address changes.
    pub id: String,
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
}

impl GoogleGroup {
    /// Returns the name, or the address if there is none.
    pub fn name(&self) -> &str {
        self.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&self.email)
    }
}

/// Its value is the address, which people recognize in a target's settings.
impl ToFieldOption for GoogleGroup {
    fn option_value(&self) -> String {
        self.email.clone()
    }

    fn option_label(&self) -> String {
        self.name().to_owned()
    }
}

/// A [member](https://developers.google.com/workspace/admin/directory/reference/rest/v1/members) of a group.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// The id. A user's stays when the address changes.
    pub id: Option<String>,
    /// The e-mail address. The entry that stands for everyone in the organization has none.
    pub email: Option<String>,
    /// The role, which says what the member may do in the group.
    pub role: Option<Role>,
    /// The kind of member.
    #[serde(rename = "type")]
    pub kind: Option<MemberType>,
    /// The state of the account, if the member is a user of the organization.
    pub status: Option<MemberStatus>,
}

impl Member {
    /// Whether the account is known to be suspended or archived.
    pub fn is_deactivated(&self) -> bool {
        matches!(self.status, Some(MemberStatus::Suspended | MemberStatus::Archived))
    }

    pub(super) fn account(&self) -> Account {
        let id = self.email.as_ref().or(self.id.as_ref()).cloned().unwrap_or_default();
        Account::new(id.to_ascii_lowercase(), self.email.clone()).active(!self.is_deactivated())
    }
}

open_enum! {
    /// The role of a member, which says what they may do in the group.
    pub enum Role {
        /// A member.
        Member = "MEMBER",
        /// May manage members.
        Manager = "MANAGER",
        /// May manage members, settings and the group itself.
        Owner = "OWNER",
    }
}

impl Role {
    /// Returns the position of the role; a higher one includes those below it. `None` for a role that is not known.
    #[cfg(feature = "runtime")]
    pub(super) fn rank(&self) -> Option<u8> {
        match self {
            Self::Member => Some(1),
            Self::Manager => Some(2),
            Self::Owner => Some(3),
            Self::Other(_) => None,
        }
    }
}

open_enum! {
    /// The kind of a member.
    pub enum MemberType {
        /// A user of the organization.
        User = "USER",
        /// Another group, with all its members.
        Group = "GROUP",
        /// Everyone in the organization.
        Customer = "CUSTOMER",
        /// A user outside the organization.
        External = "EXTERNAL",
    }
}

open_enum! {
    /// The state of a member's account.
    pub enum MemberStatus {
        /// In use.
        Active = "ACTIVE",
        /// Suspended by an administrator or by Google.
        Suspended = "SUSPENDED",
        /// Archived: the data is kept, and nobody can sign in.
        Archived = "ARCHIVED",
    }
}
