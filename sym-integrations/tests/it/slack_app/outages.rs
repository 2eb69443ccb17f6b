//! Slack is down, or does not admit the app: for minutes, and for hours. Requests, decisions, notices, receipts, reminders and ends of access
//! go on meanwhile. What is late arrives, once; operators are alerted once; and access ends at its time.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use sym_integrations::slack;
use sym_sdk::audit::AuditKind;
use sym_sdk::config::ErrorLogger;
use sym_sdk::error::ErrorKind;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{FrontEnd, Submission};

use super::decisions::{buttons, status};
use super::{World, builder, get_permissions, reason};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The longest delay between two attempts: what waited has arrived by then.
const LONGEST_DELAY: u64 = 5 * MINUTE;

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    let reminded_every = Duration::from_secs(50 * MINUTE);
    Ok(vec![Notification::to(slack::channel("#access")?).remind(reminded_every, 10)])
}

/// The ways in which Slack takes no calls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outage {
    Down,
    Uninstalled,
    TokenRevoked,
}

impl World {
    async fn begin(&self, outage: Outage) {
        match outage {
            Outage::Down => self.fake.set_down(true),
            // The app is told by hand.
            Outage::Uninstalled => drop(self.fake.uninstall().await),
            Outage::TokenRevoked => drop(self.fake.revoke_tokens().await),
        }
        if outage != Outage::Down {
            let revoked = json!({ "type": "tokens_revoked", "tokens": { "oauth": null, "bot": ["U0SANDBOX"] } });
            assert_eq!(self.event(revoked).await.status, StatusCode::OK);
        }
        if outage == Outage::Uninstalled {
            assert_eq!(self.event(json!({ "type": "app_uninstalled" })).await.status, StatusCode::OK);
        }
    }

    fn end_outage(&self) {
        self.fake.set_down(false);
        self.fake.reinstall();
    }

    async fn requested_for(&mut self, reason: &str) -> RunId {
        let request = self.harness.request("prod").by("ana@example.com").target("admins").duration("1h");
        request.field("reason", reason).await.unwrap()
    }

    async fn granted_for(&mut self, reason: &str) -> RunId {
        let run = self.requested_for(reason).await;
        self.harness.approve_as(run, "ben@example.com").await.unwrap();
        self.settle().await;
        run
    }

    /// Returns the status lines of the messages about the request with this reason: those in the channel, and those of its receipts.
    fn statuses(&self, reason: &str) -> (Vec<String>, Vec<String>) {
        let of = |channel: &str| {
            let messages = self.in_channel(channel).into_iter().filter(|message| message.raw().to_string().contains(reason));
            messages.map(|message| status(message.raw())).collect()
        };
        (of("CACCESS"), of("DU0ANA"))
    }

    /// Returns what the requester was told in direct messages, apart from receipts.
    fn notices(&self) -> Vec<String> {
        let messages = self.in_channel("DU0ANA").into_iter();
        let notices = messages.filter(|message| !message.text().starts_with("Your request for *Production*"));
        notices.map(|message| message.text().to_owned()).collect()
    }

    /// Returns when access was taken away.
    async fn revoked_at(&self, run: RunId) -> Option<Timestamp> {
        let entries = self.harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
        entries.iter().find(|entry| matches!(entry.kind, AuditKind::Revoked { .. })).map(|entry| entry.at)
    }
}

async fn world() -> World {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let harness = builder(vec![reason()]).handlers(handlers).declare(|config| {
        let errors = ErrorLogger { name: "errors".into(), destination: "#errors".into(), ..Default::default() };
        config.error_loggers.push(errors);
        config.environments[0].error_logger = Some("errors".into());
    });
    let world = World::on_one_clock(harness).await;
    // Only Slack can alert anybody.
    world.harness.delivery().fail_for("#errors");
    world
}

/// Has everything happen while Slack takes no calls for this long, and checks what becomes of it.
async fn go_on_during(outage: Outage, minutes: u64) {
    let mut world = world().await;
    // Before: one gives access that ends five minutes into the outage, one that ends an hour into it, and two wait.
    let ends_soon = world.granted_for("ends soon").await;
    world.advance(55 * MINUTE).await;
    let ends_later = world.granted_for("ends later").await;
    let waits = world.requested_for("waits all the time").await;
    let denied = world.requested_for("is denied").await;
    let told_before = world.notices().len();
    let ends: Vec<_> = [ends_soon, ends_later].into();
    let mut until = Vec::new();
    for run in ends {
        until.push((run, world.harness.run(run).await.unwrap().access_until().unwrap()));
    }

    world.begin(outage).await;
    let error = FrontEnd::check(&world.app).await.unwrap_err();
    let expected = if outage == Outage::Down { ErrorKind::Unavailable } else { ErrorKind::Unauthorized };
    assert_eq!(error.kind(), expected);
    let new = world.requested_for("is new").await;
    let approved = world.granted_for("is approved").await;
    until.push((approved, world.harness.run(approved).await.unwrap().access_until().unwrap()));
    let deny = Submission::deny(denied, "ben@example.com").message("not today");
    world.harness.runtime().submit(deny).await.unwrap();
    world.advance(minutes * MINUTE).await;
    assert_eq!(world.in_channel("CACCESS").len(), 4, "nothing arrives");

    // Access ends at its time, whatever people can be told.
    let now = world.harness.runtime().clock().now();
    for (run, until) in until {
        match world.revoked_at(run).await {
            Some(at) => {
                let late = at.duration_since(until);
                assert!(late.as_secs() >= 0 && late.as_secs() < 60, "{outage:?}: {late:?}");
            }
            None => assert!(now < until, "{outage:?}: {run} should have ended at {until}, and it is {now}"),
        }
    }
    for run in [waits, new] {
        assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
    }

    world.end_outage();
    world.advance(LONGEST_DELAY).await;
    let all_over = minutes > 60;
    let outcome = |reason: &str, card: &str, receipt: &str| {
        let (cards, receipts) = world.statuses(reason);
        // What was decided before anybody could be notified needs no message to those who decide.
        assert_eq!((cards.len(), receipts.len()), (usize::from(!card.is_empty()), 1), "{reason}: {cards:?} {receipts:?}");
        assert!(cards.iter().all(|status| status.contains(card)), "{reason}: {cards:?}");
        assert!(receipts[0].contains(receipt), "{reason}: {receipts:?}");
    };
    outcome("waits all the time", "Waiting for a decision.", "Waiting for a decision.");
    outcome("is new", "Waiting for a decision.", "Waiting for a decision.");
    outcome("is denied", "Denied by <@U0BEN>", "Denied by <@U0BEN>");
    outcome("ends soon", "Access has ended", "because its time is up");
    let (card, receipt) = if all_over { ("Access has ended", "its time is up") } else { ("Access until", "have access until") };
    outcome("ends later", card, receipt);
    outcome("is approved", "", receipt);

    // Once each, and only what is still so: that there is access is not said of access that has ended.
    let told = world.notices().split_off(told_before);
    let count = |part: &str| told.iter().filter(|text| text.contains(part)).count();
    assert_eq!(count("denied your request"), 1, "{told:#?}");
    assert_eq!(count("not today"), 1, "{told:#?}");
    assert_eq!(count("has ended"), if all_over { 3 } else { 1 }, "{told:#?}");
    assert_eq!(count("You have access to"), usize::from(!all_over), "{told:#?}");
    assert_eq!(told.len(), if all_over { 4 } else { 3 }, "{told:#?}");

    // One reminder stands for those that were missed.
    let replies = world.in_channel("CACCESS").into_iter().filter(|message| message.raw().get("thread_ts").is_some());
    let replies: Vec<_> = replies.map(|message| message.text().to_owned()).collect();
    assert_eq!(replies.len(), usize::from(all_over), "{replies:?}");

    // Operators are alerted of each request that nobody could be notified of: here one, and one that was decided by then.
    let alerts = world.in_channel("CERRORS");
    let of = |run: RunId| alerts.iter().filter(|alert| alert.text().contains(&run.to_string())).count();
    assert_eq!((of(new), of(waits), of(denied), of(ends_soon)), (1, 0, 0, 0), "{alerts:#?}");
    assert!(of(approved) <= 1 && alerts.len() == 1 + of(approved), "{alerts:#?}");

    // Nothing is left over, and the requests that waited are decided.
    let posted = world.fake.calls("chat.postMessage").len();
    for (run, reason) in [(new, "is new"), (waits, "waits all the time")] {
        let cards = world.in_channel("CACCESS");
        let card = cards.iter().find(|card| card.raw().to_string().contains(reason)).unwrap();
        assert!(buttons(card.raw()).contains(&"approve".to_owned()));
        assert_eq!(world.click_in(card, "U0BEN", "approve", run).await, StatusCode::OK);
        assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Escalated);
    }
    assert_eq!(world.fake.calls("chat.postMessage").len(), posted + 2, "each is told once");
    FrontEnd::check(&world.app).await.unwrap();
}

#[tokio::test]
async fn slack_is_down_for_ten_minutes() {
    go_on_during(Outage::Down, 10).await;
}

#[tokio::test]
async fn slack_is_down_for_two_hours() {
    go_on_during(Outage::Down, 2 * 60).await;
}

#[tokio::test]
async fn the_app_is_uninstalled_for_ten_minutes() {
    go_on_during(Outage::Uninstalled, 10).await;
}

#[tokio::test]
async fn the_app_is_uninstalled_for_two_hours() {
    go_on_during(Outage::Uninstalled, 2 * 60).await;
}

#[tokio::test]
async fn the_token_is_revoked_for_two_hours() {
    go_on_during(Outage::TokenRevoked, 2 * 60).await;
}

/// Somebody waits in front of a form. It appears when Slack is back within a minute, and says what happened otherwise.
#[tokio::test]
async fn a_form_waits_for_slack_for_a_minute_and_a_half() {
    for (seconds, is_shown) in [(30, true), (20 * MINUTE, false)] {
        let mut world = world().await;
        // Who asks is known.
        assert_eq!(world.command("U0ANA", "whoami").await.status, StatusCode::OK);
        assert_eq!(world.command("U0ANA", "req prod").await.status, StatusCode::OK);
        world.fake.set_down(true);
        world.quiet().await;
        world.advance(seconds).await;
        world.fake.set_down(false);
        world.advance(LONGEST_DELAY).await;
        let view = world.fake.view();
        if is_shown {
            assert!(super::views::inputs(&view).contains(&"reason:0"), "{view}");
        } else {
            assert!(view.to_string().contains("The form of Production could not be opened"), "{view}");
            assert_eq!(buttons(&view), ["retry"]);
            assert_eq!(world.in_channel("CERRORS").len(), 1);
        }
    }
}

/// A request that nobody could be notified of for a day is closed, and its requester is told once that is possible.
#[tokio::test]
async fn an_outage_of_a_week_loses_no_message_of_its_first_day() {
    let mut world = world().await;
    world.begin(Outage::Down).await;
    let run = world.requested_for("is lost").await;
    world.advance(30 * HOUR).await;
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Expired);
    world.end_outage();
    world.advance(LONGEST_DELAY).await;
    let told = world.notices();
    assert!(told.len() == 1 && told[0].contains("nobody could be notified of it"), "{told:?}");
    let receipts = world.statuses("is lost").1;
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    assert!(world.in_channel("CACCESS").is_empty());
}
