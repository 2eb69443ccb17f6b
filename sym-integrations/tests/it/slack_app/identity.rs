//! Identification of Slack accounts: first contact, people of other workspaces, users who were deleted or locked.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::fake::Member;
use sym_integrations::slack::signature::SigningSecret;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;

use super::{SIGNING_SECRET, World, builder, get_request_notifications, reason};

/// The approver is a person of another organization, whom a handler names.
#[reducer]
async fn get_permissions(directory: &Directory) -> Result<RequestPermission> {
    let partner = directory.get_or_create_user_by_email("partner@elsewhere.example").await?;
    Ok(RequestPermission::decided_by(user_ids([partner]).or(PermissionLevel::Admin)).seen_by(PermissionLevel::Admin))
}

/// A world that trusts these teams, whose flow admits guests.
async fn world(trusted_teams: &str) -> World {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let harness = builder(vec![reason()]).handlers(handlers);
    let harness = harness.declare(|config| config.flows[0].params.allow_guest_interaction = true);
    let teams = trusted_teams.parse().unwrap();
    World::with_app(harness, |slack| {
        let slack = slack.build().unwrap().with_trusted_teams(teams);
        SlackApp::new(slack, SigningSecret::new(SIGNING_SECRET.into()).unwrap())
    })
    .await
}

impl World {
    /// Returns what the user was told after the latest click.
    async fn told(&mut self, account: &str, run: RunId) -> String {
        let before = self.fake.calls("response_url").len();
        assert_eq!(self.click(account, "approve", run).await.status, StatusCode::OK);
        let told = self.fake.called("response_url", before + 1).await;
        told["text"].as_str().unwrap().to_owned()
    }

    async fn is_open(&mut self, run: RunId) -> bool {
        self.settle().await;
        self.harness.status(run).await.unwrap() == RunStatus::Requested
    }
}

/// Finding 5: Eve's foreign workspace gives her the address of a partner. Her clicks neither count as the partner's nor lock the partner
/// out.
#[tokio::test]
async fn an_outsider_does_not_become_whoever_they_say_they_are() {
    let mut world = world("").await;
    world.fake.join(Member::new("U0EVE").email("partner@elsewhere.example").of_team("T0EVIL"));
    let run = world.request().await;
    for _ in 0..3 {
        let told = world.told("U0EVE", run).await;
        assert!(told.to_lowercase().starts_with("slack:t0evil:u0eve "), "{told}");
        assert!(world.is_open(run).await);
    }
    let directory = world.harness.runtime().directory();
    let partner = directory.user_by_email("partner@elsewhere.example").await.unwrap().unwrap();
    assert!(partner.identities().is_empty(), "{partner:?}");
    let eve = directory.user_by_identity("slack", "T0EVIL", "U0EVE").await.unwrap().unwrap();
    assert_eq!((eve.email(), eve.role()), (None, UserRole::Guest));

    world.fake.join(Member::new("U0PARTNER").email("partner@elsewhere.example"));
    world.click("U0PARTNER", "approve", run).await;
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

/// The configuration can vouch for the addresses of a workspace, in the domains that it names.
#[tokio::test]
async fn addresses_of_a_trusted_team_identify_people() {
    let mut world = world("T0SISTER=elsewhere.example").await;
    world.fake.join(Member::new("U0OTHER").email("ada@example.com").of_team("T0SISTER"));
    world.fake.join(Member::new("U0SISTER").email("partner@elsewhere.example").of_team("T0SISTER"));
    let run = world.request().await;
    world.click("U0OTHER", "approve", run).await;
    world.click("U0OTHER", "approve", run).await;
    assert!(world.is_open(run).await, "another domain is not vouched for");
    world.click("U0SISTER", "approve", run).await;
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

/// The signature shows that Slack has sent a payload, but not for which workspace.
#[tokio::test]
async fn interactions_of_other_workspaces_are_refused() {
    let cases = [
        ("", json!({ "id": "T0OTHER" }), Value::Null, false),
        ("T0PARTNER", json!({ "id": "T0OTHER" }), Value::Null, false),
        ("T0OTHER", json!({ "id": "T0OTHER" }), Value::Null, true),
        ("", Value::Null, json!({ "id": "E0ORG" }), false),
        ("E0ORG", Value::Null, json!({ "id": "E0ORG" }), true),
        ("E0ORG", json!({ "id": "T0OTHER" }), json!({ "id": "E0ORG" }), true),
        ("E0ORG", json!({ "id": "T0OTHER" }), json!({ "id": "E0EVIL" }), false),
    ];
    for (trusted, team, enterprise, is_admitted) in cases {
        let mut world = world(trusted).await;
        let run = world.request().await;
        let mut payload = world.clicked("U0ADA", "approve", run);
        (payload["team"], payload["enterprise"]) = (team, enterprise);
        let status = world.interact(&payload).await.status;
        let expected = if is_admitted { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(status, expected, "{trusted} {payload}");
        world.settle().await;
        assert_eq!(world.harness.granted().len(), usize::from(is_admitted), "{trusted} {payload}");
    }
}

#[tokio::test]
async fn nobody_decides_with_their_first_click() {
    let mut world = World::with_reason().await;
    world.fake.join(Member::new("U0DAN").email("dan@example.com"));
    world.fake.join(Member::new("U0ANA2").email("ana+2@example.com"));
    let run = world.request().await;
    for expected in ["Ana+2@example.com was unknown until now", "Requesters cannot approve"] {
        let told = world.told("U0ANA2", run).await;
        assert!(told.starts_with(expected), "{told}");
        assert!(world.is_open(run).await);
    }
    let told = world.told("U0DAN", run).await;
    assert_eq!(
        told,
        "Dan@example.com was unknown until now, and nobody decides with their first contact. You are known from now on: look at the \
         request again, and repeat your decision."
    );
    assert!(world.is_open(run).await);
    world.click("U0DAN", "approve", run).await;
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

/// Finding 9: the next click of somebody who was deleted added them again. A new address does not help either.
#[tokio::test]
async fn deleted_and_locked_users_can_do_nothing() {
    let mut world = World::with_reason().await;
    world.fake.join(Member::new("U0DAN").email("dan@example.com"));
    let run = world.request().await;
    world.told("U0DAN", run).await;
    let runtime = world.harness.runtime().clone();
    runtime.lock_user("dan@example.com", "ada@example.com", "lost phone").await.unwrap();
    let told = world.told("U0DAN", run).await;
    assert!(told.starts_with("Dan@example.com is locked."), "{told}");
    runtime.delete_user("dan@example.com", "ada@example.com", "left").await.unwrap();
    let told = world.told("U0DAN", run).await;
    assert!(told.starts_with("The user of this slack account was deleted."), "{told}");
    assert!(world.is_open(run).await);
    assert_eq!(runtime.directory().user_by_email("dan@example.com").await.unwrap(), None);
    world.command("U0DAN", "req prod").await;
    let shown = world.shown(1).await;
    assert!(shown.to_string().contains("was deleted"), "{shown}");
}
