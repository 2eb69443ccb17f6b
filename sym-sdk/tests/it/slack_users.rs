//! Slack users who were picked in a form.

use std::sync::{Arc, Mutex};

use serde_json::json;
use sym_sdk::config::{self, PromptField, Reference};
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::admins_only()
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<SlackUserSelection>>>);

#[hook]
fn on_request(event: &Event, seen: State<Seen>) -> Result<()> {
    let mut seen = seen.0.lock().unwrap();
    seen.push(event.fields().slack_user("lead")?.clone());
    seen.extend_from_slice(event.fields().slack_users("team")?);
    Ok(())
}

fn field(name: &str, field_type: &str) -> PromptField {
    PromptField { name: name.to_owned(), field_type: field_type.to_owned(), ..PromptField::default() }
}

#[tokio::test]
async fn resolves_slack_users_through_the_directory() {
    let boss = User::from_email("boss@example.com").unwrap();
    let boss = boss.with_identity(UserIdentity::new("slack", "T1", "UBOSS"));
    let elsewhere = User::from_email("eve@example.com").unwrap();
    let elsewhere = elsewhere.with_identity(UserIdentity::new("slack", "T2", "UEVE"));
    let seen = Seen::default();
    let mut harness = Harness::builder()
        .approval_flow("prod")
        .declare(|config| {
            config.integrations.push(config::Integration {
                kind: "slack".to_owned(),
                name: "slack".to_owned(),
                external_id: "T1".to_owned(),
                ..config::Integration::default()
            });
            let slack = Reference::typed("slack", "slack");
            config.environments[0].integrations.insert("slack".to_owned(), slack);
            config.flows[0].params.prompt_fields = vec![field("lead", "slack_user"), field("team", "slack_user_list")];
        })
        .handlers(handlers![get_permissions, get_request_notifications, on_request])
        .state(seen.clone())
        .user(boss)
        .user(elsewhere)
        .build()
        .await
        .unwrap();
    let claim = json!({ "user_id": "UEVE", "username": "boss@example.com" });
    harness.request("prod").field("lead", claim).field("team", json!(["UBOSS", "UX"])).await.unwrap();
    let named = SlackUserSelection::new("UBOSS", Some("boss@example.com".to_owned()));
    let (eve, nobody) = (SlackUserSelection::new("UEVE", None), SlackUserSelection::new("UX", None));
    assert_eq!(*seen.0.lock().unwrap(), [eve, named, nobody]);
}
