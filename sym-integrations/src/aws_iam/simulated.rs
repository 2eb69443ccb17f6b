//! A simulated AWS account with IAM.

use std::collections::BTreeSet;

use quick_xml::escape::escape;
use sym_sdk::error::Result;
use sym_sdk::integration::Outbox;

use super::AwsIam;
use crate::aws::simulated::{self, Answer, Operation};
use crate::aws::{Credentials, PermissionContext, Region};
use crate::kit::{SimulatedAccount, SimulatedMembers, impl_fake};

const ACCOUNT: &str = "123456789012";

/// A simulated AWS account: its groups and their members are set here, and every IAM user that is asked for exists.
///
/// Groups that are not set exist too, without members, so that a handler finds what its configuration names. Changes of members are kept
/// in memory.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::aws_iam::SimulatedIam;
/// use sym_sdk::model::User;
///
/// let iam = SimulatedIam::new().member("Admins", "ana@example.com").build()?;
/// let ana = User::from_email("ana@example.com")?;
/// assert!(iam.is_user_in_group(&ana, "Admins").await?);
/// assert!(!iam.is_user_in_group(&ana, "Auditors").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedIam {
    members: BTreeSet<(String, String)>,
}

impl SimulatedIam {
    /// Creates an account whose groups have no members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the IAM user with this name to a group.
    pub fn member(mut self, group: impl Into<String>, user: impl Into<String>) -> Self {
        self.members.insert((group.into(), user.into()));
        self
    }

    /// Builds the client of the account.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<AwsIam> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<AwsIam> {
        let (members, outbox) = (self.members.iter().cloned().collect(), account.outbox().clone());
        let context = PermissionContext::builder(Region::parse("us-east-1")?)
            .credentials(Credentials::new("simulated", "simulated".into()))
            .connection(simulated::connection(move |operation| answer(&members, &outbox, operation)))
            .build()?;
        account.connected(AwsIam::builder(&context, ACCOUNT)?)
    }
}

impl_fake!(SimulatedIam => AwsIam);

fn answer(members: &SimulatedMembers, outbox: &Outbox, operation: &Operation) -> Answer {
    let (group_name, user_name) = (operation.text("GroupName"), operation.text("UserName"));
    let groups = |names: Vec<String>| list("Groups", &names, group);
    Answer::Xml(match operation.name.as_str() {
        "GetUser" => format!("<User>{}</User>", user(user_name)),
        "ListUsers" => list("Users", &[], user),
        "GetGroup" => {
            format!("<Group>{}</Group>{}", group(group_name), list("Users", &members.of_group(group_name), user))
        }
        "ListGroups" => groups(members.groups()),
        "ListGroupsForUser" => groups(members.groups_of(user_name)),
        "AddUserToGroup" => {
            members.add(group_name, user_name);
            outbox.record("aws_iam", group_name, format!("{user_name} added"));
            String::new()
        }
        "RemoveUserFromGroup" => {
            members.remove(group_name, user_name);
            outbox.record("aws_iam", group_name, format!("{user_name} removed"));
            String::new()
        }
        _ => return Answer::NotFound("NoSuchEntity"),
    })
}

fn list(name: &str, items: &[String], describe: fn(&str) -> String) -> String {
    let items: String = items.iter().map(|item| format!("<member>{}</member>", describe(item))).collect();
    format!("<{name}>{items}</{name}><IsTruncated>false</IsTruncated>")
}

fn group(name: &str) -> String {
    let name = escape(name);
    format!("<GroupName>{name}</GroupName><Arn>arn:aws:iam::{ACCOUNT}:group/{name}</Arn>")
}

fn user(name: &str) -> String {
    let name = escape(name);
    format!("<UserName>{name}</UserName><Arn>arn:aws:iam::{ACCOUNT}:user/{name}</Arn>")
}
