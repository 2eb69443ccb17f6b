//! Access to Runs on behalf of people, their deciders, and keys that are used again.

use std::sync::Arc;

use expect_test::expect;
use sym_sdk::audit::AuditKind;
use sym_sdk::engine::{AuditQuery, InputKey, RunFilter, RunQuery, Viewer};
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::machine::RequestDigest;
use sym_sdk::model::{Channel, ChannelType, EventId, RunId};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Deciders, Runtime, Submission};
use sym_sdk::testing::Harness;

use super::{HOUR, plain};

#[reducer]
async fn get_permissions(directory: &Directory) -> Result<RequestPermission> {
    let mut named = Vec::new();
    for email in ["ana@example.com", "ben@example.com", "dee@example.com", "gus@elsewhere.example"] {
        named.push(directory.get_or_create_user_by_email(email).await?);
    }
    Ok(RequestPermission::decided_by(user_ids(named).or(PermissionLevel::Admin)).approvals(2))
}

async fn harness() -> Harness {
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(handlers![get_permissions]);
    let builder = builder.admin("ada@example.com").guest("gus@elsewhere.example");
    builder.build().await.unwrap()
}

async fn user(runtime: &Runtime, email: &str) -> Arc<User> {
    runtime.directory().get_or_create_user_by_email(email).await.unwrap()
}

/// A Run that one may not see does not exist, whatever one asks for.
#[tokio::test]
async fn a_run_that_one_may_not_see_does_not_exist() {
    let mut harness = harness().await;
    let run = harness.request("prod").duration("1h").await.unwrap();
    let runtime = harness.runtime().clone();
    let (ana, cho) = (user(&runtime, "ana@example.com").await, user(&runtime, "cho@example.com").await);
    assert_eq!(runtime.run_for(run, &ana).await.unwrap().state.run.id(), run);
    let nobody = RunId::from_uuid(uuid::Uuid::from_u128(1));
    let unknown = |run: RunId| format!("there is no Run {run} (SymSDK:UNKNOWN_RUN)");
    for id in [run, nobody] {
        assert_eq!(runtime.run_for(id, &cho).await.unwrap_err().to_string(), unknown(id));
        assert_eq!(runtime.audit_for(id, &cho).await.unwrap_err().to_string(), unknown(id));
        let abilities = runtime.abilities(id, &cho, ChannelType::Api).await;
        assert_eq!(abilities.unwrap_err().to_string(), unknown(id));
        assert_eq!(runtime.request_view_for(id, &cho).await.unwrap_err().to_string(), unknown(id));
    }
    let list = async |user: Arc<User>| {
        let query = RunQuery::new(RunFilter::default(), Some(Viewer::new(user)));
        runtime.find_runs(&query).await.unwrap().runs.len()
    };
    assert_eq!((list(ana).await, list(cho).await), (1, 0));
    // A Run that was pruned is known to those who had to do with it.
    harness.deny_as(run, "ben@example.com").await.unwrap();
    harness.advance(24 * HOUR).await.unwrap();
    runtime.prune(HOUR).await.unwrap();
    let code = async |email: &str| {
        let user = user(&runtime, email).await;
        runtime.run_for(run, &user).await.unwrap_err().code().to_string()
    };
    for (email, expected) in [
        ("ana@example.com", "SymSDK:RUN_PRUNED"),
        ("ben@example.com", "SymSDK:RUN_PRUNED"),
        ("ada@example.com", "SymSDK:RUN_PRUNED"),
        ("cho@example.com", "SymSDK:UNKNOWN_RUN"),
    ] {
        assert_eq!(code(email).await, expected, "{email}");
    }
}

#[tokio::test]
async fn cursors_belong_to_one_query() {
    let mut harness = harness().await;
    for _ in 0..3 {
        harness.request("prod").duration("1h").await.unwrap();
    }
    let runtime = harness.runtime();
    let query = |filter| RunQuery::new(filter, None).with_limit(1);
    let next = runtime.find_runs(&query(RunFilter::default())).await.unwrap().next.unwrap();
    let text = next.to_string();
    assert_eq!(text.parse::<sym_sdk::engine::RunCursor>().unwrap(), next);
    let mut of_flow = RunFilter::default();
    of_flow.flow = Some("prod".into());
    let error = query(of_flow).after(next).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidInput, &codes::INVALID_CURSOR));
    let viewer = Viewer::new(user(runtime, "ana@example.com").await);
    assert!(RunQuery::new(RunFilter::default(), Some(viewer)).after(next).is_err(), "another person's list");
    // Each digit counts.
    for index in 0..text.len() {
        let mut edited = text.clone().into_bytes();
        edited[index] = if edited[index] == b'0' { b'1' } else { b'0' };
        let edited: sym_sdk::engine::RunCursor = String::from_utf8(edited).unwrap().parse().unwrap();
        assert!(query(RunFilter::default()).after(edited).is_err(), "digit {index}");
    }
    for malformed in ["", "AZm", &text[1..], &format!("{text}0"), &text.replace('0', "x"), &"\u{e9}".repeat(32)] {
        let error = malformed.parse::<sym_sdk::engine::RunCursor>().unwrap_err();
        assert_eq!(*error.code(), codes::INVALID_CURSOR, "{malformed}");
    }
}

fn names(users: &[Arc<User>]) -> Vec<&str> {
    users.iter().map(|user| user.username()).collect()
}

fn barred(deciders: &Deciders) -> Vec<String> {
    deciders.barred.iter().map(|barred| format!("{}: {}", barred.user.username(), barred.reason.code)).collect()
}

#[tokio::test]
async fn deciders_are_named_with_the_reasons_of_those_who_are_barred() {
    let mut harness = harness().await;
    let runtime = harness.runtime().clone();
    user(&runtime, "dee@example.com").await;
    runtime.lock_user("dee@example.com", "ada@example.com", "away").await.unwrap();
    let run = harness.request("prod").duration("1h").await.unwrap();
    let deciders = runtime.deciders(run).await.unwrap();
    assert_eq!((names(&deciders.users), names(&deciders.admins)), (vec!["ben@example.com"], vec!["ada@example.com"]));
    assert_eq!((deciders.level, deciders.needed), (None, 2));
    expect![[r#"
        ana@example.com: SymSDK:SELF_APPROVAL
        dee@example.com: SymSDK:USER_LOCKED
        gus@elsewhere.example: SymSDK:NOT_PERMITTED"#]]
    .assert_eq(&barred(&deciders).join("\n"));
    let reducer = deciders.reducer.unwrap();
    assert!(reducer.name() == "get_permissions" && reducer.file().ends_with("run_access.rs"), "{reducer}");

    harness.approve_as(run, "ben@example.com").await.unwrap();
    let deciders = runtime.deciders(run).await.unwrap();
    assert_eq!(names(&deciders.approved), ["ben@example.com"]);
    harness.deny_as(run, "ada@example.com").await.unwrap();
    let deciders = runtime.deciders(run).await.unwrap();
    assert_eq!(names(&deciders.users), ["ben@example.com"], "who could have decided");
}

#[tokio::test]
async fn deciders_of_a_level_are_not_listed() {
    let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).build().await.unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    let deciders = harness.runtime().deciders(run).await.unwrap();
    assert_eq!((deciders.level, names(&deciders.users)), (Some(PermissionLevel::Member), vec![]));
    assert_eq!(barred(&deciders), ["ana@example.com: SymSDK:SELF_APPROVAL"]);
}

#[tokio::test]
async fn a_key_is_good_for_one_content() {
    let harness = harness().await;
    let runtime = harness.runtime();
    let key = |content: &str| InputKey::new("api:ci:1").with_content(content);
    let request = |key| Submission::request("prod", "ana@example.com").input("duration", "1h").key(key);
    let first = runtime.submit(request(key("one"))).await.unwrap();
    assert_eq!(runtime.submit(request(key("one"))).await.unwrap(), first);
    let error = runtime.submit(request(key("two"))).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, &codes::IDEMPOTENCY_KEY_REUSED));
    // One that would be refused by itself is told the same, and a key without a content means what it did before.
    let error = runtime.submit(Submission::request("prod", "ana@example.com").key(key("three"))).await.unwrap_err();
    assert_eq!(*error.code(), codes::IDEMPOTENCY_KEY_REUSED);
    assert_eq!(runtime.submit(request(InputKey::new("api:ci:1"))).await.unwrap(), first);
}

/// Of two that come at the same time, one is accepted and the other is told.
#[tokio::test]
async fn a_key_that_is_used_twice_at_once_is_good_for_one_content() {
    let harness = harness().await;
    let runtime = harness.runtime();
    let request = |content: &str| {
        let key = InputKey::new("api:ci:1").with_content(content);
        runtime.submit(Submission::request("prod", "ana@example.com").input("duration", "1h").key(key))
    };
    let (one, two) = tokio::join!(request("one"), request("two"));
    let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(*refused[0].code(), codes::IDEMPOTENCY_KEY_REUSED);
}

#[tokio::test]
async fn a_decision_is_about_what_was_shown() {
    let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).build().await.unwrap();
    let [first, second] = [
        harness.request("prod").by("ana@example.com").duration("1h").await.unwrap(),
        harness.request("prod").by("ana@example.com").duration("10m").await.unwrap(),
    ];
    let runtime = harness.runtime().clone();
    runtime.directory().contact("ben@example.com").await.unwrap();
    let digest = async |run| runtime.request_view(run).await.unwrap().digest().unwrap();
    let approve = async |seen: RequestDigest| {
        runtime
            .submit(Submission::approve(first, "ben@example.com").seen(seen))
            .await
            .map_err(|error| error.to_string())
    };
    let refused = "the request has changed since it was shown (SymSDK:REQUEST_CHANGED)";
    assert_eq!(approve(digest(second).await).await.unwrap_err(), refused);
    approve(digest(first).await).await.unwrap();
}

/// Sym's pattern in CI: the event of a request leads to its Run.
#[tokio::test]
async fn the_bot_that_made_a_request_for_somebody_reads_its_run() {
    let harness = harness().await;
    let runtime = harness.runtime();
    let bot = runtime.directory().create_bot("ci").await.unwrap();
    let other = runtime.directory().create_bot("cd").await.unwrap();
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h").channel(Channel::of_bot(&bot));
    let receipt = runtime.submit(request).await.unwrap();
    assert_eq!(runtime.run_of_event(receipt.event).await.unwrap(), receipt.run);
    assert!(runtime.run_for(receipt.run, &bot).await.is_ok());
    assert!(runtime.run_for(receipt.run, &other).await.is_err());
    let nobody = EventId::from_uuid(uuid::Uuid::from_u128(1));
    assert_eq!(*runtime.run_of_event(nobody).await.unwrap_err().code(), codes::UNKNOWN_EVENT);
    let mut query = AuditQuery::default();
    query.kind = Some("received".into());
    let found = runtime.find_audit(&query).await.unwrap().records;
    assert_eq!(found.len(), 1);
    let entry = found[0].entry().unwrap();
    assert!(entry.kind == AuditKind::Received && entry.event.channel.identifier() == Some("bot:ci"));
}

/// The names are those under which kinds are stored.
#[test]
fn kinds_have_the_names_of_their_stored_form() {
    for kind in [AuditKind::Received, AuditKind::Completed, AuditKind::FormOpened, AuditKind::Rearmed] {
        assert_eq!(serde_json::to_value(&kind).unwrap(), kind.name());
    }
    for json in [
        serde_json::json!({"ignored": {"message": null}}),
        serde_json::json!({"counted": {"approvals": 1, "needed": 2}}),
        serde_json::json!({"opted_out": {"entry": 0, "destination": "x"}}),
        serde_json::json!({"written_off": {"target": "t", "identity": "i", "reason": "r"}}),
        serde_json::json!({"standing_access_kept": {"target": "t", "identity": "i"}}),
    ] {
        let kind: AuditKind = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(json.as_object().unwrap().keys().next().unwrap(), kind.name());
    }
}
