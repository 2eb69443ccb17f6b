//! The receipt: the message in which requesters follow their request.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_integrations::http::Connection;
use sym_integrations::slack::SlackBuilder;
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::fake::Member;
use sym_integrations::slack::signature::SigningSecret;
use sym_sdk::clock::VirtualClock;
use sym_sdk::delivery::Delivery as _;
use sym_sdk::machine::MessageRef;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;

use super::decisions::{buttons, status};
use super::{SIGNING_SECRET, World, builder, get_permissions, get_request_notifications, reason};

impl World {
    /// Returns the receipt, which is the first direct message to the requester.
    fn receipt(&self) -> Value {
        self.fake.direct_messages("U0ANA").remove(0)
    }

    /// Clicks a button of the receipt.
    async fn click_in_receipt(&mut self, action: &str, run: RunId) -> StatusCode {
        let receipt = self.fake.messages().into_iter().find(|message| message.channel() == "DU0ANA").unwrap();
        let mut payload = self.clicked("U0ANA", action, run);
        payload["container"] = json!({ "channel_id": "DU0ANA", "message_ts": receipt.ts() });
        payload["message"] = receipt.raw().clone();
        let status = self.interact(&payload).await.status;
        self.settle().await;
        status
    }

    fn texts_to_ana(&self) -> Vec<String> {
        let messages = self.fake.direct_messages("U0ANA");
        messages.iter().skip(1).map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }
}

fn shown(message: &Value) -> String {
    message["blocks"].to_string()
}

/// Ranked points 2 and 8: where the request went, who may decide, until when; with Withdraw, and a link to the card.
#[tokio::test]
async fn a_receipt_says_where_the_request_went_and_who_may_decide() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let receipt = world.receipt();
    let all = shown(&receipt);
    let card = world.fake.messages().into_iter().find(|message| message.channel() == "CACCESS").unwrap();
    let link = format!("https://workspace.slack.com/archives/CACCESS/p{}", card.ts().replace('.', ""));
    assert!(all.contains(&format!("Sent to #access. <{link}|Show the message>")), "{all}");
    assert!(all.contains(&run.to_string()), "{all}");
    assert!(status(&receipt).starts_with("Waiting for a decision. Members can decide until <!date^"), "{receipt}");
    assert_eq!(buttons(&receipt), ["remind", "withdraw"]);
    // Other front ends link to the card, too.
    let delivered = world.harness.runtime().run(run).await.unwrap().state.delivered[0].message.clone();
    assert_eq!(world.app.link(&delivered).await, Some(link));
    assert_eq!(world.app.link(&MessageRef::new("slack", "nonsense")).await, None);
    assert_eq!(world.app.link(&MessageRef::new("other", &*delivered.reference)).await, None);

    assert_eq!(world.click_in_receipt("withdraw", run).await, StatusCode::OK);
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Denied);
    let receipt = world.receipt();
    assert!(status(&receipt).starts_with("You withdrew your request, "), "{receipt}");
    assert_eq!(buttons(&receipt), ["request_again"]);
    assert_eq!(world.texts_to_ana(), Vec::<String>::new());
}

/// Ranked points 3, 4, 11: one message is updated through the whole life of the request, and nothing is said twice in one moment.
#[tokio::test]
async fn a_receipt_follows_the_request_until_its_access_has_ended() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let receipt = world.receipt();
    let granted = status(&receipt);
    assert!(granted.starts_with("Approved by <@U0BEN>, ") && granted.contains("You have access until"), "{granted}");
    assert_eq!(buttons(&receipt), ["extend", "revoke"]);
    assert_eq!(receipt["blocks"].to_string().matches("Give back").count(), 2, "a button, and its confirmation");
    let told = world.texts_to_ana();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("You have access to *admins* until "), "{told:?}");
    // Only the receipt has buttons: they would be stale in a message that nobody updates.
    assert!(world.fake.direct_messages("U0ANA")[1..].iter().all(|message| buttons(message).is_empty()));

    world.harness.advance(Duration::from_secs(3_601)).await.unwrap();
    let receipt = world.receipt();
    let ended = status(&receipt);
    assert!(ended.contains("Your access has ended, because its time is up, <!date^"), "{ended}");
    assert_eq!(buttons(&receipt), ["request_again"]);
    assert_eq!(world.texts_to_ana().len(), 3, "granted, ends soon, ended");
}

/// Ranked point 4: the end of access says who ended it.
#[tokio::test]
async fn the_end_of_access_says_who_ended_it() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    world.click("U0BEN", "revoke", run).await;
    world.settle().await;
    let receipt = world.receipt();
    assert!(status(&receipt).contains("Your access was ended by <@U0BEN>, "), "{receipt}");
    let messages = world.fake.direct_messages("U0ANA");
    let last = shown(messages.last().unwrap());
    assert!(last.contains("was ended by") && last.contains("U0BEN"), "{last}");

    // Who gives access back knows.
    let run = world.request().await;
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let told = world.fake.direct_messages("U0ANA").len();
    let mut payload = world.clicked("U0ANA", "revoke", run);
    payload["container"] = world.fake.direct_message().0;
    world.interact(&payload).await;
    world.settle().await;
    assert!(world.harness.granted().is_empty());
    let messages = world.fake.direct_messages("U0ANA");
    assert_eq!(messages.len(), told);
    assert!(shown(&messages[told - 2]).contains("You gave your access back, "), "{messages:#?}");
}

/// S22, ranked point 1: a grant that failed is told in plain words, to whoever asked and to whoever approved.
#[tokio::test]
async fn a_failed_grant_is_told_to_the_requester_and_to_the_approver() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    world.harness.strategy("test").unwrap().fail_grants(9);
    world.click("U0BEN", "approve", run).await;
    world.harness.advance(Duration::from_secs(60)).await.unwrap();
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Errored);
    let receipt = world.receipt();
    let failed = status(&receipt);
    assert!(failed.starts_with("Approved by <@U0BEN>, ") && failed.contains("You were not given access"), "{failed}");
    assert!(failed.contains("The operators have been notified. Request again"), "{failed}");
    assert_eq!(buttons(&receipt), ["request_again"]);
    let told = world.texts_to_ana();
    assert!(told.len() == 1 && told[0].contains("you were not given access to admins"), "{told:?}");
    let approver = world.fake.direct_messages("U0BEN");
    assert!(approver[0]["text"].as_str().unwrap().contains("did not give access to admins"), "{approver:?}");
}

/// A denial is told with its reason, which the receipt keeps.
#[tokio::test]
async fn a_denial_is_in_the_receipt_and_told_once() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let deny = sym_sdk::runtime::Submission::deny(run, "ben@example.com").message("not today");
    world.harness.runtime().submit(deny).await.unwrap();
    world.settle().await;
    let receipt = world.receipt();
    // Who has decided outside of Slack is mentioned all the same.
    assert!(status(&receipt).starts_with("Denied by <@U0BEN>, "), "{receipt}");
    assert!(shown(&receipt).contains("not today"));
    assert_eq!(world.texts_to_ana().len(), 1);
}

/// Ranked point 15: the second request for the same is told of the first, in its receipt and on its card.
#[tokio::test]
async fn a_second_request_is_told_of_the_first_in_its_receipt() {
    let mut world = World::with_reason().await;
    world.request().await;
    world.request().await;
    let messages = world.fake.direct_messages("U0ANA");
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert!(shown(&messages[1]).contains("You already have an open request for this"), "{}", messages[1]);
    assert!(shown(&world.fake.message().1).contains("already has an open request for this"));
}

/// Ranked point 7: "Request again" opens the form of the same flow.
#[tokio::test]
async fn request_again_opens_the_form_of_the_flow() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    world.click_in_receipt("withdraw", run).await;
    let updates = world.fake.calls("views.update").len();
    assert_eq!(world.click_in_receipt("request_again", run).await, StatusCode::OK);
    let view = world.shown(updates + 1).await;
    assert_eq!(view["title"]["text"], "Production");
}

/// That somebody has no account, and that a message has no address, is remembered for five minutes by the client's clock.
#[tokio::test]
async fn look_ups_that_have_failed_are_not_repeated_with_each_message() {
    let clock = Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
    let connection = Connection::default().with_clock(clock.clone());
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let app = |slack: SlackBuilder| {
        let signing_secret = SigningSecret::new(SIGNING_SECRET.into()).unwrap();
        SlackApp::new(slack.connection(connection).build().unwrap(), signing_secret)
    };
    let mut world = World::with_app(builder(vec![reason()]).handlers(handlers), app).await;
    world.harness.runtime().directory().contact("dan@example.com").await.unwrap();
    world.fake.refuse("chat.getPermalink", "message_not_found");
    let run = world.request().await;
    for _ in 0..2 {
        assert_eq!(buttons(&world.list("U0BEN").await), ["new_request"]);
    }
    assert_eq!(world.fake.calls("chat.getPermalink").len(), 1);
    clock.advance(Duration::from_secs(301));
    assert_eq!(buttons(&world.list("U0BEN").await), ["new_request", "open_message"]);
    assert_eq!(world.fake.calls("chat.getPermalink").len(), 2);

    // Dan decides outside of Slack.
    let approve = sym_sdk::runtime::Submission::approve(run, "dan@example.com");
    world.harness.runtime().submit(approve).await.unwrap();
    world.settle().await;
    let of_dan = |world: &World| {
        let calls = world.fake.calls("users.lookupByEmail");
        calls.iter().filter(|call| call["email"] == "dan@example.com").count()
    };
    assert!(status(&world.receipt()).starts_with("Approved by *dan@example.com*, "), "{}", world.receipt());
    assert!(world.fake.calls("chat.update").len() > 1);
    // Messages that are updated at the same time each ask for it.
    let asked = of_dan(&world);
    assert!((1..=2).contains(&asked), "{asked}");
    let again = world.request().await;
    world.harness.runtime().submit(sym_sdk::runtime::Submission::deny(again, "dan@example.com")).await.unwrap();
    world.settle().await;
    assert_eq!(of_dan(&world), asked);
    clock.advance(Duration::from_secs(301));
    world.fake.join(Member::new("U0DAN").email("dan@example.com"));
    world.click("U0BEN", "revoke", run).await;
    world.settle().await;
    assert!(of_dan(&world) > asked);
    assert!(status(&world.receipt()).starts_with("Approved by <@U0DAN>, "), "{}", world.receipt());
}

/// A receipt that cannot be sent, or was deleted by hand, holds nothing up.
#[tokio::test]
async fn a_receipt_that_cannot_be_sent_is_sent_with_the_next_step() {
    let mut world = World::with_reason().await;
    for _ in 0..2 {
        world.fake.refuse("users.lookupByEmail", "users_not_found");
    }
    let run = world.request().await;
    assert_eq!(world.fake.direct_messages("U0ANA").len(), 0);
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
    let messages = world.fake.direct_messages("U0ANA");
    assert!(messages.iter().any(|message| buttons(message) == ["extend", "revoke"]), "{messages:#?}");

    world.fake.refuse("chat.update", "message_not_found");
    world.fake.refuse("chat.update", "message_not_found");
    world.click("U0BEN", "revoke", run).await;
    world.settle().await;
    assert!(world.harness.granted().is_empty());
}

/// The state of the request decides about its buttons, and what is over has none that would fail.
#[tokio::test]
async fn an_expired_request_can_be_made_again() {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let harness = builder(vec![reason()]).handlers(handlers);
    let mut world = World::new(harness.declare(|config| config.flows[0].params.request_lifetime = Some("2h".into()))).await;
    world.request().await;
    world.harness.advance(Duration::from_secs(7_201)).await.unwrap();
    let receipt = world.receipt();
    assert_eq!(status(&receipt), "Nobody decided in time. Your request has expired.");
    assert_eq!(buttons(&receipt), ["request_again"]);
}

/// Ranked point 7: more time is asked for in the receipt, with a reason, and decided in a message of its own.
#[tokio::test]
async fn an_extension_is_asked_for_in_the_receipt() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let until = world.harness.run(run).await.unwrap().access_until().unwrap();
    world.harness.advance(Duration::from_secs(1_800)).await.unwrap();
    assert_eq!(world.click_in_receipt("extend", run).await, StatusCode::OK);
    let view = world.fake.view();
    assert_eq!(view["title"]["text"], "Extend access");
    let values = json!({ "duration": super::option("600"), "reason": super::text("the migration takes longer") });
    let answer = world.submit("U0ANA", &view, values.clone()).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, Value::Null));
    world.settle().await;
    let receipt = world.receipt();
    assert!(status(&receipt).ends_with("Your request for more time waits for a decision."), "{receipt}");
    assert_eq!(buttons(&receipt), ["revoke"]);
    let (_, card) = world.fake.message();
    assert!(shown(&card).contains("the migration takes longer"), "{card}");
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let extended = world.harness.run(run).await.unwrap().access_until().unwrap();
    assert_eq!(extended, until + Duration::from_secs(600));
    assert_eq!(buttons(&world.receipt()), ["extend", "revoke"]);

    // Nobody else asks for it.
    let answer = world.submit("U0BEN", &view, values).await.body;
    assert_eq!(answer["errors"]["duration"], "Only the requester can ask for an extension.");
}

/// Ranked point 6: requesters remind those who can decide, now and then.
#[tokio::test]
async fn a_requester_reminds_those_who_can_decide() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    world.harness.advance(Duration::from_secs(2 * 60 * 60)).await.unwrap();
    world.click_in_receipt("remind", run).await;
    let told = world.fake.called("response_url", 1).await;
    assert_eq!(told["text"], "Those who can decide are being reminded.");
    let replies = world.fake.calls("chat.postMessage").into_iter().filter(|post| post.get("thread_ts").is_some());
    assert_eq!(replies.count(), 1);
    world.click_in_receipt("remind", run).await;
    let told = world.fake.called("response_url", 2).await;
    assert_eq!(told["text"], "Those who can decide were notified a short while ago; try again in 15m.");
}

/// The end is still one by time, although its hook has fired it again for the approver.
#[tokio::test]
async fn an_end_by_time_that_a_hook_fires_again_is_nobodys() {
    #[hook]
    fn on_deescalate() -> Option<NextEvent> {
        Some(ApprovalTemplate::deescalate())
    }
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_deescalate];
    let mut world = World::new(builder(vec![reason()]).handlers(handlers)).await;
    let run = world.request().await;
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    world.harness.advance(Duration::from_secs(3_601)).await.unwrap();
    let ended = status(&world.receipt());
    assert!(ended.contains("Your access has ended, because its time is up, <!date^"), "{ended}");
}
