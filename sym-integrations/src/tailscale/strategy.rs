//! The strategy `tailscale`: access by membership in a group of the policy file.

use sym_sdk::config::SettingSchema;
use sym_sdk::error::Result;
use sym_sdk::strategy::{RevocationScope, StrategyType};

use super::Tailscale;
use crate::http::Paginator;
use crate::kit::{Account, GroupInfo, GroupRef, Membership, MembershipStrategy, target_flag};

const GROUP_NAME: &str = "group_name";
const ALLOW_MANAGED_FILE: &str = "allow_managed_file";

/// Adds users to groups of a tailnet's policy file, and removes them again. See [`MembershipStrategy`] and the [module](super).
pub type TailscaleStrategy = MembershipStrategy<Tailscale>;

/// The strategies of type `tailscale`, which are part of [`all`](crate::all).
///
/// ```hcl
/// resource "sym_strategy" "tailscale" {
///   type           = "tailscale"
///   name           = "tailscale-groups"
///   integration_id = sym_integration.tailscale.id
///   targets        = [sym_target.prod_ssh.id]
/// }
///
/// resource "sym_target" "prod_ssh" {
///   type  = "tailscale_group"
///   name  = "prod-ssh"
///   label = "SSH to production"
///   settings = {
///     group_name = "group:prod-ssh"
///   }
/// }
/// ```
pub fn strategy_type() -> StrategyType {
    TailscaleStrategy::strategy_type("tailscale")
}

impl Membership for Tailscale {
    const TARGET: &'static str = "tailscale_group";
    const GROUP_SETTING: &'static str = GROUP_NAME;
    const TARGET_SETTINGS: &'static [SettingSchema] =
        &[SettingSchema::required(GROUP_NAME).bindable(), SettingSchema::optional(ALLOW_MANAGED_FILE)];
    /// Devices have the new rules within seconds; connections that are open go on.
    const REVOCATION_SCOPE: RevocationScope = RevocationScope::NewSessions;
    const STILL_MEMBER_HINT: &'static str =
        "look for what writes the policy file, such as a repository or Terraform, and remove the user there";

    async fn find_account(&self, email: &str) -> Result<Option<String>> {
        self.find_login(email).await
    }

    async fn account(&self, id: &str) -> Result<Account> {
        self.member(id).await.map(|user| user.account())
    }

    /// A file that is maintained in a repository would lose the member with the next deployment, or get one back.
    async fn group(&self, group: GroupRef<'_>) -> Result<GroupInfo> {
        let allows_managed = target_flag(group.target, ALLOW_MANAGED_FILE)?;
        let file = self.policy_file().await?;
        let name = file.group(group.id)?.name;
        let locked = file.maintained_in().filter(|_| !allows_managed).map(|comment| {
            format!("is in a policy file that is maintained elsewhere, as its first comment says: {comment}")
        });
        Ok(GroupInfo { name, locked })
    }

    async fn is_member(&self, group: GroupRef<'_>, account: &str) -> Result<bool> {
        Ok(self.policy_file().await?.group(group.id)?.has(account))
    }

    async fn add_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.add_to_group(group.id, account).await
    }

    async fn remove_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.remove_from_group(group.id, account).await
    }

    fn members(&self, group: GroupRef<'_>) -> Paginator<String> {
        self.member_logins(group.id)
    }

    async fn check_credentials(&self) -> Result<()> {
        self.policy_file().await.map(drop)
    }
}
