//! A simulated instance of IAM Identity Center.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sym_sdk::error::Result;
use sym_sdk::integration::Outbox;

use super::AwsSso;
use crate::aws::simulated::{self, Answer, Operation};
use crate::aws::{Credentials, PermissionContext, Region};
use crate::kit::{SimulatedAccount, SimulatedMembers, address, impl_fake};

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-5151515151515151";

/// A simulated instance of Identity Center: its groups with their members, and its accounts, are set here. Every user and every permission set
/// that is asked for exists.
///
/// Groups that are not set exist too, without members, so that a handler finds what its configuration names. Changes are kept in memory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::aws_sso::SimulatedSso;
/// use sym_sdk::model::User;
///
/// let sso = SimulatedSso::new().member("Admins", "ana@example.com").account("123456789012", "production").build()?;
/// let ana = User::from_email("ana@example.com")?;
/// assert!(sso.is_user_in_group(&ana, "Admins").await?);
/// assert_eq!(sso.list_accounts(None).await?[0].name(), "production");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedSso {
    members: BTreeSet<(String, String)>,
    accounts: Vec<(String, String)>,
}

impl SimulatedSso {
    /// Creates an instance without accounts, whose groups have no members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the user with this e-mail address to a group, by its name, which is also its id.
    pub fn member(mut self, group: impl Into<String>, email: impl Into<String>) -> Self {
        self.members.insert((group.into(), address(email.into())));
        self
    }

    /// Adds an account to the organization.
    pub fn account(mut self, id: impl Into<String>, name: impl Into<String>) -> Self {
        self.accounts.push((id.into(), name.into()));
        self
    }

    /// Builds the client of the instance.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<AwsSso> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<AwsSso> {
        let instance = Instance {
            members: self.members.iter().cloned().collect(),
            assignments: SimulatedMembers::default(),
            accounts: self.accounts.clone(),
            outbox: account.outbox().clone(),
        };
        let answer = move |operation: &Operation| instance.answer(operation);
        let context = PermissionContext::builder(Region::parse("us-east-1")?)
            .credentials(Credentials::new("simulated", "simulated".into()))
            .connection(simulated::connection(answer))
            .build()?;
        AwsSso::builder(&context, INSTANCE).simulated(account.directory()).build()
    }
}

impl_fake!(SimulatedSso => AwsSso);

/// An instance, with what is changed in it.
struct Instance {
    members: SimulatedMembers,
    assignments: SimulatedMembers,
    accounts: Vec<(String, String)>,
    outbox: Outbox,
}

impl Instance {
    fn answer(&self, operation: &Operation) -> Answer {
        let Self { members, assignments, accounts, outbox } = self;
        let record = |to: &str, text: String| outbox.record("aws_sso", to, text);
        let text = |pointer: &str| operation.arguments.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (group, user) = (operation.text("GroupId"), text("/MemberId/UserId"));
        let named = text("/AlternateIdentifier/UniqueAttribute/AttributeValue");
        let assigned = format!("{} {}", operation.text("PermissionSetArn"), operation.text("TargetId"));
        let listed = format!("{} {}", operation.text("PermissionSetArn"), operation.text("AccountId"));
        let of_group = |group: &str| members.of_group(group);
        // Users and groups are named after their e-mail addresses and names.
        Answer::Json(match operation.name.as_str() {
            "ListInstances" => json!({ "Instances": [{ "InstanceArn": INSTANCE, "IdentityStoreId": "d-5151515151" }] }),
            "GetUserId" => json!({ "UserId": named }),
            "DescribeUser" => json!({ "UserId": operation.text("UserId"), "UserName": operation.text("UserId"),
            "Emails": [{ "Value": operation.text("UserId"), "Primary": true }] }),
            "GetGroupId" => json!({ "GroupId": named }),
            "DescribeGroup" => json!({ "GroupId": group, "DisplayName": group }),
            "ListGroups" => {
                let groups = members.groups();
                json!({ "Groups": groups.iter().map(|id| json!({ "GroupId": id, "DisplayName": id })).collect::<Value>() })
            }
            "IsMemberInGroups" => {
                let group = text("/GroupIds/0");
                let exists = of_group(group).iter().any(|member| member == user);
                json!({ "Results": [{ "GroupId": group, "MembershipExists": exists }] })
            }
            "ListGroupMemberships" => {
                let users = of_group(group);
                json!({ "GroupMemberships": users.iter().map(|id| json!({ "MemberId": { "UserId": id } })).collect::<Value>() })
            }
            "GetGroupMembershipId" => json!({ "MembershipId": json!([group, user]).to_string() }),
            "CreateGroupMembership" => {
                members.add(group, user);
                record(group, format!("{user} added"));
                json!({ "MembershipId": json!([group, user]).to_string() })
            }
            "DeleteGroupMembership" => {
                if let Ok((group, user)) = serde_json::from_str::<(String, String)>(operation.text("MembershipId")) {
                    members.remove(&group, &user);
                    record(&group, format!("{user} removed"));
                }
                json!({})
            }
            "DescribePermissionSet" => {
                json!({ "PermissionSet": { "PermissionSetArn": operation.text("PermissionSetArn") } })
            }
            "CreateAccountAssignment" => {
                assignments.add(&assigned, operation.text("PrincipalId"));
                record(operation.text("TargetId"), format!("{} assigned", operation.text("PrincipalId")));
                json!({ "AccountAssignmentCreationStatus": { "Status": "SUCCEEDED" } })
            }
            "DeleteAccountAssignment" => {
                assignments.remove(&assigned, operation.text("PrincipalId"));
                record(operation.text("TargetId"), format!("assignment of {} removed", operation.text("PrincipalId")));
                json!({ "AccountAssignmentDeletionStatus": { "Status": "SUCCEEDED" } })
            }
            "ListAccountAssignments" => {
                let users = assignments.of_group(&listed);
                let users = users.iter().map(|id| json!({ "PrincipalType": "USER", "PrincipalId": id }));
                json!({ "AccountAssignments": users.collect::<Value>() })
            }
            "ListAccounts" | "ListAccountsForParent" => {
                let accounts = accounts.iter().map(|(id, name)| json!({ "Id": id, "Name": name, "State": "ACTIVE" }));
                json!({ "Accounts": accounts.collect::<Value>() })
            }
            // Lists of what is not simulated are empty.
            _ => json!({}),
        })
    }
}
