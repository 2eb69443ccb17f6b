//! AWS IAM Identity Center, the successor of AWS SSO: its groups, permission sets and accounts, and the strategy `aws_sso`, which grants
//! access by assigning a permission set in an account, or by membership in a group.
//!
//! The client uses the role of an integration of type `permission_context`: that of the strategy, or the one that an environment has under
//! `aws_sso_id`. The `external_id` of the integration is the ARN of the instance of Identity Center. The strategy's setting `instance_arn`
//! takes precedence, and the integration's comes before its `external_id`; if none of them is the ARN of an instance, there must be exactly
//! one in the region. `region` is the region that Identity Center is in: elsewhere it is not found, and AWS does not say why.
//!
//! ```
//! use sym_integrations::aws_sso::AwsSso;
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! async fn on_request(event: &Event, sso: &AwsSso) -> Result<Option<NextEvent>> {
//!     if sso.is_user_in_group(event.user(), "On call").await? {
//!         return Ok(Some(ApprovalTemplate::approve().reason("the requester is on call")));
//!     }
//!     Ok(None)
//! }
//!
//! #[prefetch(field = "account_id")]
//! async fn get_accounts(sso: &AwsSso) -> Result<Vec<FieldOption>> {
//!     let accounts = sso.list_accounts(None).await?;
//!     sym_integrations::field_options(accounts.iter().filter(|account| account.is_active()))
//! }
//!
//! #[prefetch(field = "permission_set_arn")]
//! async fn get_permission_sets(sso: &AwsSso) -> Result<Vec<FieldOption>> {
//!     let sets = sso.list_permission_sets().await?;
//!     sym_integrations::field_options(&sets)
//! }
//! ```
//!
//! # Permissions
//! The role needs the policy that Sym's connector had: `sso:CreateAccountAssignment`, `sso:DeleteAccountAssignment`, `sso:Describe*`,
//! `sso:List*`, `identitystore:CreateGroupMembership`, `identitystore:DeleteGroupMembership`, `identitystore:Describe*`,
//! `identitystore:Get*`, `identitystore:IsMemberInGroups`, `identitystore:List*`, `organizations:ListAccounts` and
//! `organizations:ListAccountsForParent`. It belongs to the management account, or to the delegated administrator of Identity Center. From
//! there, neither the management account nor any permission set that is provisioned in it can be changed; checks say so.
//!
//! # Identities
//! The identity of a user is the id of a user of the identity store. Without a stored one, or a `get_identity` reducer, the user is found by
//! e-mail address: as it is written, in lower case, and then as a user name.
//!
//! # Grants and revocations
//! Both are idempotent. Assignments are asynchronous: a grant is confirmed when AWS reports success, which takes seconds, or minutes if the
//! permission set is not in the account yet. An assignment that is still being created after 55 seconds has an unknown outcome, and the call
//! is repeated. An assignment to the user that existed before the request is left as it was; one by way of a group is another thing. At most
//! 8 assignments of an instance are changed at once: revocations come first, and no grant begins while 6 changes are in flight.
//!
//! The end of access removes the assignment. Credentials and console sessions that were issued before last until the session duration of the
//! permission set is over; the output of the revocation has the latest time in `sessions_may_last_until`, and `check --live`
//! warns if it is longer than the access that a flow gives. A target cannot be told when access
//! ends.

mod accounts;
mod assignment_strategy;
mod assignments;
mod client;
pub mod codes;
mod errors;
mod groups;
mod in_flight;
mod instance;
mod model;
mod permission_sets;
mod simulated;
mod strategy;
mod users;

pub use client::{AwsSso, AwsSsoBuilder};
pub use model::{AccountState, PermissionSet, PrincipalType, SsoAccount, SsoGroup, SsoUser, UserStatus};
pub use simulated::SimulatedSso;
pub use strategy::{AwsSsoStrategy, strategy_type};

inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

inventory::submit! {
    crate::kit::IntegrationInfo::new("aws_sso", "AWS IAM Identity Center", "aws-sso")
        .with_client("AwsSso", &[
            "account_id",
            "add_group_member",
            "find_user_by_email",
            "get_group",
            "get_permission_set",
            "get_user",
            "group_id",
            "instance_arn",
            "is_group_member",
            "is_user_in_group",
            "list_accounts",
            "list_group_members",
            "list_groups",
            "list_permission_sets",
            "remove_group_member",
            "users_in_group",
        ])
        .with_permissions(&[
            "`sso:Describe*` and `sso:List*`",
            "`identitystore:Describe*`, `identitystore:Get*`, `identitystore:IsMemberInGroups` and `identitystore:List*`",
            "`organizations:ListAccounts` and `organizations:ListAccountsForParent`",
        ])
        .with_strategies(&[crate::kit::StrategyInfo::new(
            strategy_type,
            sym_sdk::strategy::RevocationScope::NewSessions,
        )
        .with_settle_time(strategy::SETTLE_TIME)
        .with_permissions(&[
            "`sso:CreateAccountAssignment` and `sso:DeleteAccountAssignment`, for permission sets",
            "`identitystore:CreateGroupMembership` and `identitystore:DeleteGroupMembership`, for groups",
        ])])
}
