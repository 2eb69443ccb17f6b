//! Messages that people delete, messages that cannot be edited any more, and channels that are archived or that the app is removed from.

use axum::http::StatusCode;
use serde_json::json;
use sym_integrations::slack;
use sym_integrations::slack::fake::{Channel, Message};
use sym_sdk::config::ErrorLogger;
use sym_sdk::handler::Registry;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;

use super::decisions::{buttons, status};
use super::{World, builder, get_permissions, get_request_notifications, reason};

/// Starts a world whose errors go to `#errors`.
async fn world(handlers: Registry) -> World {
    let harness = builder(vec![reason()]).handlers(handlers).declare(|config| {
        let errors = ErrorLogger { name: "errors".into(), destination: "#errors".into(), ..Default::default() };
        config.error_loggers.push(errors);
        config.environments[0].error_logger = Some("errors".into());
    });
    World::new(harness).await
}

fn handlers() -> Registry {
    sym_sdk::handlers![get_permissions, get_request_notifications]
}

impl World {
    /// Returns the messages in a channel that everybody there sees.
    pub(super) fn in_channel(&self, channel: &str) -> Vec<Message> {
        let mut messages = self.fake.messages();
        messages.retain(|message| message.channel() == channel && message.only_for().is_none());
        messages
    }

    /// Returns the only message in a channel.
    pub(super) fn only_in_channel(&self, channel: &str) -> Message {
        let mut messages = self.in_channel(channel);
        assert_eq!(messages.len(), 1, "{messages:#?}");
        messages.remove(0)
    }

    /// Clicks a button of a message.
    pub(super) async fn click_in(&mut self, message: &Message, account: &str, action: &str, run: RunId) -> StatusCode {
        let mut payload = self.clicked(account, action, run);
        payload["container"] = json!({ "channel_id": message.channel(), "message_ts": message.ts() });
        payload["message"] = message.raw().clone();
        payload["response_url"] = json!(self.fake.response_url(account, message.channel()));
        let status = self.interact(&payload).await.status;
        self.settle().await;
        status
    }

    /// Has the requester remind those who can decide, an hour later.
    async fn remind(&mut self, run: RunId) {
        self.harness.advance(Duration::from_secs(60 * 60)).await.unwrap();
        self.harness.remind_as(run, "ana@example.com").await.unwrap();
        self.settle().await;
    }

    fn delete_card(&self, channel: &str) {
        self.fake.delete_message(&self.only_in_channel(channel));
    }

    /// Returns the number of calls that Slack gets while nobody does anything for a day.
    async fn calls_in_a_day(&mut self) -> usize {
        let count = |world: &Self| {
            let methods = ["chat.update", "chat.postMessage", "chat.postEphemeral", "chat.getPermalink"];
            methods.iter().map(|method| world.fake.calls(method).len()).sum::<usize>()
        };
        let before = count(self);
        self.harness.advance(Duration::from_secs(24 * 60 * 60)).await.unwrap();
        count(self) - before
    }
}

fn text(message: &Message) -> String {
    message.raw().to_string()
}

/// S20: a reply in the thread of a message that was deleted goes to the channel. The message of the request appears again instead.
#[tokio::test]
async fn a_deleted_card_appears_again_with_the_next_reminder() {
    let mut world = world(handlers()).await;
    let run = world.request().await;
    let deleted = world.only_in_channel("CACCESS");
    world.fake.delete_message(&deleted);
    world.remind(run).await;

    let card = world.only_in_channel("CACCESS");
    assert_ne!(card.ts(), deleted.ts());
    assert!(buttons(card.raw()).contains(&"approve".to_owned()), "{card:?}");
    let receipt = world.fake.direct_messages("U0ANA").remove(0)["blocks"].to_string();
    assert!(receipt.contains(&card.ts().replace('.', "")), "the receipt links to it: {receipt}");
    // Reminded once, by the message itself.
    world.harness.advance(Duration::from_secs(60)).await.unwrap();
    assert_eq!(world.only_in_channel("CACCESS").ts(), card.ts());

    assert_eq!(world.click_in(&deleted, "U0BEN", "approve", run).await, StatusCode::OK);
    assert!(world.harness.granted().is_empty(), "nobody sees the former one");
    world.click_in(&card, "U0BEN", "approve", run).await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
    assert!(status(world.only_in_channel("CACCESS").raw()).starts_with("Approved by <@U0BEN>"));
}

/// Slack can keep the thread of a deleted message. A reply in it would be lost.
#[tokio::test]
async fn a_reply_that_went_to_the_channel_is_followed_by_the_card() {
    let mut world = world(handlers()).await;
    let run = world.request().await;
    // It is deleted between its update and the reply.
    world.fake.omit("chat.postMessage", ["/message/thread_ts"]);
    world.remind(run).await;
    let messages = world.in_channel("CACCESS");
    assert_eq!(messages.len(), 3, "{messages:#?}");
    assert!(buttons(messages[2].raw()).contains(&"approve".to_owned()));
    world.click_in(&messages[2], "U0BEN", "approve", run).await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

#[tokio::test]
async fn a_deleted_card_appears_again_with_the_next_approval() {
    #[reducer]
    fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::Member).approvals(2)
    }
    let mut world = world(sym_sdk::handlers![get_permissions, get_request_notifications]).await;
    let run = world.request().await;
    world.delete_card("CACCESS");
    world.harness.approve_as(run, "ben@example.com").await.unwrap();
    world.settle().await;
    let card = world.only_in_channel("CACCESS");
    assert!(status(card.raw()).starts_with("Waiting for a decision: 1 of 2 approvals."), "{card:?}");
    world.click_in(&card, "U0CYD", "approve", run).await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

/// A request that was decided needs no message: the requester is told, and nothing is tried for ever.
#[tokio::test]
async fn a_deleted_card_of_a_decided_request_stays_deleted() {
    let mut world = world(handlers()).await;
    let run = world.request().await;
    world.delete_card("CACCESS");
    world.harness.deny_as(run, "ben@example.com").await.unwrap();
    world.settle().await;
    assert!(world.in_channel("CACCESS").is_empty());
    let messages = world.fake.direct_messages("U0ANA");
    assert!(status(&messages[0]).starts_with("Denied by"), "{messages:#?}");
    assert_eq!(messages.len(), 2);
    assert_eq!(world.calls_in_a_day().await, 0);
    let record = world.harness.golden(run);
    assert!(!record.to_lowercase().contains("message_not_found") && !record.contains("MESSAGE_GONE"), "{record}");
}

#[tokio::test]
async fn a_deleted_card_of_an_extension_appears_again() {
    let mut world = world(handlers()).await;
    let run = world.request().await;
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    world.harness.advance(Duration::from_secs(60)).await.unwrap();
    world.harness.extend_as(run, "ana@example.com", Duration::from_secs(600)).await.unwrap();
    world.settle().await;
    let of_extension = world.in_channel("CACCESS").remove(1);
    world.fake.delete_message(&of_extension);
    world.harness.advance(Duration::from_secs(20 * 60)).await.unwrap();
    world.harness.remind_as(run, "ana@example.com").await.unwrap();
    world.settle().await;
    let again = world.in_channel("CACCESS").remove(1);
    assert_ne!(again.ts(), of_extension.ts());
    assert!(text(&again).contains("Extend by"), "{again:?}");
    let before = world.harness.run(run).await.unwrap().access_until();
    world.click_in(&again, "U0BEN", "approve", run).await;
    assert!(world.harness.run(run).await.unwrap().access_until() > before);
}

#[tokio::test]
async fn a_deleted_receipt_is_sent_again_with_the_next_step() {
    let mut world = world(handlers()).await;
    let run = world.request().await;
    world.fake.delete_message(&world.only_in_channel("DU0ANA"));
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let messages = world.fake.direct_messages("U0ANA");
    let receipts: Vec<_> = messages.iter().filter(|message| buttons(message) == ["extend", "revoke"]).collect();
    assert_eq!(receipts.len(), 1, "{messages:#?}");
    let receipt = world.in_channel("DU0ANA").into_iter().find(|message| !buttons(message.raw()).is_empty()).unwrap();
    world.click_in(&receipt, "U0ANA", "revoke", run).await;
    assert!(world.harness.granted().is_empty());

    // Whatever became of the request: otherwise nothing would say so.
    let last = world.in_channel("DU0ANA").into_iter().find(|message| message.ts() == receipt.ts()).unwrap();
    assert!(status(last.raw()).contains("You gave your access back"), "{last:?}");
    assert_eq!(world.calls_in_a_day().await, 0);
}

/// A direct message of a moment is not updated, so nobody misses it.
#[tokio::test]
async fn a_deleted_notice_changes_nothing() {
    let mut world = world(handlers()).await;
    let run = world.request().await;
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let notice = world.in_channel("DU0ANA").remove(1);
    world.fake.delete_message(&notice);
    world.harness.advance(Duration::from_secs(3_601)).await.unwrap();
    assert!(world.harness.granted().is_empty());
    let texts: Vec<_> = world.in_channel("DU0ANA").iter().map(|message| message.text().to_owned()).collect();
    assert_eq!(texts.len(), 3, "the receipt, ends soon, ended: {texts:?}");
}

/// The list and the receipt have no link to what is not there.
#[tokio::test]
async fn a_list_has_no_link_to_a_deleted_message() {
    let mut world = world(handlers()).await;
    world.request().await;
    world.delete_card("CACCESS");
    world.restart();
    world.command("U0BEN", "list").await;
    let list = world.shown(1).await;
    assert!(list.to_string().contains("Waiting for your decision (1)"), "{list}");
    assert_eq!(buttons(&list), ["new_request"]);
}

/// The workspace limits how long messages can be edited, or the app was installed anew. The thread says what the message cannot.
#[tokio::test]
async fn a_card_that_cannot_be_edited_is_answered_in_its_thread() {
    for frozen in ["edit_window_closed", "cant_update_message"] {
        let mut world = world(handlers()).await;
        let run = world.request().await;
        let (card, receipt) = (world.only_in_channel("CACCESS"), world.only_in_channel("DU0ANA"));
        for _ in 0..20 {
            world.fake.refuse("chat.update", frozen);
        }
        let deny = sym_sdk::runtime::Submission::deny(run, "ben@example.com").message("not today");
        world.harness.runtime().submit(deny).await.unwrap();
        world.settle().await;
        for (channel, first) in [("CACCESS", card.raw()), ("DU0ANA", receipt.raw())] {
            let messages = world.in_channel(channel);
            let replies: Vec<_> = messages.iter().filter(|message| message.raw().get("thread_ts").is_some()).collect();
            assert_eq!(replies.len(), 1, "{messages:#?}");
            assert_eq!((messages[0].raw(), &replies[0].raw()["thread_ts"]), (first, &first["ts"]));
            let reply = replies[0].text();
            assert!(reply.starts_with("This message cannot be changed any more. Denied by "), "{reply}");
        }

        // What works no more says so.
        world.click_in(&card, "U0CYD", "approve", run).await;
        let told = world.fake.called("response_url", 1).await;
        assert!(told["text"].as_str().unwrap().starts_with("This request was already denied"), "{told}");
        assert_eq!(world.calls_in_a_day().await, 0);
    }
}

/// While it can be decided in, it is as good as before.
#[tokio::test]
async fn an_open_card_that_cannot_be_edited_is_left_as_it_is() {
    let mut world = world(handlers()).await;
    let run = world.request().await;
    world.fake.refuse("chat.update", "edit_window_closed");
    world.remind(run).await;
    let messages = world.in_channel("CACCESS");
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert_eq!(messages[1].text(), "This request is still waiting for a decision.");
    world.click_in(&messages[0], "U0BEN", "approve", run).await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

/// Nobody can click in an archived channel. Operators and the requester hear of it, and the request waits: the channel can come back.
#[tokio::test]
async fn an_archived_channel_is_reported_and_the_request_stays_open() {
    let mut world = world(handlers()).await;
    let run = world.request().await;
    let card = world.only_in_channel("CACCESS");
    world.fake.archive_channel("CACCESS");
    world.remind(run).await;
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
    let alert = world.only_in_channel("CERRORS");
    assert!(alert.text().contains("is_archived"), "{alert:?}");
    let told = world.in_channel("DU0ANA");
    assert!(told.last().unwrap().text().contains("could not be delivered to anybody who can decide it"), "{told:#?}");
    assert_eq!(world.calls_in_a_day().await, 0);

    world.fake.unarchive_channel("CACCESS");
    world.click_in(&card, "U0BEN", "approve", run).await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
    assert!(status(world.only_in_channel("CACCESS").raw()).starts_with("Approved by <@U0BEN>"));
}

/// S11, in the life of a request: the app was removed from a private channel.
#[tokio::test]
async fn a_private_channel_that_lost_the_app_is_reported_with_a_hint() {
    let mut world = world(handlers()).await;
    let everybody = ["U0ANA", "U0BEN", "U0CYD", "U0ADA"];
    world.fake.add_channel(Channel::new("CACCESS").name("access").private().members(everybody)).unwrap();
    let run = world.request().await;
    let card = world.only_in_channel("CACCESS");
    world.fake.remove_app("CACCESS");
    world.remind(run).await;
    let alert = text(&world.only_in_channel("CERRORS"));
    for part in ["channel `#access` does not exist, or the app cannot see it", "invite the app if the channel is private"] {
        assert!(alert.contains(part), "{alert}");
    }
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
    assert_eq!(world.calls_in_a_day().await, 0);

    // It was the same message all the time.
    world.fake.invite_app("CACCESS");
    world.click_in(&card, "U0BEN", "approve", run).await;
    assert!(status(world.only_in_channel("CACCESS").raw()).starts_with("Approved by <@U0BEN>"));
}

/// Whoever comes next can decide.
#[tokio::test]
async fn a_channel_that_is_gone_gives_way_to_the_next_notification() {
    #[reducer]
    fn get_request_notifications() -> Result<Vec<Notification>> {
        Ok(vec![Notification::to(slack::channel("#first")?), Notification::to(slack::channel("#second")?)])
    }
    let mut world = world(sym_sdk::handlers![get_permissions, get_request_notifications]).await;
    let run = world.request().await;
    world.fake.archive_channel("CFIRST");
    world.remind(run).await;
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Forwarded);
    let card = world.only_in_channel("CSECOND");
    assert_eq!(world.in_channel("CERRORS").len(), 1);
    world.click_in(&card, "U0BEN", "approve", run).await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

/// Updates that Slack refuses for a reason of the channel are no errors of the request, and are not repeated.
#[tokio::test]
async fn updates_in_a_channel_that_is_gone_are_not_repeated() {
    for refusal in ["is_inactive", "is_archived", "channel_not_found", "not_in_channel", "message_not_found"] {
        let mut world = world(handlers()).await;
        let run = world.request().await;
        // Of the message, and of the receipt.
        world.fake.refuse("chat.update", refusal);
        world.fake.refuse("chat.update", refusal);
        let deny = sym_sdk::runtime::Submission::deny(run, "ben@example.com");
        world.harness.runtime().submit(deny).await.unwrap();
        world.settle().await;
        assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Denied);
        assert_eq!(world.in_channel("CACCESS").len(), 1, "{refusal}");
        let receipts = world.fake.direct_messages("U0ANA");
        let current = receipts.iter().filter(|receipt| buttons(receipt) == ["request_again"]);
        assert_eq!(current.count(), 1, "{refusal}: {receipts:#?}");
        assert_eq!(world.calls_in_a_day().await, 0, "{refusal}");
        assert!(world.in_channel("CERRORS").is_empty(), "{refusal}");
    }
}
