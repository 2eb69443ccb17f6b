//! Groups, users, accounts and permission sets as AWS describes them.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::ToFieldOption;
use crate::kit::{Account, is_same_address, null_as_default};
use crate::open_enum;

/// A [group](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_Group.html) of the identity store.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SsoGroup {
    /// The id.
    pub group_id: String,
    /// The name, which is unique in the identity store.
    pub display_name: Option<String>,
    /// The description.
    pub description: Option<String>,
}

impl SsoGroup {
    /// The name, or the id if there is none.
    pub fn name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.group_id)
    }
}

impl ToFieldOption for SsoGroup {
    fn option_value(&self) -> String {
        self.group_id.clone()
    }

    fn option_label(&self) -> String {
        self.name().to_owned()
    }
}

/// A [user](https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_User.html) of the identity store.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SsoUser {
    /// The id.
    pub user_id: String,
    /// The name that the user signs in with.
    pub user_name: Option<String>,
    /// The name that people know the user by.
    pub display_name: Option<String>,
    /// The state of the account.
    pub user_status: Option<UserStatus>,
    #[serde(default, deserialize_with = "null_as_default")]
    emails: Vec<Email>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Email {
    value: Option<String>,
    primary: Option<bool>,
}

open_enum! {
    /// The state of a user's account.
    pub enum UserStatus {
        /// Able to sign in.
        Enabled = "ENABLED",
        /// Not able to sign in.
        Disabled = "DISABLED",
    }
}

impl SsoUser {
    /// The e-mail addresses, the primary one first.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        let of = |primary| self.emails.iter().filter(move |email| (email.primary == Some(true)) == primary);
        of(true).chain(of(false)).filter_map(|email| email.value.as_deref())
    }

    /// Whether the user can sign in.
    pub fn is_enabled(&self) -> bool {
        self.user_status != Some(UserStatus::Disabled)
    }

    /// Whether this is the user with an e-mail address, or with a user name that is the address.
    pub(super) fn has_address(&self, email: &str) -> bool {
        self.emails().chain(self.user_name.as_deref()).any(|own| is_same_address(Some(own), email))
    }

    pub(super) fn account(&self) -> Account {
        Account::new(&self.user_id, self.emails().next().map(str::to_owned)).active(self.is_enabled())
    }
}

impl ToFieldOption for SsoUser {
    fn option_value(&self) -> String {
        self.user_id.clone()
    }

    fn option_label(&self) -> String {
        self.display_name.as_deref().or(self.user_name.as_deref()).unwrap_or(&self.user_id).to_owned()
    }
}

/// An [account](https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html) of the organization.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct SsoAccount {
    /// The id, of 12 digits.
    pub id: String,
    /// The ARN, which names the organization and its management account.
    pub arn: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The e-mail address of the account.
    pub email: Option<String>,
    /// The state.
    state: Option<AccountState>,
    /// The state, as it was called until 2026.
    status: Option<AccountState>,
}

open_enum! {
    /// The state of an account.
    pub enum AccountState {
        /// Created, and not ready yet.
        PendingActivation = "PENDING_ACTIVATION",
        /// In use.
        Active = "ACTIVE",
        /// Suspended by AWS, or closed.
        Suspended = "SUSPENDED",
        /// Being closed.
        PendingClosure = "PENDING_CLOSURE",
        /// Closed.
        Closed = "CLOSED",
    }
}

impl SsoAccount {
    /// The name, or the id if there is none.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// The state, if AWS has said it.
    pub fn state(&self) -> Option<&AccountState> {
        self.state.as_ref().or(self.status.as_ref())
    }

    /// Whether the account is in use. One whose state is not known counts as such.
    pub fn is_active(&self) -> bool {
        self.state().is_none_or(|state| *state == AccountState::Active)
    }
}

impl ToFieldOption for SsoAccount {
    fn option_value(&self) -> String {
        self.id.clone()
    }

    fn option_label(&self) -> String {
        self.name().to_owned()
    }
}

/// A [permission set](https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_PermissionSet.html).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct PermissionSet {
    /// The ARN.
    pub permission_set_arn: String,
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    session_duration: Option<String>,
}

impl PermissionSet {
    /// The name, or the ARN if there is none.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.permission_set_arn)
    }

    /// The id, such as `ps-1234567890abcdef`: the last part of the ARN.
    pub fn id(&self) -> &str {
        permission_set_id(&self.permission_set_arn)
    }

    /// The longest duration of a session, also of one that begins right before the access ends. It is an hour unless the set says
    /// otherwise.
    pub fn session_duration(&self) -> SignedDuration {
        let given = self.session_duration.as_deref().and_then(|text| text.parse().ok());
        given.unwrap_or(SignedDuration::from_hours(1))
    }
}

pub(super) fn permission_set_id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The value of the option is the [id](PermissionSet::id), since ARNs are too long for options. Targets take both.
impl ToFieldOption for PermissionSet {
    fn option_value(&self) -> String {
        self.id().to_owned()
    }

    fn option_label(&self) -> String {
        self.name().to_owned()
    }
}

open_enum! {
    /// The type of a principal that a permission set is assigned to.
    pub enum PrincipalType {
        /// A user.
        User = "USER",
        /// A group, whose members have the assignment.
        Group = "GROUP",
    }
}
