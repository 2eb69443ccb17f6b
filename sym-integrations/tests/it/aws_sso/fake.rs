//! An instance of Identity Center with its identity store and its organization, on a local server.
#![allow(clippy::result_large_err, reason = "an answer that is a failure ends the operation")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use sym_integrations::aws::AssumeRole;
use sym_integrations::aws_sso::AwsSso;
use sym_integrations::http::Connection;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::{AccessTarget, Slug};
use wiremock::ResponseTemplate;

use crate::aws::fake::{Answer, FakeAws, Operation};

pub(crate) const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-7223aaaa";
pub(crate) const STORE: &str = "d-9067aaaa";
pub(crate) const SET: &str = "arn:aws:sso:::permissionSet/ssoins-7223aaaa/ps-power";
pub(crate) const MANAGEMENT: &str = "100000000000";
pub(crate) const ACCOUNT: &str = "200000000000";
pub(crate) const ANA: &str = "9067aaaa-ana";
pub(crate) const BEN: &str = "9067aaaa-ben";
pub(crate) const GROUP: &str = "9067aaaa-admins";

#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) instances: Vec<Value>,
    pub(crate) users: Vec<Value>,
    /// Ids and names.
    pub(crate) groups: BTreeMap<String, String>,
    /// Groups and users.
    pub(crate) members: BTreeSet<(String, String)>,
    /// Permission sets, by ARN.
    pub(crate) sets: BTreeMap<String, Value>,
    pub(crate) accounts: Vec<Value>,
    /// Permission set, account, type of principal and principal.
    pub(crate) assignments: BTreeSet<[String; 4]>,
    /// Accounts that a permission set is provisioned in.
    pub(crate) provisioned: Vec<String>,
    /// The number of times that a change is in progress before its outcome.
    pub(crate) polls: usize,
    /// The reason why changes fail.
    pub(crate) failure: Option<String>,
    pending: BTreeMap<String, Pending>,
    /// The largest number of changes that were in progress at once.
    pub(crate) most_pending: usize,
    requests: usize,
}

#[derive(Clone)]
struct Pending {
    creates: bool,
    assignment: [String; 4],
    polls: usize,
}

fn missing(kind: Option<&str>) -> Answer {
    let body = json!({ "__type": "ResourceNotFoundException", "Message": "not found", "ResourceType": kind });
    Answer::Response(Box::new(ResponseTemplate::new(400).set_body_json(body)))
}

impl State {
    pub(crate) fn assign(&mut self, principal: &str) {
        self.assignments.insert(assignment(principal));
    }

    pub(crate) fn is_assigned(&self, principal: &str) -> bool {
        self.assignments.contains(&assignment(principal))
    }

    pub(crate) fn join(&mut self, group: &str, user: &str) {
        self.members.insert((group.to_owned(), user.to_owned()));
    }

    pub(crate) fn is_member(&self, group: &str, user: &str) -> bool {
        self.members.contains(&(group.to_owned(), user.to_owned()))
    }

    fn user(&self, id: &str) -> Result<&Value, Answer> {
        self.users.iter().find(|user| user["UserId"] == id).ok_or_else(|| missing(Some("USER")))
    }

    fn group(&self, id: &str) -> Result<Value, Answer> {
        let name = self.groups.get(id).ok_or_else(|| missing(Some("GROUP")))?;
        Ok(json!({ "GroupId": id, "DisplayName": name, "IdentityStoreId": STORE }))
    }

    fn status(&mut self, id: &str) -> Value {
        let pending = self.pending.get_mut(id).unwrap();
        let name = match pending.creates {
            true => "AccountAssignmentCreationStatus",
            false => "AccountAssignmentDeletionStatus",
        };
        if pending.polls > 0 {
            pending.polls -= 1;
            return json!({ name: { "Status": "IN_PROGRESS", "RequestId": id } });
        }
        let Pending { creates, assignment, .. } = self.pending.remove(id).unwrap();
        if let Some(reason) = &self.failure {
            return json!({ name: { "Status": "FAILED", "RequestId": id, "FailureReason": reason } });
        }
        match creates {
            true => self.assignments.insert(assignment),
            false => self.assignments.remove(&assignment),
        };
        json!({ name: { "Status": "SUCCEEDED", "RequestId": id, "FailureReason": null } })
    }

    fn change(&mut self, call: &Operation, creates: bool) -> Result<Value, Answer> {
        let of = |name: &str| call.text(name).to_owned();
        let assignment = [of("PermissionSetArn"), of("TargetId"), of("PrincipalType"), of("PrincipalId")];
        if !self.sets.contains_key(&assignment[0]) {
            return Err(missing(None));
        }
        if self.pending.values().any(|pending| pending.assignment == assignment) {
            return Err(Answer::Failure(400, "ConflictException", "another operation is in progress".to_owned()));
        }
        self.requests += 1;
        let id = format!("request-{}", self.requests);
        self.pending.insert(id.clone(), Pending { creates, assignment, polls: self.polls });
        self.most_pending = self.most_pending.max(self.pending.len());
        Ok(self.status(&id))
    }

    fn answer(&mut self, call: &Operation) -> Result<Value, Answer> {
        let (service, _) = call.scope.split_once('/').unwrap();
        if service == "identitystore" && call.text("IdentityStoreId") != STORE {
            return Err(missing(Some("IDENTITY_STORE")));
        }
        let text = |pointer: &str| call.arguments.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (group, user) = (text("/GroupId").to_owned(), text("/MemberId/UserId").to_owned());
        let attribute = text("/AlternateIdentifier/UniqueAttribute/AttributePath");
        let value = text("/AlternateIdentifier/UniqueAttribute/AttributeValue");
        Ok(match call.name.as_str() {
            "ListInstances" if self.instances.is_empty() => json!({}),
            "ListInstances" => json!({ "Instances": self.instances }),
            "GetUserId" => {
                let found = self.users.iter().find(|user| match attribute {
                    "userName" => user["UserName"] == value,
                    _ => user["Emails"][0]["Value"] == value,
                });
                let found = found.ok_or_else(|| missing(Some("USER")))?;
                json!({ "UserId": found["UserId"], "IdentityStoreId": STORE })
            }
            "DescribeUser" => self.user(text("/UserId"))?.clone(),
            "GetGroupId" => {
                let found = self.groups.iter().find(|(_, name)| *name == value);
                json!({ "GroupId": found.ok_or_else(|| missing(Some("GROUP")))?.0 })
            }
            "DescribeGroup" => self.group(&group)?,
            "ListGroups" => {
                let groups: Vec<_> = self.groups.keys().map(|id| self.group(id)).collect::<Result<_, _>>()?;
                page(&groups, "Groups", call, 1)
            }
            "IsMemberInGroups" => {
                let group = text("/GroupIds/0");
                self.group(group)?;
                self.user(&user)?;
                json!({ "Results": [{ "GroupId": group, "MembershipExists": self.is_member(group, &user) }] })
            }
            "ListGroupMemberships" => {
                self.group(&group)?;
                let members = self.members.iter().filter(|(of, _)| *of == group);
                let members: Vec<_> = members.map(|(_, user)| json!({ "MemberId": { "UserId": user } })).collect();
                page(&members, "GroupMemberships", call, 10)
            }
            "GetGroupMembershipId" => {
                self.group(&group)?;
                if !self.is_member(&group, &user) {
                    return Err(missing(Some("GROUP_MEMBERSHIP")));
                }
                json!({ "MembershipId": format!("{group}|{user}") })
            }
            "CreateGroupMembership" => {
                self.group(&group)?;
                self.user(&user)?;
                if !self.members.insert((group.clone(), user.clone())) {
                    let reason = "UNIQUENESS_CONSTRAINT_VIOLATION";
                    let body = json!({ "__type": "ConflictException", "Message": "exists", "Reason": reason });
                    return Err(Answer::Response(Box::new(ResponseTemplate::new(400).set_body_json(body))));
                }
                json!({ "MembershipId": format!("{group}|{user}") })
            }
            "DeleteGroupMembership" => {
                let (group, user) = text("/MembershipId").split_once('|').unwrap();
                if !self.members.remove(&(group.to_owned(), user.to_owned())) {
                    return Err(missing(Some("GROUP_MEMBERSHIP")));
                }
                json!({})
            }
            "ListPermissionSets" => {
                let arns: Vec<_> = self.sets.keys().map(|arn| json!(arn)).collect();
                page(&arns, "PermissionSets", call, 1)
            }
            "DescribePermissionSet" => {
                let set = self.sets.get(text("/PermissionSetArn")).ok_or_else(|| missing(None))?;
                json!({ "PermissionSet": set })
            }
            "ListAccountsForProvisionedPermissionSet" => json!({ "AccountIds": self.provisioned, "NextToken": null }),
            "ListAccountAssignments" => {
                let of = [text("/PermissionSetArn"), text("/AccountId")];
                let found = self.assignments.iter().filter(|one| one[..2] == of);
                let found: Vec<_> =
                    found.map(|one| json!({ "PrincipalType": one[2], "PrincipalId": one[3] })).collect();
                page(&found, "AccountAssignments", call, 1)
            }
            "CreateAccountAssignment" => self.change(call, true)?,
            "DeleteAccountAssignment" => self.change(call, false)?,
            "DescribeAccountAssignmentCreationStatus" => self.status(text("/AccountAssignmentCreationRequestId")),
            "DescribeAccountAssignmentDeletionStatus" => self.status(text("/AccountAssignmentDeletionRequestId")),
            "ListAccounts" => page(&self.accounts, "Accounts", call, 1),
            "ListAccountsForParent" => match text("/ParentId") {
                "r-root" => page(&self.accounts[..1], "Accounts", call, 1),
                "root" => return Err(Answer::Failure(400, "InvalidInputException", "invalid values".to_owned())),
                _ => return Err(Answer::Failure(400, "ParentNotFoundException", "no parent".to_owned())),
            },
            other => return Err(Answer::Failure(400, "UnknownOperationException", other.to_owned())),
        })
    }
}

/// A page, which may be empty and have a successor.
fn page(items: &[Value], member: &str, call: &Operation, size: usize) -> Value {
    match call.text("NextToken").parse::<usize>() {
        Err(_) if !items.is_empty() => json!({ member: [], "NextToken": "0" }),
        Err(_) => json!({}),
        Ok(start) => {
            let page: Vec<_> = items.iter().skip(start).take(size).collect();
            let next = (start + size < items.len()).then(|| (start + size).to_string());
            json!({ member: page, "NextToken": next })
        }
    }
}

fn assignment(principal: &str) -> [String; 4] {
    let kind = if principal == GROUP { "GROUP" } else { "USER" };
    [SET, ACCOUNT, kind, principal].map(str::to_owned)
}

pub(crate) fn user(id: &str, user_name: &str, email: &str) -> Value {
    json!({ "UserId": id, "UserName": user_name, "DisplayName": null, "IdentityStoreId": STORE, "UserStatus": "ENABLED",
        "Emails": [{ "Value": email, "Type": "work", "Primary": true }] })
}

pub(crate) fn account(id: &str, name: &str, state: &str) -> Value {
    let arn = format!("arn:aws:organizations::{MANAGEMENT}:account/o-aaaaaaaaaa/{id}");
    json!({ "Id": id, "Name": name, "Arn": arn, "State": state, "Status": "ACTIVE", "Email": "aws@example.com" })
}

pub(crate) type FakeSso = FakeAws<State>;

/// Starts an instance with users Ana and Ben, group `Admins`, permission set `Power` and three accounts.
pub(crate) async fn start() -> FakeSso {
    let mut state = State {
        instances: vec![json!({ "InstanceArn": INSTANCE, "IdentityStoreId": STORE, "OwnerAccountId": MANAGEMENT })],
        users: vec![user(ANA, "ana@example.com", "ana@example.com"), user(BEN, "ben", "ben@example.com")],
        accounts: vec![
            account(MANAGEMENT, "management", "ACTIVE"),
            account(ACCOUNT, "production", "ACTIVE"),
            account("300000000000", "old", "CLOSED"),
        ],
        ..State::default()
    };
    state.groups.insert(GROUP.to_owned(), "Admins".to_owned());
    let set = json!({ "PermissionSetArn": SET, "Name": "Power", "SessionDuration": "PT12H", "Description": null });
    state.sets.insert(SET.to_owned(), set);
    FakeAws::start(state, |state, call| match state.answer(call) {
        Ok(body) => Answer::Json(body),
        Err(answer) => answer,
    })
    .await
}

pub(crate) fn client(fake: &FakeSso) -> AwsSso {
    AwsSso::builder(&fake.context(), INSTANCE).without_rate_limits().build().unwrap()
}

/// A client that waits by a clock, with a role of an account, if one is given.
pub(crate) fn client_at(fake: &FakeSso, clock: &Arc<VirtualClock>, role_account: Option<&str>) -> AwsSso {
    let mut builder = fake.context_builder().connection(Connection::default().with_clock(clock.clone()));
    if let Some(account) = role_account {
        builder = builder.role(AssumeRole::new(format!("arn:aws:iam::{account}:role/sym")).unwrap());
    }
    AwsSso::builder(&builder.build().unwrap(), INSTANCE).without_rate_limits().build().unwrap()
}

pub(crate) fn set_target(set: &str, account: &str) -> AccessTarget {
    AccessTarget::new("acme", "aws_sso_permission_set", Slug::parse("power").unwrap())
        .with_setting("permission_set_arn", set)
        .with_setting("account_id", account)
}

pub(crate) fn group_target(group: &str) -> AccessTarget {
    AccessTarget::new("acme", "aws_sso_group", Slug::parse("admins").unwrap()).with_setting("group_id", group)
}
