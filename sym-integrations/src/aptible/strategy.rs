//! The strategy `aptible`: access by membership in an Aptible role.

use std::borrow::Cow;

use sym_sdk::config::SettingSchema;
use sym_sdk::error::Result;
use sym_sdk::strategy::{RevocationScope, StrategyType};

use super::Aptible;
use super::model::is_same_id;
use crate::http::Paginator;
use crate::kit::{Account, GroupInfo, GroupRef, Membership, MembershipStrategy, target_flag, vendor_errors};

const ROLE_ID: &str = "role_id";
const ALLOW_LAST_MEMBERSHIP: &str = "allow_last_membership";

/// Adds users to Aptible roles, and removes them again. See [`MembershipStrategy`].
///
/// | setting of a target | meaning |
/// | --- | --- |
/// | `role_id` | the id of the role, a UUID |
/// | `allow_last_membership` | whether to remove a user from their only role, and thus from the organization; `false` by default |
///
/// Aptible removes a user who has no role from the organization. Without `allow_last_membership`, a user who has no other role is not
/// granted one, and a membership that has become the only one is not removed: the revocation fails, and operators are told, until the user has
/// another role. Roles that an identity provider manages (SCIM) cannot be changed.
///
/// Repeated grants and revocations change nothing, and a revocation removes all memberships of the user in the role. Aptible cannot be told
/// when the access ends, and sessions last until they end by themselves. The settle time is the default of 15 minutes. The strategy does not
/// see what a role permits.
pub type AptibleStrategy = MembershipStrategy<Aptible>;

/// The strategies of type `aptible`, which are part of [`all`](crate::all).
///
/// ```hcl
/// resource "sym_strategy" "aptible" {
///   type           = "aptible"
///   name           = "aptible-roles"
///   integration_id = sym_integration.aptible.id
///   targets        = [sym_target.admins.id]
/// }
///
/// resource "sym_target" "admins" {
///   type  = "aptible_role"
///   name  = "prod-admins"
///   label = "Production admins"
///   settings = {
///     role_id = "5f3c1a52-0b6e-4d0a-9a0e-3d5c2b1f7e10"
///   }
/// }
/// ```
pub fn strategy_type() -> StrategyType {
    AptibleStrategy::strategy_type("aptible")
}

impl Membership for Aptible {
    const TARGET: &'static str = "aptible_role";
    const GROUP_SETTING: &'static str = ROLE_ID;
    const TARGET_SETTINGS: &'static [SettingSchema] =
        &[SettingSchema::required(ROLE_ID).bindable(), SettingSchema::optional(ALLOW_LAST_MEMBERSHIP)];
    const GROUP_NOT_FOUND: &'static str = vendor_errors::ROLE_NOT_FOUND;
    const REVOCATION_SCOPE: RevocationScope = RevocationScope::NewSessions;
    const STILL_MEMBER_HINT: &'static str = "look for a program that manages the members of the role in Aptible";

    /// Ids are written in either case.
    fn group_key(id: &str) -> Cow<'_, str> {
        Cow::Owned(id.trim().to_ascii_lowercase())
    }

    async fn find_account(&self, email: &str) -> Result<Option<String>> {
        self.find_user_by_email(email).await
    }

    async fn account(&self, id: &str) -> Result<Account> {
        let account = self.user(id).await?.account();
        // Ids are written in either case.
        Ok(if is_same_id(&account.id, id) { Account { id: id.to_owned(), ..account } } else { account })
    }

    async fn group(&self, group: GroupRef<'_>) -> Result<GroupInfo> {
        target_flag(group.target, ALLOW_LAST_MEMBERSHIP)?;
        let role = self.role(group.id).await?;
        let locked = role.scim_created.then(|| "is managed by an identity provider (SCIM)".to_owned());
        Ok(GroupInfo { name: role.name.unwrap_or(role.id), locked })
    }

    async fn is_member(&self, group: GroupRef<'_>, account: &str) -> Result<bool> {
        Ok(!self.memberships_of(group.id, account).await?.is_empty())
    }

    async fn add_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        if !target_flag(group.target, ALLOW_LAST_MEMBERSHIP)? {
            self.check_other_roles(group.id, account).await?;
        }
        self.add(group.id, account).await
    }

    async fn remove_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.remove(group.id, account, target_flag(group.target, ALLOW_LAST_MEMBERSHIP)?).await
    }

    fn members(&self, group: GroupRef<'_>) -> Paginator<String> {
        self.member_ids(group.id)
    }

    async fn check_credentials(&self) -> Result<()> {
        self.0.get("organizations/{organization}", &[self.organization_id()]).await.map(drop)
    }
}
