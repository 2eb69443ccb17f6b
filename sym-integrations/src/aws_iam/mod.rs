//! AWS IAM: users and groups of an account, and the strategy `aws_iam`, which grants access by membership in a group.
//!
//! The client uses the role of an integration of type `permission_context`: that of the strategy, or the one that an environment has under
//! `aws_iam_id`. Its `external_id` is the id of the account.
//!
//! ```
//! use sym_integrations::aws_iam::AwsIam;
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! async fn on_request(event: &Event, iam: &AwsIam) -> Result<Option<NextEvent>> {
//!     if iam.is_user_in_group(event.user(), "on-call").await? {
//!         return Ok(Some(ApprovalTemplate::approve().reason("the requester is on call")));
//!     }
//!     Ok(None)
//! }
//!
//! #[prefetch(field = "iam_group")]
//! async fn get_groups(iam: &AwsIam) -> Result<Vec<FieldOption>> {
//!     let groups = iam.list_groups().await?;
//!     sym_integrations::field_options(&groups)
//! }
//! ```
//!
//! # Permissions
//! The role needs `iam:GetUser`, `iam:GetGroup` and `iam:ListGroupsForUser`; for the strategy also `iam:AddUserToGroup` and
//! `iam:RemoveUserFromGroup`, which can be limited to the groups of its targets; for options `iam:ListGroups` and `iam:ListUsers`.
//!
//! # Identities
//! The identity of a user is the ARN of an IAM user, as it was in Sym. IAM users have no e-mail address: without a stored identity or a
//! `get_identity` reducer, the IAM user is found whose name is the address of the user.
//!
//! # Grants and revocations
//! Both are idempotent. IAM is eventually consistent: lists may lag behind a change by seconds, for which a revocation waits before it counts
//! as done. A removal takes effect for all keys and sessions of the IAM user; a role that somebody has assumed with the permissions of the
//! group stays assumed until that session ends, which the strategy cannot see. A target cannot be told when access ends.

mod client;
pub mod codes;
mod errors;
mod groups;
mod model;
mod simulated;
mod strategy;
mod users;

pub use client::{AwsIam, AwsIamBuilder};
pub use model::{IamGroup, IamUser};
pub use simulated::SimulatedIam;
pub use strategy::{AwsIamStrategy, strategy_type};

inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

inventory::submit! {
    crate::kit::IntegrationInfo::new("aws_iam", "AWS IAM", "aws-iam")
        .with_client("AwsIam", &[
            "account_id",
            "add_user_to_group",
            "find_user_by_email",
            "get_group",
            "get_user",
            "is_group_member",
            "is_user_in_group",
            "list_group_users",
            "list_groups",
            "list_user_groups",
            "list_users",
            "remove_user_from_group",
            "users_in_group",
        ])
        .with_permissions(&[
            "`iam:GetUser`, `iam:GetGroup` and `iam:ListGroupsForUser`",
            "`iam:ListGroups` and `iam:ListUsers`, for options of forms",
        ])
        .with_strategies(&[crate::kit::StrategyInfo::of_membership::<AwsIam>(strategy_type)
            .with_permissions(&["`iam:AddUserToGroup` and `iam:RemoveUserFromGroup` on the groups of its targets"])])
}
