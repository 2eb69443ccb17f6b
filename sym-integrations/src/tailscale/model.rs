//! Users and groups as Tailscale describes them.

use serde::Deserialize;

use super::policy::is_same_login;
use crate::kit::Account;
use crate::{ToFieldOption, open_enum};

open_enum! {
    /// The relation of a user to the tailnet.
    pub enum UserType {
        /// A member of the tailnet.
        Member = "member",
        /// Somebody else, with whom a device is shared.
        Shared = "shared",
    }
}

open_enum! {
    /// The status of a user.
    pub enum UserStatus {
        /// Seen in the last weeks.
        Active = "active",
        /// Not seen for some weeks.
        Idle = "idle",
        /// Suspended by an admin or the identity provider.
        Suspended = "suspended",
        /// An admin has to approve them.
        NeedsApproval = "needs-approval",
        /// There are more users than the plan has.
        OverBillingLimit = "over-billing-limit",
    }
}

/// A [user](https://tailscale.com/api#tag/users) of the tailnet.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct TailscaleUser {
    /// The id.
    pub id: String,
    /// The name that the policy file knows the user by: `ana@example.com` or `ana@github`.
    pub login_name: String,
    /// The name.
    pub display_name: Option<String>,
    /// The relation to the tailnet.
    #[serde(rename = "type")]
    pub kind: Option<UserType>,
    /// The status.
    pub status: Option<UserStatus>,
}

impl TailscaleUser {
    /// Returns whether the user is a member of the tailnet, and not somebody with whom a device is shared.
    pub fn is_member(&self) -> bool {
        self.kind == Some(UserType::Member)
    }

    /// Returns whether the user can use the tailnet.
    pub fn is_active(&self) -> bool {
        matches!(self.status, Some(UserStatus::Active | UserStatus::Idle))
    }

    pub(super) fn has_login(&self, login: &str) -> bool {
        is_same_login(&self.login_name, login)
    }

    pub(super) fn account(&self) -> Account {
        Account::new(&self.login_name, Some(self.login_name.clone())).active(self.is_active())
    }
}

/// A group of the policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TailscaleGroup {
    /// The name, which begins with `group:`.
    pub name: String,
    /// The logins of its members.
    pub members: Vec<String>,
}

impl ToFieldOption for TailscaleGroup {
    fn option_value(&self) -> String {
        self.name.clone()
    }

    fn option_label(&self) -> String {
        self.name.clone()
    }
}
