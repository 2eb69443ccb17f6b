//! The Web API as apps call it.

use serde_json::{Value, json};
use sym_integrations::http::BaseUrl;
use sym_integrations::slack;
use sym_integrations::slack::fake::{FakeSlack, Member};
use sym_sdk::error::ErrorKind;
use sym_sdk::prelude::*;

use super::{modal, plain, workspace};

fn section(text: &str) -> Value {
    json!([{ "type": "section", "text": plain(text) }])
}

#[tokio::test]
async fn generates_tokens_and_rejects_others() {
    let (fake, _) = workspace().await;
    let other = FakeSlack::start().await.unwrap();
    let slack = fake.client().build().unwrap();
    assert_eq!(slack.api().test_auth().await.unwrap().team_id, fake.workspace());
    let base = BaseUrl::parse(&format!("http://{}/api", fake.address())).unwrap();
    let stranger = other.client().base_url(base).build().unwrap();
    assert_eq!(stranger.api().test_auth().await.unwrap_err().code().to_string(), "Slack:INVALID_AUTH");
    let debug = format!("{fake:?} {:?}", fake.person("U0ANA"));
    assert!(!debug.contains("xoxb") && debug.contains("T0SANDBOX"), "{debug}");

    // Without a socket there is no Socket Mode.
    assert_eq!(slack.api().open_socket().await.unwrap_err().code().to_string(), "Slack:FORBIDDEN_FOR_APP");
    fake.set_socket("ws://127.0.0.1:1/link");
    slack.api().open_socket().await.unwrap();
}

#[tokio::test]
async fn finds_people_by_id_and_address_and_lists_them_in_pages() {
    let (fake, _) = workspace().await;
    fake.add(Member::new("U0GONE").email("gone@example.com").deactivated()).unwrap();
    fake.add(Member::new("W0BOT").bot()).unwrap();
    fake.add_group("S0OPS", "ops", ["U0ANA", "U0BEN"]);
    let slack = fake.client().build().unwrap();
    let api = slack.api();
    assert_eq!(api.user_info("U0ANA").await.unwrap().email(), Some("ana@example.com"));
    assert_eq!(api.user_info("U0NOBODY").await.unwrap_err().code().name(), "USER_NOT_FOUND");
    assert_eq!(api.user_by_email("BEN@example.com").await.unwrap().unwrap().id(), "U0BEN");
    for nobody in ["eve@example.com", "gone@example.com"] {
        assert!(api.user_by_email(nobody).await.unwrap().is_none());
    }
    let pages = api.list_users(2).await.unwrap();
    let ids: Vec<_> = pages.iter().map(|user| user.id()).collect();
    assert_eq!(ids, ["U0ADA", "U0ANA", "U0BEN", "U0GONE", "W0BOT"]);
    assert_eq!(fake.calls("users.list").len(), 3);
    assert_eq!(api.group_users("S0OPS").await.unwrap(), ["U0ANA", "U0BEN"]);
    assert_eq!(api.group_users("S0NONE").await.unwrap_err().kind(), ErrorKind::NotFound);

    for id in ["ana", "u0ana", "", "U", "C0ANA"] {
        let error = fake.add(Member::new(id)).unwrap_err();
        assert!(error.message().contains("is not a Slack user id"), "{error}");
    }
}

#[tokio::test]
async fn creates_a_channel_when_it_is_named() {
    let (fake, _) = workspace().await;
    let slack = fake.client().build().unwrap();
    let message = slack.send_message(slack::channel("#access-requests").unwrap(), "hello").await.unwrap();
    assert_eq!(message.channel(), "CACCESS0REQUESTS");
    // The other name is another channel, however alike the ids are.
    let other = slack.send_message(slack::channel("#access_requests").unwrap(), "hello").await.unwrap();
    assert_ne!(other.channel(), message.channel());
    let channels = slack.api().list_channels().await.unwrap();
    let names: Vec<_> = channels.iter().map(|channel| channel.name().unwrap()).collect();
    assert_eq!(names, ["access-requests", "access_requests", "general"]);
    assert_eq!(slack.api().channel_members(message.channel()).await.unwrap(), ["U0ADA", "U0ANA", "U0BEN"]);

    for malformed in ["", "no such", "D0NONE", "U0NOBODY"] {
        let error = slack.api().post_message(malformed).text("x").await.unwrap_err();
        let expected = if malformed.is_empty() { "INVALID_ARGUMENTS" } else { "CHANNEL_NOT_FOUND" };
        assert_eq!(error.code().name(), expected, "{malformed}");
    }
    assert_eq!(slack.api().channel_members("CNONE").await.unwrap_err().code().name(), "CHANNEL_NOT_FOUND");

    // Messages to people are seen by them alone.
    let group = slack.api().open_conversation(["U0ANA", "U0BEN"]).await.unwrap();
    assert_eq!(slack.api().open_conversation(["U0BEN", "U0ANA"]).await.unwrap(), group);
    slack.api().post_message(group).text("for two").await.unwrap();
    slack.api().post_message("U0ADA").text("for one").await.unwrap();
    let texts = |id: &str| fake.person(id).messages().iter().map(|m| m.text().to_owned()).collect::<Vec<_>>();
    assert_eq!(texts("U0ANA"), ["hello", "hello", "for two"]);
    assert_eq!(texts("U0ADA"), ["hello", "hello", "for one"]);
    assert_eq!(slack.api().open_conversation(["U0NOBODY"]).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn updates_messages_in_place() {
    let (fake, _) = workspace().await;
    let slack = fake.client().build().unwrap();
    let message = slack.api().post_message("#access").text("before").blocks(section("before")).await.unwrap();
    slack.api().update_message(&message).text("after").await.unwrap();
    let kept = &fake.messages()[0];
    assert_eq!((kept.text(), kept.all_text().as_str(), kept.ts()), ("after", "after", message.ts()));
    assert!(kept.raw().get("blocks").is_none() && kept.raw()["edited"].is_object());
    let elsewhere = slack::MessageRef::new(message.channel(), "1.000001");
    let error = slack.api().update_message(&elsewhere).text("x").await.unwrap_err();
    assert_eq!(error.code().name(), "MESSAGE_NOT_FOUND");
    // By the name of a channel there is nothing to update.
    let by_name = slack::MessageRef::new("#access", message.ts());
    assert_eq!(slack.api().update_message(&by_name).text("x").await.unwrap_err().code().name(), "CHANNEL_NOT_FOUND");
    assert_eq!(slack.api().post_message("#access").await.unwrap_err().code().name(), "NO_TEXT");

    slack.api().post_ephemeral(message.channel(), "U0ANA").text("only you").await.unwrap();
    assert_eq!(fake.person("U0ANA").message("only you").await.unwrap().only_for(), Some("U0ANA"));
    assert_eq!(fake.person("U0BEN").messages().len(), 1);
    let error = slack.api().post_ephemeral(message.channel(), "U0EVE").text("x").await.unwrap_err();
    assert_eq!(error.code().name(), "USER_NOT_IN_CHANNEL");
}

#[tokio::test]
async fn a_trigger_opens_one_view_within_three_seconds() {
    let (fake, clock) = workspace().await;
    let slack = fake.client().build().unwrap();
    let view = modal(&section("hello"));
    let trigger = fake.trigger("U0ANA");
    let opened = slack.api().open_view(&trigger, &view).await.unwrap();
    assert_eq!(fake.person("U0ANA").view().unwrap().id(), opened.id);
    assert!(fake.person("U0BEN").view().is_none());
    let code = async |trigger: &str| slack.api().open_view(trigger, &view).await.unwrap_err().code().name().to_owned();
    assert_eq!(code(&trigger).await, "EXCHANGED_TRIGGER_ID");
    assert_eq!(code("1.2.3").await, "INVALID_TRIGGER_ID");
    let late = fake.trigger("U0ANA");
    clock.advance(Duration::from_millis(2_999));
    let in_time = fake.trigger("U0BEN");
    clock.advance(Duration::from_millis(1));
    assert_eq!(code(&late).await, "EXPIRED_TRIGGER_ID");
    slack.api().open_view(&in_time, &view).await.unwrap();
}

#[tokio::test]
async fn rejects_updates_of_a_view_with_an_old_hash() {
    let (fake, _) = workspace().await;
    let slack = fake.client().build().unwrap();
    let api = slack.api();
    let opened = api.open_view(&fake.trigger("U0ANA"), modal(&section("1"))).await.unwrap();
    let first = opened.hash.clone().unwrap();
    let updated = api.update_view(&opened.id, modal(&section("2"))).hash(&first).await.unwrap();
    assert_ne!(updated.hash.as_deref(), Some(first.as_str()));
    let stale = api.update_view(&opened.id, modal(&section("3"))).hash(&first).await.unwrap_err();
    assert_eq!(stale.code().name(), "HASH_CONFLICT");
    assert_eq!(fake.person("U0ANA").view().unwrap().all_text(), "2");
    assert_eq!(api.update_view("V0NONE", modal(&section("x"))).await.unwrap_err().kind(), ErrorKind::NotFound);

    // Three lie on one another, and no more.
    for depth in [2, 3] {
        let pushed = api.push_view(&fake.trigger("U0ANA"), modal(&section("on top"))).await.unwrap();
        assert_eq!(pushed.root_view_id.as_deref(), Some(opened.id.as_str()), "{depth}");
    }
    let error = api.push_view(&fake.trigger("U0ANA"), modal(&section("x"))).await.unwrap_err();
    assert_eq!(error.code().name(), "PUSH_LIMIT_REACHED");
    fake.person("U0ANA").close().await.unwrap();
    fake.person("U0ANA").close().await.unwrap();
    assert_eq!(fake.person("U0ANA").view().unwrap().all_text(), "2");
    fake.person("U0ANA").close().await.unwrap();
    assert_eq!(api.update_view(&opened.id, modal(&section("x"))).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn planned_failures_occur_in_order() {
    let (fake, _) = workspace().await;
    let slack = fake.client().build().unwrap();
    fake.refuse("auth.test", "token_revoked");
    fake.refuse("auth.test", "account_inactive");
    for code in ["TOKEN_REVOKED", "ACCOUNT_INACTIVE"] {
        assert_eq!(slack.api().test_auth().await.unwrap_err().code().name(), code);
    }
    slack.api().test_auth().await.unwrap();
    fake.set_down(true);
    let error = slack.api().open_view(&fake.trigger("U0ANA"), modal(&section("x"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    fake.set_down(false);

    fake.hang(true);
    let waiting = tokio::spawn({
        let slack = slack.clone();
        async move { slack.api().test_auth().await.map(drop) }
    });
    fake.called("auth.test", 4).await.unwrap();
    assert!(!waiting.is_finished());
    fake.hang(false);
    waiting.await.unwrap().unwrap();
    assert!(fake.faults().is_empty());
}
