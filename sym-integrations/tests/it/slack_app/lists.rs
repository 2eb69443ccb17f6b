//! The list of requests and access that concern a person: `/sym list`, and the home tab.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_sdk::prelude::*;

use super::decisions::buttons;
use super::{WORKSPACE, World, builder, get_permissions, get_request_notifications, reason};

impl World {
    /// Opens the list of a person.
    pub(super) async fn list(&mut self, account: &str) -> Value {
        let updates = self.fake.calls("views.update").len();
        let answer = self.command(account, "list").await;
        assert_eq!((answer.status, answer.body), (StatusCode::OK, Value::Null));
        self.shown(updates + 1).await
    }

    /// Clicks a button of a view, and returns the view that is shown then.
    async fn click_in_view(&mut self, account: &str, view: &Value, action: &str, value: &str) -> Value {
        let updates = self.fake.calls("views.update").len();
        let payload = self.view_click(account, view, action, value);
        assert_eq!(self.interact(&payload).await.status, StatusCode::OK);
        self.shown(updates + 1).await
    }

    pub(super) fn view_click(&mut self, account: &str, view: &Value, action: &str, value: &str) -> Value {
        self.clicks += 1;
        json!({
            "type": "block_actions",
            "team": { "id": WORKSPACE },
            "user": { "id": account, "team_id": WORKSPACE },
            "container": { "type": "view", "view_id": view["id"] },
            "trigger_id": self.fake.trigger(),
            "view": view,
            "actions": [{
                "type": "button", "action_id": action, "block_id": "b", "value": value,
                "action_ts": format!("1709208300.{:06}", self.clicks),
            }],
        })
    }
}

fn shown(view: &Value) -> String {
    view["blocks"].to_string()
}

/// Ranked point 5.
#[tokio::test]
async fn a_list_shows_what_concerns_a_person() {
    let mut world = World::with_reason().await;
    let empty = world.list("U0ANA").await;
    for nothing in ["Nothing waits for your decision.", "You have no open requests.", "You have no access that you requested."] {
        assert!(shown(&empty).contains(nothing), "{empty}");
    }
    assert_eq!(buttons(&empty), ["new_request"]);

    let open = world.request().await;
    let granted = world.request().await;
    world.click("U0BEN", "approve", granted).await;
    world.settle().await;

    let of_ana = world.list("U0ANA").await;
    let text = shown(&of_ana);
    assert!(text.contains("Your open requests (1)") && text.contains("Your access (1)"), "{text}");
    assert!(text.contains("You have access until") && !text.contains("Waiting for your decision"), "{text}");
    assert_eq!(
        buttons(&of_ana),
        ["new_request", "remind", "withdraw", "open_message", "extend", "revoke", "request_again"]
    );

    let of_ben = world.list("U0BEN").await;
    let text = shown(&of_ben);
    assert!(text.contains("Waiting for your decision (1)") && text.contains("Asked for by <@U0ANA>"), "{text}");
    assert!(text.contains("/archives/CACCESS/p") && !text.contains("Your access"), "{text}");

    let after = world.click_in_view("U0ANA", &of_ana, "withdraw", &open.to_string()).await;
    assert_eq!(world.harness.status(open).await.unwrap(), RunStatus::Denied);
    assert!(shown(&after).contains("You have no open requests."), "{after}");
    world.click_in_view("U0ANA", &after, "revoke", &granted.to_string()).await;
    world.settle().await;
    assert!(world.harness.granted().is_empty());
    assert_eq!(buttons(&world.list("U0BEN").await), ["new_request"]);
}

/// Nobody sees the requests of others that they may not decide.
#[tokio::test]
async fn a_list_shows_nothing_of_requests_that_one_may_not_decide() {
    #[reducer]
    fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }
    let harness = builder(vec![reason()]).handlers(sym_sdk::handlers![get_permissions, get_request_notifications]);
    let mut world = World::new(harness).await;
    let run = world.request().await;
    let of_ben = world.list("U0BEN").await;
    assert!(shown(&of_ben).contains("Nothing waits for your decision."), "{of_ben}");
    let of_ada = world.list("U0ADA").await;
    assert!(shown(&of_ada).contains("Waiting for your decision (1)"), "{of_ada}");

    // A forged button of the list is refused by the rules of the request.
    let payload = world.view_click("U0BEN", &of_ben, "withdraw", &run.to_string());
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    let told = world.fake.called("chat.postMessage", 3).await;
    assert_eq!(told["text"], "Ben@example.com is not permitted to decide this request.");
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
}

#[tokio::test]
async fn many_requests_have_pages() {
    let mut world = World::with_reason().await;
    for email in ["ana", "ben"] {
        for index in 0..20 {
            let request = world.harness.request("prod").by(format!("{email}@example.com")).target("admins").duration("1h");
            request.field("reason", format!("incident {index}")).await.unwrap();
            world.harness.advance(Duration::from_secs(60)).await.unwrap();
        }
    }
    let first = world.list("U0ANA").await;
    let text = shown(&first);
    assert!(text.contains("Waiting for your decision (20)") && text.contains("Page 1 of 3"), "{text}");
    assert!(first["blocks"].as_array().unwrap().len() <= 100);
    let second = world.click_in_view("U0ANA", &first, "list_next", "1").await;
    assert!(shown(&second).contains("Your open requests (20)") && shown(&second).contains("Page 2 of 3"), "{second}");
    let last = world.click_in_view("U0ANA", &second, "list_next", "9").await;
    assert!(shown(&last).contains("Page 3 of 3") && !shown(&last).contains("Next page"), "{last}");
    assert_eq!(last["private_metadata"], "2");
}

#[tokio::test]
async fn the_home_tab_shows_the_list_and_follows_what_is_done_in_it() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    assert_eq!(world.event(json!({ "type": "app_home_opened", "user": "U0ANA", "tab": "home" })).await.status, StatusCode::OK);
    let published = world.fake.called("views.publish", 1).await;
    assert_eq!((&published["user_id"], &published["view"]["type"]), (&json!("U0ANA"), &json!("home")));
    assert!(shown(&published["view"]).contains("Your open requests (1)"), "{published}");

    let mut home = published["view"].clone();
    home["id"] = json!("V0HOME");
    let payload = world.view_click("U0ANA", &home, "withdraw", &run.to_string());
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    let again = world.fake.called("views.publish", 2).await;
    assert!(shown(&again["view"]).contains("You have no open requests."), "{again}");
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Denied);
}

/// Ranked point 13.
#[tokio::test]
async fn support_is_a_text_of_the_configuration() {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let world = World::with_app(builder(vec![reason()]).handlers(handlers), |slack| {
        let secret = sym_integrations::slack::signature::SigningSecret::new(super::SIGNING_SECRET.into()).unwrap();
        sym_integrations::slack::app::SlackApp::new(slack.build().unwrap(), secret).with_support("Ask in <#C0HELP>")
    });
    let world = world.await;
    let answer = world.command("U0ANA", "support").await.body;
    assert_eq!(answer, json!({ "response_type": "ephemeral", "text": "Ask in <#C0HELP>" }));
    let without = World::with_reason().await;
    let answer = without.command("U0ANA", "support").await.body;
    assert!(answer["text"].as_str().unwrap().starts_with("No contact is configured."), "{answer}");
}
