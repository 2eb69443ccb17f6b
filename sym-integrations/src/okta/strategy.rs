//! The strategy `okta`: access by membership in an Okta group.

use sym_sdk::error::Result;
use sym_sdk::strategy::{RevocationScope, StrategyType};

use super::Okta;
use super::groups::Id;
use crate::http::Paginator;
use crate::kit::{Account, GroupInfo, GroupRef, Membership, MembershipStrategy};

/// Adds users to Okta groups, and removes them again. See [`MembershipStrategy`].
///
/// Only groups of type `OKTA_GROUP` can be changed: the members of others are managed by an app, or by Okta itself.
pub type OktaStrategy = MembershipStrategy<Okta>;

/// The strategies of type `okta`, which are part of [`all`](crate::all).
///
/// ```hcl
/// resource "sym_strategy" "okta" {
///   type           = "okta"
///   name           = "okta-groups"
///   integration_id = sym_integration.okta.id
///   targets        = [sym_target.admins.id]
/// }
///
/// resource "sym_target" "admins" {
///   type  = "okta_group"
///   name  = "prod-admins"
///   label = "Production admins"
///   settings = {
///     group_id = "00g1emaKYZTWRYYRRTSK"
///   }
/// }
/// ```
pub fn strategy_type() -> StrategyType {
    OktaStrategy::strategy_type("okta")
}

impl Membership for Okta {
    const TARGET: &'static str = "okta_group";
    /// Sessions of apps that the group gave access to last until they end by themselves.
    const REVOCATION_SCOPE: RevocationScope = RevocationScope::NewSessions;
    const STILL_MEMBER_HINT: &'static str =
        "look for a group rule in Okta that adds the user again, and exclude the user from it";

    async fn find_account(&self, email: &str) -> Result<Option<String>> {
        Ok(self.find_user_by_email(email).await?.map(|user| user.id.clone()))
    }

    async fn account(&self, id: &str) -> Result<Account> {
        self.get_user(id).await.map(|user| user.account())
    }

    async fn group(&self, group: GroupRef<'_>) -> Result<GroupInfo> {
        let group = self.get_group(group.id).await?;
        Ok(GroupInfo { name: group.name().to_owned(), locked: group.locked() })
    }

    async fn is_member(&self, group: GroupRef<'_>, account: &str) -> Result<bool> {
        self.is_group_member(group.id, account).await
    }

    async fn add_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.add_group_member(group.id, account).await
    }

    async fn remove_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.remove_group_member(group.id, account).await
    }

    fn members(&self, group: GroupRef<'_>) -> Paginator<String> {
        self.members_call(group.id).pages::<Vec<Id>>().map_items(|member| Ok(member.id))
    }

    async fn check_credentials(&self) -> Result<()> {
        self.list_groups().paginator().next_item().await.map(drop)
    }
}
