//! Requests that cannot be approved as things are, bots that approve, and ends of access that hooks hold up.

use expect_test::expect;
use sym_sdk::engine::RunFilter;
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::model::{RunId, User, UserId};
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, HarnessBuilder};

use super::{GRACE, HOUR, MINUTE, with_alerts};

fn id(name: &str) -> UserId {
    UserId::from_email(&format!("{name}@example.com"))
}

fn bot() -> User {
    User::bot(UserId::from_bot_name("ci"), "ci")
}

mod three_of_two {
    use super::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        let approvers = user_ids([id("ben"), id("cleo")]).or(PermissionLevel::Admin);
        RequestPermission::decided_by(approvers).seen_by(PermissionLevel::Member).approvals(3)
    }
}

mod requester_only {
    use super::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        let approvers = user_ids([id("ana")]).or(PermissionLevel::Admin);
        RequestPermission::decided_by(approvers).seen_by(PermissionLevel::Member)
    }
}

mod two_members {
    use super::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::Member).approvals(2)
    }
}

mod bot_named {
    use super::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        let approvers = user_ids([id("ben"), bot().id()]).or(PermissionLevel::Admin);
        RequestPermission::decided_by(approvers).seen_by(PermissionLevel::Member).approvals(2)
    }
}

mod admins {
    use super::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }
}

mod everybody_defers {
    use super::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
    }

    #[hook]
    pub(super) fn on_deescalate() -> Option<NextEvent> {
        Some(ApprovalTemplate::ignore())
    }
}

fn flow() -> HarnessBuilder {
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"]));
    builder.user(person("ben")).user(person("cleo"))
}

fn person(name: &str) -> User {
    User::person(id(name), &format!("{name}@example.com")).unwrap()
}

/// The notice to the requester and the alert about a request that nobody can approve.
const NOBODY: Option<(&str, &str)> = Some((
    "Nobody can approve your request for prod as things are. Its operators have been notified",
    "nobody can approve the request (SymSDK:TOO_FEW_APPROVERS)",
));

/// Makes a request, and checks the notice to the requester and the alert that follow at once, or that there are none.
async fn assert_told(builder: HarnessBuilder, expected: Option<(&str, &str)>) {
    let mut harness = builder.build().await.unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested, "an administrator can still be added");
    let (messages, alerts) = (harness.delivery().messages(), harness.delivery().alerts());
    let messages: Vec<_> = messages.iter().map(|(to, text)| (&**to, &**text)).collect();
    let alerts: Vec<_> = alerts.iter().map(ToString::to_string).collect();
    assert_eq!(messages, expected.map(|(notice, _)| ("ana@example.com", notice)).into_iter().collect::<Vec<_>>());
    assert_eq!(alerts, expected.map(|(_, alert)| alert).into_iter().collect::<Vec<_>>());
}

/// W4.
#[tokio::test]
async fn more_approvals_than_approvers() {
    let builder = || flow().handlers(handlers![three_of_two::get_permissions]);
    let too_few = (
        "Your request for prod needs 3 approvals, and only 2 people can give one. Its operators have been notified",
        "the request needs 3 approvals, and only 2 people can give one (SymSDK:TOO_FEW_APPROVERS)",
    );
    assert_told(builder(), Some(too_few)).await;
    assert_told(builder().admin("ada@example.com"), None).await;
}

/// W5.
#[tokio::test]
async fn the_requester_is_the_only_approver() {
    let builder = || flow().handlers(handlers![requester_only::get_permissions]);
    assert_told(builder(), NOBODY).await;
    assert_told(builder().admin("ada@example.com"), None).await;
}

#[tokio::test]
async fn only_admins_may_approve() {
    let builder = || flow().handlers(handlers![admins::get_permissions]);
    assert_told(builder(), NOBODY).await;
    // An administrator cannot approve their own request.
    assert_told(builder().admin("ana@example.com"), NOBODY).await;
    assert_told(builder().admin("ana@example.com").admin("ada@example.com"), None).await;
}

/// Anybody of the organization's domains can become a member on first contact.
#[tokio::test]
async fn nothing_is_said_where_the_number_of_approvers_is_not_known() {
    assert_told(flow().handlers(handlers![two_members::get_permissions]), None).await;
}

/// W16.
#[tokio::test]
async fn the_approval_of_a_bot_counts_only_if_it_is_named() {
    let mut harness = flow().user(bot()).handlers(handlers![two_members::get_permissions]).build().await.unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let refused = harness.approve_as(run, "ci").await.unwrap_err();
    expect![[r#"
        ci is a bot, and the permissions of this request do not name it (SymSDK:NOT_PERMITTED)
          help: ask a person to approve, or name the bot in `get_permissions`"#]]
    .assert_eq(&refused.report().to_string());
    assert!(harness.granted().is_empty());
    harness.approve_as(run, "cleo@example.com").await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);

    let mut harness = flow().user(bot()).handlers(handlers![bot_named::get_permissions]).build().await.unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    harness.approve_as(run, "ci").await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
}

async fn deferring() -> (Harness, RunId) {
    let handlers = handlers![everybody_defers::get_permissions, everybody_defers::on_deescalate];
    let builder = flow().admin("ada@example.com").handlers(handlers).idle_timeout(GRACE);
    let mut harness = builder.build().await.unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"], "the hook has deferred the end");
    (harness, run)
}

async fn stuck(harness: &Harness) -> Vec<RunId> {
    let mut filter = RunFilter::default();
    filter.stuck = true;
    let runs = harness.runtime().runs(filter, 10).await.unwrap();
    runs.iter().map(|run| run.state.run.id()).collect()
}

/// W22.
#[tokio::test]
async fn access_ends_although_a_hook_always_ignores_it() {
    let (mut harness, run) = deferring().await;
    assert_eq!(stuck(&harness).await, [run]);
    harness.advance(59 * MINUTE).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    assert_eq!(harness.delivery().alerts().len(), 1, "of the first time");
    harness.advance(MINUTE).await.unwrap();
    assert!(harness.granted().is_empty());
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(stuck(&harness).await.is_empty());
    let alerts: Vec<_> = harness.delivery().alerts().into_iter().map(|alert| alert.code).collect();
    assert_eq!(alerts, [codes::DEESCALATE_PUT_OFF, codes::HOOK_OVERRULED]);
}

/// W22.
#[tokio::test]
async fn an_administrator_ends_what_a_hook_defers() {
    let (mut harness, run) = deferring().await;
    let refused = harness.write_off_as(run, "ada@example.com", "gone").await.unwrap_err();
    expect![[r#"
        only a revocation in progress can be written off; this request is escalated (DeescalateAPI:INVALID_RUN)
          help: revoke the access first"#]]
    .assert_eq(&refused.report().to_string());
    harness.revoke_as(run, "ada@example.com").await.unwrap();
    assert!(harness.granted().is_empty());
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
}
