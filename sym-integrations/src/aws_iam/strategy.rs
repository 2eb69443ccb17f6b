//! The strategy `aws_iam`: access by membership in an IAM group.

use std::borrow::Cow;
use std::time::Duration;

use sym_sdk::error::Result;
use sym_sdk::strategy::{RevocationScope, StrategyType};

use super::AwsIam;
use crate::http::Paginator;
use crate::kit::{Account, GroupInfo, GroupRef, Membership, MembershipStrategy};

/// Adds IAM users to groups, and removes them again. See [`MembershipStrategy`]. The ids in its outputs are the name of the group and the
/// ARN of the user.
pub type AwsIamStrategy = MembershipStrategy<AwsIam>;

/// The strategies of type `aws_iam`, which are part of [`all`](crate::all).
///
/// ```hcl
/// resource "sym_strategy" "iam" {
///   type           = "aws_iam"
///   name           = "iam-groups"
///   integration_id = sym_integration.iam_context.id
///   targets        = [sym_target.admins.id]
/// }
///
/// resource "sym_target" "admins" {
///   type  = "aws_iam_group"
///   name  = "admins"
///   label = "Administrators"
///   settings = {
///     iam_group = "Admins"
///   }
/// }
///
/// resource "sym_integration" "iam_context" {
///   type        = "permission_context"
///   name        = "iam-context"
///   external_id = "123456789012"
///   settings = {
///     cloud       = "aws"
///     region      = "eu-central-1"
///     role_arn    = "arn:aws:iam::123456789012:role/sym/SymIAM"
///     external_id = "acme-1"
///   }
/// }
/// ```
pub fn strategy_type() -> StrategyType {
    AwsIamStrategy::strategy_type("aws_iam")
}

impl Membership for AwsIam {
    const TARGET: &'static str = "aws_iam_group";
    const GROUP_SETTING: &'static str = "iam_group";
    /// Roles that somebody has assumed with the permissions of the group stay assumed.
    const REVOCATION_SCOPE: RevocationScope = RevocationScope::NewSessions;
    const SETTLE_DELAYS: &'static [Duration] =
        &[Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];
    const STILL_MEMBER_HINT: &'static str =
        "look for something that adds the user again, such as a Terraform configuration of the group's members";

    /// IAM compares names without case.
    fn group_key(id: &str) -> Cow<'_, str> {
        Cow::Owned(id.trim().to_ascii_lowercase())
    }

    async fn find_account(&self, email: &str) -> Result<Option<String>> {
        Ok(self.find_user_by_email(email).await?.map(|user| user.arn.clone()))
    }

    async fn account(&self, id: &str) -> Result<Account> {
        self.get_user(id).await.map(|user| user.account())
    }

    async fn group(&self, group: GroupRef<'_>) -> Result<GroupInfo> {
        let group = self.get_group(group.id).await?;
        Ok(GroupInfo { name: group.group_name.clone(), locked: None })
    }

    async fn is_member(&self, group: GroupRef<'_>, account: &str) -> Result<bool> {
        self.is_group_member(group.id, account).await
    }

    async fn add_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.add_user_to_group(group.id, account).await
    }

    async fn remove_member(&self, group: GroupRef<'_>, account: &str) -> Result<()> {
        self.remove_user_from_group(group.id, account).await
    }

    fn members(&self, group: GroupRef<'_>) -> Paginator<String> {
        self.list_group_users(group.id).map_items(|user| Ok(user.arn.clone()))
    }

    async fn check_credentials(&self) -> Result<()> {
        self.list_groups().next_item().await.map(drop)
    }
}
