//! The strategy `boundary`: access by membership in a Boundary group.

use sym_sdk::error::Result;
use sym_sdk::strategy::{RevocationScope, StrategyType};

use super::Boundary;
use super::groups::locked;
use super::users::user_not_found;
use crate::http::Paginator;
use crate::kit::{Account, GroupInfo, GroupRef, Membership, MembershipStrategy};

/// Adds users to Boundary groups, and removes them again. See [`MembershipStrategy`].
///
/// Managed groups cannot be changed, since their members are those who match a filter when they sign in.
///
/// Repeated grants and revocations change nothing. Sessions that the user has open stay open until Boundary ends them, and Boundary cannot
/// be told when the access ends. The settle time is the default of 15 minutes. The strategy does not see what the roles that name the group
/// grant, nor roles that name the user. Groups of 10,000 members or more are an error where their list would have to show that somebody is not a
/// member.
pub type BoundaryStrategy = MembershipStrategy<Boundary>;

/// The strategies of type `boundary`, which are part of [`all`](crate::all).
///
/// ```hcl
/// resource "sym_strategy" "boundary" {
///   type           = "boundary"
///   name           = "boundary-groups"
///   integration_id = sym_integration.boundary.id
///   targets        = [sym_target.admins.id]
/// }
///
/// resource "sym_target" "admins" {
///   type  = "boundary_group"
///   name  = "prod-admins"
///   label = "Production admins"
///   settings = {
///     group_id = "g_1234567890"
///   }
/// }
/// ```
pub fn strategy_type() -> StrategyType {
    BoundaryStrategy::strategy_type("boundary")
}

impl Membership for Boundary {
    const TARGET: &'static str = "boundary_group";
    const REVOCATION_SCOPE: RevocationScope = RevocationScope::NewSessions;
    const STILL_MEMBER_HINT: &'static str =
        "look for a program that manages the members of the group, such as Terraform, and exclude the user from it";

    async fn find_account(&self, email: &str) -> Result<Option<String>> {
        match self.find_user_by_email(email).await? {
            Some(user) => Ok(Some(user.id.clone())),
            None => Err(user_not_found(email)),
        }
    }

    async fn account(&self, id: &str) -> Result<Account> {
        self.get_user(id).await.map(|user| user.account())
    }

    async fn group(&self, group: GroupRef<'_>) -> Result<GroupInfo> {
        if let Some(reason) = locked(group.id) {
            return Ok(GroupInfo { name: group.id.to_owned(), locked: Some(reason.to_owned()) });
        }
        self.get_group(group.id).await.map(|found| GroupInfo { name: found.name().to_owned(), locked: None })
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
        self.member_ids(group.id)
    }

    async fn check_credentials(&self) -> Result<()> {
        self.list_groups().await.map(drop)
    }
}
