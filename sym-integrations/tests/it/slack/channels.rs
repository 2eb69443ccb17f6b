//! Channels and their members.

use serde_json::{Value, json};
use sym_integrations::slack;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;
use sym_sdk::model::UserIdentity;
use sym_sdk::routing::RequestDestination;

use super::{WORKSPACE, code, directory, emails, member, ok, refused, slack, slack_with, with};

fn channel(id: &str, name: &str) -> Value {
    json!({ "id": id, "name": name, "is_channel": true, "is_private": false, "is_archived": false, "num_members": 4 })
}

fn members(ids: &[&str], cursor: &str) -> Reply {
    ok(json!({ "members": ids, "response_metadata": { "next_cursor": cursor } }))
}

fn expect_info(replay: &Replay, user: &Value) {
    replay.post("/api/users.info").form("user", user["id"].as_str().unwrap()).reply(ok(json!({ "user": user })));
}

#[tokio::test]
async fn channel_members_are_in_order_and_without_duplicates() {
    let replay = Replay::new();
    let list = || {
        replay
            .post("/api/conversations.list")
            .form("types", "public_channel,private_channel")
            .form("exclude_archived", true)
            .form("limit", 999)
    };
    list().reply(ok(json!({ "channels": [channel("C1", "general")], "response_metadata": { "next_cursor": "a" } })));
    list().form("cursor", "a").reply(ok(json!({ "channels": [], "response_metadata": { "next_cursor": "b" } })));
    // A further page is not fetched.
    list().form("cursor", "b").reply(ok(
        json!({ "channels": [channel("C2", "prod-approvers")], "response_metadata": { "next_cursor": "c" } }),
    ));
    replay.post("/api/conversations.members").form("channel", "C2").reply(members(&["U2", "U1"], "m"));
    replay.post("/api/conversations.members").form("cursor", "m").reply(members(&["U1", "UB", "UG", "UX"], ""));
    expect_info(&replay, &member("U2", "Ben"));
    for _ in 0..2 {
        expect_info(&replay, &member("U1", "Ana"));
    }
    expect_info(&replay, &with(member("UB", "Robot"), |user| user["is_bot"] = true.into()));
    expect_info(&replay, &with(member("UG", "Gone"), |user| user["deleted"] = true.into()));
    replay.post("/api/users.info").form("user", "UX").reply(refused("user_not_visible"));
    let users = slack(&replay).users_in_channel("#Prod-Approvers").await.unwrap();
    assert_eq!(emails(&users), ["ben@example.com", "ana@example.com"]);
    assert_eq!(users[0].identity("slack", Some(WORKSPACE)).unwrap().user_id(), "U2");
    replay.check().unwrap();
}

#[tokio::test]
async fn a_large_channel_lists_the_workspace_once() {
    let replay = Replay::new();
    let slack = slack_with(&replay, &directory());
    let all: Vec<Value> = (1..=30).map(|n| member(&format!("U{n}"), &format!("P{n}"))).collect();
    let ids: Vec<String> = (1..=31).map(|n| format!("U{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    replay.post("/api/users.list").reply(ok(json!({ "members": all })));
    replay.post("/api/conversations.members").form("channel", "C012AB3CD").times(2).reply(members(&ids, ""));
    // An outsider is not in the list of users.
    for _ in 0..2 {
        expect_info(
            &replay,
            &with(member("U31", "Zoe"), |user| {
                user["team_id"] = "T999".into();
                user["profile"]["email"] = "zoe@elsewhere.example".into();
            }),
        );
    }
    for _ in 0..2 {
        let users = slack.users_in_channel(slack::channel("C012AB3CD").unwrap()).await.unwrap();
        assert_eq!(users.len(), 31);
        assert_eq!(users[30].username(), "slack:T999:U31");
    }
    replay.check().unwrap();
}

#[tokio::test]
async fn an_outsider_never_becomes_an_existing_user() {
    let replay = Replay::new();
    let directory = directory();
    for email in ["admin@example.com", "partner@known.example"] {
        directory.get_or_create_user_by_email(email).await.unwrap();
    }
    let met = directory.get_or_create_user_by_email("met@elsewhere.example").await.unwrap();
    directory.put_identity(met.id(), UserIdentity::new("slack", WORKSPACE, "U4")).await.unwrap();
    let outside = |id: &str, email: &str| {
        with(member(id, "Name"), |user| {
            user["team_id"] = "T999".into();
            user["profile"]["email"] = email.into();
        })
    };
    replay.post("/api/conversations.members").reply(members(&["U1", "U2", "U3", "U4", "U5"], ""));
    expect_info(&replay, &outside("U1", "admin@example.com"));
    expect_info(&replay, &outside("U2", "partner@known.example"));
    expect_info(&replay, &outside("U3", "nobody@example.com"));
    expect_info(&replay, &outside("U4", "met@elsewhere.example"));
    expect_info(&replay, &outside("U5", "new@elsewhere.example"));
    let users = slack_with(&replay, &directory).users_in_channel("C012AB3CD").await.unwrap();
    // Whoever an administrator has not linked is known by their account.
    assert_eq!(emails(&users), ["slack:T999:U1", "slack:T999:U2", "slack:T999:U3", "met@elsewhere.example", "slack:T999:U5"]);
    assert_eq!(directory.user_by_email("new@elsewhere.example").await.unwrap(), None);
    let admin = directory.user_by_email("admin@example.com").await.unwrap().unwrap();
    assert!(admin.identity("slack", None).is_none());
    replay.check().unwrap();
}

/// The account of a deleted user is nobody's, whichever workspace it belongs to.
#[tokio::test]
async fn a_linked_outsider_who_was_deleted_stays_away() {
    let (replay, directory) = (Replay::new(), directory());
    let met = directory.get_or_create_user_by_email("met@elsewhere.example").await.unwrap();
    directory.put_identity(met.id(), UserIdentity::new("slack", WORKSPACE, "U4")).await.unwrap();
    directory.delete_user(met.id()).await.unwrap();
    replay.post("/api/conversations.members").reply(members(&["U4"], ""));
    expect_info(&replay, &with(member("U4", "Met"), |user| user["team_id"] = "T999".into()));
    let users = slack_with(&replay, &directory).users_in_channel("C012AB3CD").await.unwrap();
    assert_eq!(emails(&users), [""; 0]);
    assert_eq!(directory.user_by_identity("slack", "T999", "U4").await.unwrap(), None);
    replay.check().unwrap();
}

#[tokio::test]
async fn unverified_addresses_are_not_matched() {
    let replay = Replay::new();
    replay.post("/api/conversations.members").times(2).reply(members(&["U1", "U2", "U3"], ""));
    for _ in 0..2 {
        expect_info(&replay, &with(member("U1", "Ana"), |user| user["is_email_confirmed"] = false.into()));
        expect_info(&replay, &with(member("U2", "Ben"), |user| user["is_email_confirmed"] = true.into()));
        // Without a directory, an outsider's address could be that of a member.
        expect_info(&replay, &with(member("U3", "Cleo"), |user| user["team_id"] = "T999".into()));
    }
    let users = slack(&replay).users_in_channel("C012AB3CD").await.unwrap();
    assert_eq!(emails(&users), ["ben@example.com"]);
    let users = slack_with(&replay, &directory()).users_in_channel("C012AB3CD").await.unwrap();
    assert_eq!(emails(&users), ["ben@example.com", "slack:T999:U3"]);
    replay.check().unwrap();
}

#[tokio::test]
async fn a_channel_that_the_app_cannot_see_is_an_error() {
    let replay = Replay::new();
    let slack = slack(&replay);
    replay.post("/api/conversations.list").reply(ok(json!({ "channels": [channel("C1", "general")] })));
    let error = slack.users_in_channel("secrets").await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Slack:CHANNEL_NOT_FOUND", ErrorKind::NotFound));
    assert_eq!(error.message(), "channel `#secrets` does not exist, or the app cannot see it");

    replay.post("/api/conversations.members").reply(refused("channel_not_found"));
    let error = slack.users_in_channel("C012AB3CD").await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Slack:CHANNEL_NOT_FOUND", ErrorKind::NotFound));
    assert_eq!(
        error.message(),
        "POST conversations.members: channel `C012AB3CD` does not exist, or the app cannot see it"
    );

    for (text, message) in [("@ana", "`@ana` is not a Slack channel"), ("", "a channel name must be non-empty")] {
        assert_eq!(slack.users_in_channel(text).await.unwrap_err().message(), message);
    }
    let error = slack.users_in_channel(RequestDestination::from(slack::group(["U1"]).unwrap())).await.unwrap_err();
    assert_eq!(error.message(), "`@U1` is not a Slack channel");
    replay.check().unwrap();
}

#[tokio::test]
async fn channels_convert_to_options() {
    let replay = Replay::new();
    replay
        .post("/api/conversations.list")
        .reply(ok(json!({ "channels": [channel("C1", "general"), channel("C2", "ops")] })));
    let channels = slack(&replay).list_channels().await.unwrap();
    let options = sym_integrations::field_options(&channels).unwrap();
    assert_eq!((options[1].value().to_string().as_str(), options[1].label()), ("C2", "#ops"));
    assert_eq!(channels[0].raw()["num_members"], 4);
}
