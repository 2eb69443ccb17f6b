//! Installations of the app: for one workspace, for a whole organization, and no longer.

use std::sync::Arc;

use serde_json::{Value, json};
use sym_integrations::slack::fake::{FakeSlack, FakeSlackBuilder, Member};
use sym_sdk::clock::VirtualClock;

use super::http::post;
use super::people::{World, world, world_of};

const TOKEN: &str = "xoxb-of-the-installation";

async fn installed(build: impl FnOnce(FakeSlackBuilder) -> FakeSlackBuilder) -> World {
    let clock = Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
    let fake = build(FakeSlack::builder().clock(clock.clone()).bot_token(TOKEN)).start().await.unwrap();
    fake.add(Member::new("U0ANA").name("Ana").email("ana@example.com")).unwrap();
    world_of(fake, clock).await
}

#[tokio::test]
async fn payloads_name_the_workspace_and_its_organization() {
    let one = installed(|builder| builder.enterprise("E0ACME")).await;
    let all = installed(|builder| builder.installed_for_organization("E0ACME")).await;
    for (world, is_org, team) in
        [(one, false, json!({ "id": "T0SANDBOX", "domain": "sandbox" })), (all, true, Value::Null)]
    {
        let ana = world.fake.person("U0ANA");
        ana.command("/sym").await.unwrap();
        let (_, command) = world.app.heard();
        assert_eq!((&command["team_id"], &command["enterprise_id"]), (&json!("T0SANDBOX"), &json!("E0ACME")));
        assert_eq!(command["is_enterprise_install"], json!(is_org.to_string()));
        ana.shortcut("request").await.unwrap();
        let (_, shortcut) = world.app.heard();
        assert_eq!((&shortcut["team"], &shortcut["enterprise"]["id"]), (&team, &json!("E0ACME")));
        assert_eq!(
            (&shortcut["user"]["team_id"], &shortcut["is_enterprise_install"]),
            (&json!("T0SANDBOX"), &json!(is_org))
        );
        ana.open_home().await.unwrap();
        let (_, event) = world.app.heard();
        let authorization = &event["authorizations"][0];
        assert_eq!((&event["enterprise_id"], &authorization["enterprise_id"]), (&json!("E0ACME"), &json!("E0ACME")));
        assert_eq!(
            (authorization["team_id"].is_null(), &authorization["is_enterprise_install"]),
            (is_org, &json!(is_org))
        );
        // The client says which workspace it means. Of a whole organization, Slack refuses a list that does not.
        let users = world.slack.api().list_users(10).await.unwrap();
        assert!(users.iter().any(|user| user.id() == "U0ANA"), "{users:?}");
        let listed = post(&world.fake, "/api/users.list", &[("token", TOKEN), ("limit", "10")]).await.json();
        assert_eq!(listed["error"].as_str(), is_org.then_some("missing_argument"));
    }
}

#[tokio::test]
async fn an_app_that_is_removed_can_call_nothing() {
    let world = world().await;
    let api = world.slack.api();
    world.fake.revoke_tokens().await.unwrap();
    let (_, heard) = world.app.heard();
    assert_eq!(
        (&heard["event"]["type"], &heard["event"]["tokens"]["bot"]),
        (&json!("tokens_revoked"), &json!(["U0SANDBOX"]))
    );
    assert_eq!(api.test_auth().await.unwrap_err().code().name(), "TOKEN_REVOKED");
    world.fake.uninstall().await.unwrap();
    let (_, heard) = world.app.heard();
    assert_eq!(heard["event"]["type"], "app_uninstalled");
    assert_eq!(world.app.count(), 3);
    assert_eq!(api.test_auth().await.unwrap_err().code().name(), "ACCOUNT_INACTIVE");
}
