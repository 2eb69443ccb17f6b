//! Decisions on requests: Approve, Deny and Revoke in messages.

use axum::http::StatusCode;
use expect_test::expect_file;
use serde_json::{Value, json};
use sym_integrations::http::{Connection, Limits};
use sym_integrations::slack;
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::fake::Member;
use sym_integrations::slack::signature::SigningSecret;
use sym_sdk::audit::AuditKind;
use sym_sdk::model::{RunId, UserRole};
use sym_sdk::prelude::*;

use super::cards::{interpreted, quotations};
use super::{SIGNING_SECRET, World, builder, content, get_permissions, get_request_notifications, golden, reason};

/// Returns the action ids of the buttons.
pub(super) fn buttons(message: &Value) -> Vec<String> {
    let blocks = message["blocks"].as_array().unwrap().iter();
    let actions = blocks.filter(|block| block["type"] == "actions");
    let elements = actions.flat_map(|block| block["elements"].as_array().unwrap());
    elements.map(|element| element["action_id"].as_str().unwrap().to_owned()).collect()
}

/// Returns a click with a text that was entered in the message.
fn with_message(mut click: Value, text: &str) -> Value {
    let input = json!({ "type": "plain_text_input", "value": text });
    click["state"] = json!({ "values": { "decision_message": { "text": input } } });
    click
}

/// Returns the status line of a request's message.
pub(super) fn status(message: &Value) -> String {
    let mut blocks = message["blocks"].as_array().unwrap().iter();
    let context = blocks.rfind(|block| block["type"] == "context").unwrap();
    context["elements"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_request_is_approved_granted_and_revoked() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let names = [("RUN", run.to_string())];
    let posted = world.fake.calls("chat.postMessage").remove(0);
    assert_eq!(posted["channel"], "#access");
    golden(expect_file!["golden/requested.json"], &content(&posted), &names);

    let answer = world.click("U0BEN", "approve", run).await;
    assert_eq!(answer.status, StatusCode::OK);
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
    let updated = world.fake.card_updates().pop().unwrap();
    golden(expect_file!["golden/granted.json"], &content(&updated), &names);

    // The requester has a receipt, is notified of the grant, and can give the access back in the receipt.
    // As they were sent: a message has random ids of blocks.
    let mut told = world.fake.calls("chat.postMessage");
    told.retain(|post| post["channel"] == "U0ANA");
    assert_eq!(told.len(), 2);
    let mut receipts = world.fake.calls("chat.update");
    receipts.retain(|update| update["channel"] == "DU0ANA");
    golden(expect_file!["golden/receipt.json"], &content(&receipts.pop().unwrap()), &names);
    golden(expect_file!["golden/told.json"], &content(&told[1]), &names);

    let mut payload = world.clicked("U0ANA", "revoke", run);
    (payload["container"], payload["message"]) = world.fake.direct_message();
    let answer = world.interact(&payload).await;
    assert_eq!(answer.status, StatusCode::OK);
    world.settle().await;
    assert!(world.harness.granted().is_empty());
    let updated = world.fake.card_updates().pop().unwrap();
    golden(expect_file!["golden/revoked.json"], &content(&updated), &names);
    assert!(world.fake.calls("response_url").is_empty());
}

#[tokio::test]
async fn a_denial_and_a_withdrawal_show_who_and_why() {
    let handlers = sym_sdk::handlers![get_permissions, super::get_request_notifications];
    let harness = builder(vec![reason()]).handlers(handlers);
    let harness = harness.declare(|config| config.flows[0].params.include_decision_message = true);
    let mut world = World::new(harness).await;
    let run = world.request().await;
    let payload = with_message(world.clicked("U0BEN", "deny", run), "not <!channel> today");
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    world.settle().await;
    let updated = world.fake.card_updates().pop().unwrap();
    assert!(status(&updated).starts_with("Denied by <@U0BEN>, "), "{}", status(&updated));
    assert_eq!(quotations(&updated).pop().unwrap(), "not <!channel> today");
    assert!(!interpreted(&updated).contains("<!channel>"));
    assert!(buttons(&updated).is_empty());

    let run = world.request().await;
    world.click("U0ANA", "deny", run).await;
    world.settle().await;
    let updated = world.fake.card_updates().pop().unwrap();
    assert!(status(&updated).starts_with("Withdrawn by "), "{}", status(&updated));
}

#[tokio::test]
async fn one_of_two_concurrent_clicks_decides() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let (one, other) = (world.clicked("U0BEN", "approve", run), world.clicked("U0CYD", "deny", run));
    let other = with_message(other, "no");
    let (one, other) = tokio::join!(world.interact(&one), world.interact(&other));
    assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
    world.settle().await;
    // Which of them is refused, and whether immediately or later, depends on the order.
    let told = world.fake.called_once(&["response_url", "chat.postEphemeral"]).await;
    assert!(told["text"].as_str().unwrap().to_lowercase().starts_with("this request was already "), "{told}");
    assert_eq!(told.get("replace_original"), None);
    let decided = world.harness.run(run).await.unwrap().decision.clone().unwrap();
    let granted = world.harness.granted().len();
    assert_eq!(granted, usize::from(decided.actor.username() == "ben@example.com"));
}

#[tokio::test]
async fn a_redelivered_click_is_one_decision() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let payload = world.clicked("U0BEN", "approve", run);
    for _ in 0..3 {
        assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
        world.settle().await;
    }
    let record = world.harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    assert!(!record.iter().any(|entry| matches!(entry.kind, AuditKind::Refused { .. })), "{record:#?}");
    assert_eq!(world.harness.run(run).await.unwrap().run.approvals().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_shown_only_to_the_user_who_clicked() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    world.fake.join(Member::new("U0OUT").email("eve@elsewhere.com").of_team("T0OTHER"));
    world.fake.join(Member::new("U0FAKE").email("ada@example.com").of_team("T0OTHER"));
    world.fake.join(Member::new("U0GONE").email("ben@example.com").deactivated());
    world.fake.join(Member::new("U0BOT").bot());
    let refusals = [
        ("U0ANA", "Requesters cannot approve their own request."),
        ("U0OUT", "slack:T0OTHER:U0OUT was unknown until now"),
        ("U0OUT", "slack:T0OTHER:U0OUT is not permitted to decide this request."),
        ("U0FAKE", "slack:T0OTHER:U0FAKE was unknown until now"),
        ("U0FAKE", "slack:T0OTHER:U0FAKE is not permitted to decide this request."),
        ("U0GONE", "Your Slack account is deactivated."),
        ("U0BOT", "Bots cannot use this app."),
        ("U0NOBODY", "Your Slack account was not found in this workspace."),
    ];
    for (index, (account, refusal)) in refusals.into_iter().enumerate() {
        assert_eq!(world.click(account, "approve", run).await.status, StatusCode::OK);
        let told = world.fake.called("response_url", index + 1).await;
        let told = told["text"].as_str().unwrap();
        assert!(told.to_lowercase().starts_with(&refusal.to_lowercase()), "{told}");
    }
    world.settle().await;
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
    assert!(world.harness.granted().is_empty());
    // Nothing has changed for anyone else.
    assert!(world.fake.calls("chat.update").is_empty());
    // Each refusal is on the record of the Run: three by the machine, five before it (safety finding 10).
    let entries = world.harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    let machine = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::Refused { .. }));
    assert_eq!(machine.count(), 3);
    let before = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::SubmissionRefused { .. }));
    let actors: Vec<_> = before.map(|entry| entry.event.actor.username().rsplit(['/', ':']).next().unwrap()).collect();
    assert_eq!(actors, ["U0OUT", "U0FAKE", "U0GONE", "U0BOT", "U0NOBODY"]);
}

#[tokio::test]
async fn guests_can_decide_if_the_flow_allows_it() {
    #[reducer]
    fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::AllUsers).seen_by(PermissionLevel::Admin)
    }
    let handlers = sym_sdk::handlers![get_permissions, super::get_request_notifications];
    let harness = builder(vec![reason()]).handlers(handlers);
    let mut world = World::new(harness.declare(|config| config.flows[0].params.allow_guest_interaction = true)).await;
    world.fake.join(Member::new("U0OUT").email("eve@elsewhere.com").of_team("T0OTHER"));
    let run = world.request().await;
    world.click("U0OUT", "approve", run).await;
    world.settle().await;
    assert!(world.harness.granted().is_empty(), "nobody decides with their first contact");
    world.click("U0OUT", "approve", run).await;
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
    let eve = world.harness.runtime().directory().user_by_identity("slack", "T0OTHER", "U0OUT").await.unwrap().unwrap();
    assert_eq!((eve.role(), eve.email()), (UserRole::Guest, None));
}

#[tokio::test]
async fn the_buttons_of_a_pruned_run_are_removed() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    world.click("U0ANA", "deny", run).await;
    world.settle().await;
    world.harness.advance(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(world.harness.runtime().prune(Duration::from_secs(60)).await.unwrap(), 1);

    let updates = world.fake.calls("chat.update").len();
    // The message was not updated when the request was decided.
    let mut payload = world.clicked("U0BEN", "approve", run);
    let blocks = payload["message"]["blocks"].as_array_mut().unwrap();
    blocks.push(
        json!({ "type": "actions", "block_id": "b", "elements": [{ "type": "button", "action_id": "approve" }] }),
    );
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    let told = world.fake.called("response_url", 1).await;
    assert!(told["text"].as_str().unwrap().contains("no longer kept"), "{told}");
    let updated = world.fake.called("chat.update", updates + 1).await;
    assert!(buttons(&updated).is_empty());
    assert!(status(&updated).contains("no longer kept"));

    let unknown: RunId = "0b35ba1c-5d1c-4b2c-9d7e-0123456789ab".parse().unwrap();
    world.click("U0BEN", "approve", unknown).await;
    let told = world.fake.called("response_url", 2).await;
    assert!(told["text"].as_str().unwrap().starts_with("There is no Run "), "{told}");
}

#[tokio::test]
async fn a_button_only_decides_the_request_of_its_message() {
    let mut world = World::with_reason().await;
    let first = world.request().await;
    let second = world.request().await;
    // The last message belongs to the second request.
    world.click("U0BEN", "approve", first).await;
    let told = world.fake.called("response_url", 1).await;
    assert_eq!(told["text"], "This message does not belong to the request.");
    for run in [first, second] {
        assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
    }
}

#[tokio::test]
async fn a_forwarded_message_can_no_longer_decide() {
    #[reducer]
    fn get_request_notifications() -> Result<Vec<Notification>> {
        let first = Notification::to(slack::channel("#first")?).timeout(Duration::from_secs(600));
        Ok(vec![first, Notification::to(slack::channel("#second")?).timeout(Duration::from_secs(600))])
    }
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let mut world = World::new(builder(vec![reason()]).handlers(handlers)).await;
    let run = world.request().await;
    let old = world.clicked("U0BEN", "approve", run);
    world.harness.advance(Duration::from_secs(601)).await.unwrap();
    let updated = world.fake.card_updates().remove(0);
    assert_eq!(updated["channel"], "CFIRST");
    assert_eq!(status(&updated), "Nobody responded here in time. The request was forwarded.");
    assert!(buttons(&updated).is_empty());
    let receipt = world.fake.direct_messages("U0ANA").remove(0)["blocks"].to_string();
    assert!(receipt.contains("Sent to #second."), "{receipt}");

    assert_eq!(world.interact(&old).await.status, StatusCode::OK);
    let told = world.fake.called("response_url", 1).await;
    assert_eq!(told["text"], "Nobody responded here in time, and the request was forwarded.");
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Forwarded);

    // The notification in force expires too.
    let late = world.clicked("U0BEN", "approve", run);
    world.harness.advance(Duration::from_secs(601)).await.unwrap();
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Expired);
    world.interact(&late).await;
    let told = world.fake.called("response_url", 2).await;
    assert_eq!(told["text"], "This request has expired; nobody acted on it in time.");
}

#[tokio::test]
async fn user_text_mentions_nobody() {
    let mut world = World::with_reason().await;
    let long = format!("{} 👩‍👩‍👧‍👦 שלום <!channel> <@U0ADA>", "x".repeat(5_000));
    for reason in [long.as_str(), "👩‍👩‍👧‍👦 مرحبا \u{202e}gnp.exe <!here>", "*bold* `code` & more"]
    {
        let request = world.harness.request("prod").by("ana@example.com").target("admins").duration("1h");
        request.field("reason", reason).await.unwrap();
        let (_, message) = world.fake.message();
        let shown = interpreted(&message);
        let mentions = shown.replace("<!date^", "");
        assert!(!mentions.contains("<!") && !mentions.contains("<@U0ADA>"), "{shown}");
        let blocks = message["blocks"].to_string();
        assert!(!blocks.contains(r#""user_id":"U0ADA""#) && !blocks.contains('\u{202e}'), "{blocks}");
    }
}

#[tokio::test]
async fn an_ignored_decision_is_reported_to_the_user_who_made_it() {
    #[hook]
    fn on_approve() -> NextEvent {
        ApprovalTemplate::ignore().message("not during the <!channel> freeze")
    }
    let handlers = sym_sdk::handlers![get_permissions, super::get_request_notifications, on_approve];
    let mut world = World::new(builder(vec![reason()]).handlers(handlers)).await;
    let run = world.request().await;
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let told = world.fake.calls("chat.postEphemeral");
    assert_eq!((&told[0]["channel"], &told[0]["user"]), (&json!("CACCESS"), &json!("U0BEN")));
    assert_eq!(told[0]["text"], "not during the &lt;!channel&gt; freeze.");

    // A user who is not in the channel gets a direct message.
    world.fake.refuse("chat.postEphemeral", "user_not_in_channel");
    world.click("U0CYD", "approve", run).await;
    world.settle().await;
    assert_eq!(world.fake.direct_message().0["channel_id"], "DU0CYD");
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
}

#[tokio::test]
async fn notifies_users_groups_and_the_error_channel() {
    #[reducer]
    fn get_request_notifications() -> Result<Vec<Notification>> {
        Ok(vec![Notification::to(slack::user("U0BEN")?), Notification::to(slack::group(["U0BEN", "U0CYD"])?)])
    }
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let harness = builder(vec![reason()]).handlers(handlers).declare(|config| {
        let errors =
            sym_sdk::config::ErrorLogger { name: "errors".into(), destination: "#errors".into(), ..Default::default() };
        config.error_loggers.push(errors);
        config.environments[0].error_logger = Some("errors".into());
    });
    let mut world = World::new(harness).await;
    world.fake.refuse("chat.postMessage", "user_disabled");
    world.request().await;
    // Ben cannot be notified, so the group is, and the error channel gets the reason.
    let calls = world.fake.calls("chat.postMessage");
    let channels: Vec<_> = calls.iter().map(|call| call["channel"].as_str().unwrap()).collect();
    assert_eq!(
        (channels[0], channels.iter().any(|channel| channel.starts_with('G')), channels.contains(&"#errors")),
        ("U0BEN", true, true),
        "{channels:?}"
    );
    let opened = world.fake.calls("conversations.open");
    assert_eq!(opened[0]["users"], "U0BEN,U0CYD");
    let alert = calls.iter().find(|call| call["channel"] == "#errors").unwrap();
    assert!(alert["text"].as_str().unwrap().contains("user_disabled"), "{alert}");
}

#[tokio::test]
async fn retries_messages_that_cannot_be_sent() {
    let mut world = World::with_reason().await;
    world.fake.refuse("chat.postMessage", "service_unavailable");
    let run = world.request().await;
    assert!(world.harness.run(run).await.unwrap().delivered.is_empty());
    world.harness.advance(Duration::from_secs(2)).await.unwrap();
    assert_eq!(world.harness.run(run).await.unwrap().delivered.len(), 1);

    // A message that was deleted is not an error.
    world.fake.refuse("chat.update", "message_not_found");
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let events = world.harness.golden(run);
    assert!(!events.to_lowercase().contains("message_not_found"), "{events}");
}

#[tokio::test]
async fn responds_in_time_while_slack_is_slow() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let payload = world.clicked("U0BEN", "approve", run);
    world.fake.hang(true);
    let (router, request) = (world.router.clone(), world.signed("/interactions", &payload));
    let click = tokio::spawn(async move { tower::ServiceExt::oneshot(router, request).await.unwrap().status() });
    world.fake.called("users.info", 1).await;
    world.harness.advance(Duration::from_millis(2_600)).await.unwrap();
    assert_eq!(click.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);

    // The work continues.
    world.fake.hang(false);
    while world.harness.status(run).await.unwrap() == RunStatus::Requested {
        tokio::task::yield_now().await;
    }
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

#[tokio::test]
async fn nothing_is_lost_while_slack_is_down() {
    // Without retries of single calls: their backoff uses the system clock.
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let mut world = World::with_app(builder(vec![reason()]).handlers(handlers), |slack| {
        let mut limits = Limits::default();
        limits.attempts = 1;
        let once = Connection::default().with_limits(limits);
        SlackApp::new(slack.connection(once).build().unwrap(), SigningSecret::new(SIGNING_SECRET.into()).unwrap())
    })
    .await;
    world.fake.set_down(true);
    let run = world.request().await;
    world.harness.advance(Duration::from_secs(10 * 60)).await.unwrap();
    assert!(world.harness.run(run).await.unwrap().delivered.is_empty());
    assert!(world.fake.calls("chat.postMessage").len() >= 3, "{:?}", world.fake.calls("chat.postMessage").len());
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);

    // The message is delivered afterwards, once.
    world.fake.set_down(false);
    world.harness.advance(Duration::from_secs(10 * 60)).await.unwrap();
    assert_eq!(world.harness.run(run).await.unwrap().delivered.len(), 1);
    assert_eq!(world.fake.messages().iter().filter(|message| message.channel().starts_with('C')).count(), 1);
    assert_eq!(world.fake.direct_messages("U0ANA").len(), 1, "the receipt");

    world.fake.set_down(true);
    // The user cannot be looked up, so Slack is told that the click was not accepted.
    let payload = world.clicked("U0BEN", "approve", run);
    assert_eq!(world.interact(&payload).await.status, StatusCode::SERVICE_UNAVAILABLE);
    world.fake.set_down(false);
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}
