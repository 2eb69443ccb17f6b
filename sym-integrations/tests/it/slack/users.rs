//! Users: listing, resolving and groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sym_integrations::http::SecretString;
use sym_integrations::kit::Resource;
use sym_integrations::slack::{Slack, UserInfo};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;
use sym_sdk::forms::FieldOption;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::{Integration, Secret, SecretSource};

use super::{TOKEN, WORKSPACE, code, known, member, ok, refused, slack, user, with};

fn page(members: &[Value], cursor: &str) -> Reply {
    ok(json!({ "members": members, "cache_ts": 1, "response_metadata": { "next_cursor": cursor } }))
}

fn ids(users: &[Resource<UserInfo>]) -> Vec<&str> {
    users.iter().map(|user| user.id()).collect()
}

#[tokio::test]
async fn lists_users_over_short_and_empty_pages() {
    let replay = Replay::new();
    let gone = with(member("U3", "Gone"), |user| user["deleted"] = true.into());
    replay.post("/api/users.list").form("limit", 200).reply(page(&[member("U1", "Ana"), gone.clone()], "dXNlcjpVMA=="));
    replay.post("/api/users.list").form("cursor", "dXNlcjpVMA==").form("limit", 200).reply(page(&[], "b"));
    replay.post("/api/users.list").form("cursor", "b").reply(page(&[member("U2", "Ben")], ""));
    let users = slack(&replay).list_users().page_size(200).await.unwrap();
    assert_eq!(ids(&users), ["U1", "U2"]);
    let bodies: Vec<String> = replay.calls().into_iter().map(|call| call.body).collect();
    assert_eq!(bodies, ["", "&cursor=dXNlcjpVMA%3D%3D", "&cursor=b"].map(|cursor| format!("limit=200&team_id=T012AB3CD{cursor}")));

    let last = json!({ "members": [member("U1", "Ana"), gone], "response_metadata": null });
    replay.post("/api/users.list").reply(ok(last));
    let mut listing = slack(&replay).list_users().with_deactivated().listing();
    assert_eq!(listing.next_item().await.unwrap().unwrap().id(), "U1");
    assert!(listing.next_item().await.unwrap().unwrap().is_deactivated());
    assert!(listing.next_item().await.unwrap().is_none());
    replay.check().unwrap();
}

#[tokio::test]
async fn cyclic_and_malformed_lists_are_errors() {
    let replay = Replay::new();
    replay.post("/api/users.list").times(2).reply(page(&[member("U1", "Ana")], "a"));
    let error = slack(&replay).list_users().await.unwrap_err();
    assert_eq!(code(&error), "Slack:BAD_PAGING");
    replay.post("/api/users.list").reply(ok(json!({})));
    let error = slack(&replay).list_users().await.unwrap_err();
    assert_eq!(code(&error), "Slack:INVALID_RESPONSE");
    replay.check().unwrap();
}

#[tokio::test]
async fn unknown_members_are_kept() {
    let replay = Replay::new();
    replay.post("/api/users.info").form("user", "U1").reply(ok(json!({ "user": member("U1", "Ana") })));
    let info = slack(&replay).get_user_info(&known("ana@example.com", "U1")).await.unwrap();
    assert_eq!(info.raw(), &member("U1", "Ana"));
    assert_eq!(serde_json::to_value(&info).unwrap(), member("U1", "Ana"));
    assert_eq!((info.label(), info.email(), info.team_id()), ("Ana", Some("ana@example.com"), Some(WORKSPACE)));
    let option = FieldOption::try_from(&info).unwrap();
    assert_eq!((option.value().to_string().as_str(), option.label()), ("U1", "Ana"));

    replay.post("/api/users.info").reply(refused("user_not_found"));
    let error = slack(&replay).get_user_info("U9").await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Slack:USER_NOT_FOUND", ErrorKind::NotFound));
    assert_eq!(error.message(), "POST users.info: there is no Slack user `U9`");
    replay.check().unwrap();
}

#[test]
fn reads_users_with_few_members() {
    let info: UserInfo =
        serde_json::from_str(r#"{"id":"U1","profile":{"display_name":" "},"real_name":null}"#).unwrap();
    assert_eq!((info.label(), info.email(), info.is_bot()), ("U1", None, false));
    let bot: UserInfo = serde_json::from_value(json!({ "id": "USLACKBOT", "name": "slackbot" })).unwrap();
    assert!(bot.is_bot());
    let nulls = json!({ "id": "U1", "profile": null, "deleted": null, "is_bot": null, "enterprise_user": { "teams": null } });
    let info: UserInfo = serde_json::from_value(nulls).unwrap();
    assert!(!info.is_deactivated() && !info.is_bot() && !info.is_outsider(WORKSPACE));
    assert!(serde_json::from_str::<UserInfo>(r#"{"name":"ana"}"#).is_err());
}

#[test]
fn outsiders_belong_to_another_workspace() {
    let outsider = |change: &dyn Fn(&mut Value)| {
        let info: UserInfo = serde_json::from_value(with(member("U1", "Ana"), change)).unwrap();
        info.is_outsider(WORKSPACE)
    };
    assert!(!outsider(&|_| {}));
    assert!(outsider(&|user| user["team_id"] = "T999".into()));
    assert!(!outsider(&|user| {
        user["team_id"] = "T999".into();
        user["enterprise_user"] = json!({ "enterprise_id": "E1", "teams": ["T999", WORKSPACE] });
    }));
    assert!(outsider(&|user| {
        user["team_id"] = Value::Null;
        user["is_stranger"] = true.into();
    }));
}

#[tokio::test]
async fn resolves_users_by_address_and_name() {
    let replay = Replay::new();
    let slack = slack(&replay);
    replay
        .post("/api/users.lookupByEmail")
        .form("email", "ana@example.com")
        .reply(ok(json!({ "user": member("U1", "Ana") })));
    assert_eq!(slack.resolve("ana@example.com").await.unwrap().user_id(), "U1");
    replay.post("/api/users.lookupByEmail").reply(refused("users_not_found"));
    let error = slack.resolve("zoe@example.com").await.unwrap_err();
    assert_eq!(
        (code(&error).as_str(), error.message()),
        ("Slack:USER_NOT_FOUND", "no Slack user matches `zoe@example.com`")
    );

    let jane = with(member("U2", "Jane Austen"), |user| user["profile"]["display_name"] = "jane".into());
    let bot = with(member("B1", "Jane Austen"), |user| user["is_bot"] = true.into());
    let gone = with(member("U3", "Jane Austen"), |user| user["deleted"] = true.into());
    let outside = with(member("U4", "Jane Austen"), |user| user["team_id"] = "T999".into());
    let (ben, other) = (member("U5", "Ben"), with(member("U6", "Benedict"), |user| user["name"] = "ben".into()));
    replay.post("/api/users.list").reply(page(&[jane, bot, gone, outside, ben, other], ""));
    assert_eq!(slack.resolve("@Jane Austen").await.unwrap().user_id(), "U2");
    assert_eq!(slack.resolve("JANE").await.unwrap().user_id(), "U2");
    let error = slack.resolve("@ben").await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Slack:AMBIGUOUS_USER", ErrorKind::InvalidInput));
    assert_eq!(error.message(), "2 Slack users are named `@ben`");
    assert_eq!(error.hint(), Some("use an id instead: U5, U6"));
    assert_eq!(code(&slack.resolve("@gone").await.unwrap_err()), "Slack:USER_NOT_FOUND");
    assert_eq!(code(&slack.resolve("").await.unwrap_err()), "Slack:USER_NOT_FOUND");
    assert_eq!(slack.resolve("<@U012AB3CD|ana>").await.unwrap().user_id(), "U012AB3CD");
    replay.check().unwrap();
}

#[tokio::test]
async fn the_list_of_users_is_cached_for_five_minutes() {
    let replay = Replay::new();
    let slack = slack(&replay);
    replay.post("/api/users.list").reply(page(&[member("U1", "Ana")], ""));
    let (one, two) = futures_util::future::join(slack.resolve("@ana"), slack.resolve("@ana")).await;
    assert_eq!((one.unwrap().user_id(), two.unwrap().user_id()), ("U1", "U1"));
    assert_eq!(replay.calls().len(), 1);

    let clock = replay.connection().clock().clone();
    clock.sleep(std::time::Duration::from_secs(299)).await;
    slack.resolve("@ana").await.unwrap();
    assert_eq!(replay.calls().len(), 1);

    clock.sleep(std::time::Duration::from_secs(1)).await;
    replay.post("/api/users.list").reply(refused("invalid_auth"));
    assert_eq!(code(&slack.resolve("@ana").await.unwrap_err()), "Slack:INVALID_AUTH");
    replay.post("/api/users.list").reply(page(&[member("U2", "Ana")], ""));
    assert_eq!(slack.resolve("@ana").await.unwrap().user_id(), "U2");
    replay.check().unwrap();
}

#[tokio::test]
async fn finds_members_of_a_group() {
    let replay = Replay::new();
    let slack = slack(&replay);
    let ana = known("ana@example.com", "U1");
    let group = || replay.post("/api/usergroups.users.list").form("usergroup", "S1");
    group().times(2).reply(ok(json!({ "users": ["U1", "U2"] })));
    assert!(slack.is_user_in_group(&ana, "S1").await.unwrap());
    assert!(!slack.is_user_in_group(&known("ben@example.com", "U3"), "S1").await.unwrap());

    group().reply(refused("no_such_subteam"));
    let error = slack.is_user_in_group(&ana, "S1").await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Slack:GROUP_NOT_FOUND", ErrorKind::NotFound));
    assert_eq!(error.message(), "POST usergroups.users.list: there is no Slack user group `S1`");

    // A response without the list is not an empty group.
    group().reply(ok(json!({})));
    assert_eq!(code(&slack.is_user_in_group(&ana, "S1").await.unwrap_err()), "Slack:INVALID_RESPONSE");

    replay.post("/api/users.lookupByEmail").reply(refused("users_not_found"));
    let error = slack.is_user_in_group(&user("zoe@example.com"), "S1").await.unwrap_err();
    assert_eq!(code(&error), "Identity:NOT_FOUND");
    replay.check().unwrap();
}

fn integration() -> Integration {
    let secret = Secret::new("slack".parse().unwrap(), SecretSource::Environment, "SLACK_BOT_TOKEN");
    Integration::new("slack".parse().unwrap(), "slack", WORKSPACE).with_secret("bot_token_secret", secret)
}

#[test]
fn builds_a_client_from_the_configuration() {
    let secrets = BTreeMap::from([("bot_token_secret".to_owned(), SecretString::from(TOKEN))]);
    let slack = Slack::from_config(&IntegrationConfig::new(&integration(), &secrets)).unwrap();
    assert_eq!(slack.workspace(), WORKSPACE);
    assert!(format!("{slack:?}").contains("https://slack.com/api"));
    assert!(!format!("{slack:?}").contains("S3CRET"));

    let elsewhere = integration().with_setting("base_url", "http://slack.example.com");
    let error = Slack::from_config(&IntegrationConfig::new(&elsewhere, &secrets)).unwrap_err();
    assert_eq!(error.message(), "the base URL of host `slack.example.com` must use https");
    let error = Slack::from_config(&IntegrationConfig::new(&integration(), &BTreeMap::new())).unwrap_err();
    assert_eq!(code(&error), "SymSDK:UNKNOWN_SECRET");
    for workspace in ["", "C012AB3CD", "T012ab3cd", "acme.slack.com"] {
        let error = Slack::builder(workspace).token(TOKEN).build().unwrap_err();
        assert_eq!(error.message(), format!("`{workspace}` is not a Slack workspace id"));
    }
    assert_eq!(Slack::builder(WORKSPACE).build().unwrap_err().kind(), ErrorKind::Configuration);
    let error = Slack::builder(WORKSPACE).token(format!("{TOKEN}\n")).build().unwrap_err();
    assert_eq!(code(&error), "SymSDK:CONFIGURATION");
}
