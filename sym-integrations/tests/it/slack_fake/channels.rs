//! Channels: who is in them, and what an app hears when they change.

use serde_json::json;
use sym_integrations::slack::fake::{Channel, FakeSlack, Member};
use sym_sdk::prelude::*;

use super::http::get;
use super::people::world;
use super::workspace;

fn code(error: &Error) -> &str {
    error.code().name()
}

#[tokio::test]
async fn a_private_channel_without_the_app_does_not_exist_for_it() {
    let (fake, _) = workspace().await;
    fake.add_channel(Channel::new("C0SECRET").name("#secret").private().members(["U0ANA"]).without_app()).unwrap();
    let slack = fake.client().build().unwrap();
    let api = slack.api();
    for name in ["C0SECRET", "#secret"] {
        assert_eq!(code(&api.post_message(name).text("x").await.unwrap_err()), "CHANNEL_NOT_FOUND", "{name}");
    }
    assert_eq!(code(&api.channel_members("C0SECRET").await.unwrap_err()), "CHANNEL_NOT_FOUND");
    assert_eq!(code(&api.post_ephemeral("C0SECRET", "U0ANA").text("x").await.unwrap_err()), "CHANNEL_NOT_FOUND");
    assert!(fake.calls("conversations.list").is_empty() && fake.messages().is_empty());

    fake.invite_app("C0SECRET");
    api.post_message("#secret").text("for Ana").await.unwrap();
    assert_eq!(api.channel_members("C0SECRET").await.unwrap(), ["U0ANA"]);
    assert_eq!((fake.person("U0ANA").messages().len(), fake.person("U0BEN").messages().len()), (1, 0));
    let error = api.post_ephemeral("C0SECRET", "U0BEN").text("x").await.unwrap_err();
    assert_eq!(code(&error), "USER_NOT_IN_CHANNEL");
    assert!(get(&fake, "/?as=U0ANA").await.body.contains("#secret"));
    assert!(!get(&fake, "/?as=U0BEN&in=C0SECRET").await.body.contains("secret"));
    assert!(fake.add_channel(Channel::new("general")).unwrap_err().message().contains("is not a Slack channel id"));
}

#[tokio::test]
async fn a_public_channel_without_the_app_needs_a_scope_to_post_to() {
    for (scopes, expected) in
        [(vec!["chat:write"], Some("NOT_IN_CHANNEL")), (vec!["chat:write", "chat:write.public"], None)]
    {
        let fake = FakeSlack::builder().scopes(scopes).start().await.unwrap();
        fake.add(Member::new("U0ANA").email("ana@example.com")).unwrap();
        fake.add_channel(Channel::new("C0OPS").name("ops").without_app()).unwrap();
        fake.add_channel(Channel::new("C0OLD").name("old").archived()).unwrap();
        let slack = fake.client().build().unwrap();
        let api = slack.api();
        let posted = api.post_message("#ops").text("x").await;
        assert_eq!(posted.err().as_ref().map(code), expected);
        // The scope is for messages to everyone.
        assert_eq!(code(&api.post_ephemeral("C0OPS", "U0ANA").text("x").await.unwrap_err()), "NOT_IN_CHANNEL");
        assert_eq!(code(&api.post_message("#old").text("x").await.unwrap_err()), "IS_ARCHIVED");
        let error = api.user_info("U0ANA").await.unwrap_err();
        assert_eq!(code(&error), "MISSING_SCOPE", "{error}");
        assert!(error.hint().unwrap().contains("`users:read`"), "{error:?}");
    }
}

#[tokio::test]
async fn the_app_hears_of_channels_that_change() {
    let world = world().await;
    let api = world.slack.api();
    let posted = api.post_message("#access").text("before").await.unwrap();
    world.fake.rename_channel(posted.channel(), "#requests").await.unwrap();
    let (path, heard) = world.app.heard();
    assert_eq!((path.as_str(), &heard["event"]["type"]), ("/slack/events", &json!("channel_rename")));
    assert_eq!(
        (&heard["event"]["channel"]["id"], &heard["event"]["channel"]["name"]),
        (&json!("CACCESS"), &json!("requests"))
    );

    world.fake.change_channel_id("CACCESS", "C0SHARED").await.unwrap();
    let (_, heard) = world.app.heard();
    assert_eq!(heard["event"]["type"], "channel_id_changed");
    assert_eq!(
        (&heard["event"]["old_channel_id"], &heard["event"]["new_channel_id"]),
        (&json!("CACCESS"), &json!("C0SHARED"))
    );
    let error = api.update_message(&posted).text("after").await.unwrap_err();
    assert_eq!(code(&error), "CHANNEL_NOT_FOUND");
    assert_eq!(api.post_message("#requests").text("after").await.unwrap().channel(), "C0SHARED");
    assert!(world.fake.messages().iter().all(|message| message.channel() == "C0SHARED"));
    assert!(world.fake.rename_channel("CACCESS", "x").await.is_err());
}
