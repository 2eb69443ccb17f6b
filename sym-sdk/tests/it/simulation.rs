//! The simulation: how its virtual clock advances, and the timeline it records.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use expect_test::expect;
use jiff::Timestamp;
use sym_sdk::config::PromptField;
use sym_sdk::handlers;
use sym_sdk::model::{Channel, ChannelType};
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;
use sym_sdk::testing::Harness;

use crate::support::GRACE;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?).timeout(10 * MINUTE)])
}

async fn harness() -> Harness {
    let builder = Harness::builder().access_flow("prod", ["admins"]).declare(|config| {
        config.flows[0].params.prompt_fields.push(PromptField {
            name: "reason".into(),
            field_type: "string".into(),
            required: false,
            ..Default::default()
        });
    });
    builder.handlers(handlers![get_permissions, get_request_notifications]).build().await.unwrap()
}

fn at(time: &str) -> Timestamp {
    format!("2024-02-29T{time}Z").parse().unwrap()
}

#[tokio::test]
async fn the_clock_advances_to_the_next_due_time() {
    let mut harness = harness().await;
    let run = harness.request("prod").duration("1h").await.unwrap();
    let simulation = harness.simulation_mut();
    assert_eq!(simulation.now(), at("12:00:00"), "work takes no virtual time");
    assert_eq!(simulation.advance_to_next().await.unwrap(), Some(at("12:10:00")), "the notification times out");
    assert_eq!(simulation.advance_to_next().await.unwrap(), None);
    assert_eq!(simulation.now(), at("12:10:00"));
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Expired);
}

#[tokio::test]
async fn advance_stops_at_the_requested_time() {
    let mut harness = harness().await;
    let run = harness.request("prod").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    harness.advance(HOUR - MINUTE).await.unwrap();
    assert_eq!(harness.simulation().now(), at("12:59:00"));
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.simulation().now(), at("13:59:00"));
    let ended = harness.timeline().entries().iter().find(|entry| entry.kind == "revoked").unwrap();
    assert_eq!(ended.at, at("13:00:00"), "work runs when it is due, not at the end of the interval");
}

#[tokio::test]
async fn run_to_end_stops_at_its_limit() {
    let mut harness = harness().await;
    let run = harness.request("prod").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert!(!harness.simulation_mut().run_to_end(HOUR / 2).await.unwrap());
    assert_eq!(harness.simulation().now(), at("12:30:00"));
    assert!(harness.simulation_mut().run_to_end(HOUR).await.unwrap());
    assert_eq!(harness.simulation().now(), at("13:00:00"), "the clock stops at the last due time");
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
}

/// Safety finding 12.
#[tokio::test]
async fn the_command_line_takes_access_away_and_gives_none() {
    let operator = || Channel::new(ChannelType::Cli).with_identifier("root@vault-7");
    let builder = Harness::builder().access_flow("prod", ["admins"]).declare(|config| {
        config.flows[0].params.allowed_sources = Some(vec!["slack".into(), "api".into()]);
    });
    let mut harness = builder.handlers(handlers![get_permissions, get_request_notifications]).build().await.unwrap();
    let refused = harness.request("prod").duration("1h").channel(operator()).await.unwrap_err();
    assert_eq!(refused.message(), "requests are not accepted on the command line");
    let run = harness.request("prod").duration("1h").await.unwrap();
    let decisions: [Submission; 2] = [
        Submission::approve(run, "ben@example.com").channel(operator()).into(),
        Submission::deny(run, "ben@example.com").channel(operator()).into(),
    ];
    for decision in decisions {
        let refused = harness.simulation_mut().submit(decision).await.unwrap_err();
        assert_eq!(refused.message(), "only revocations and write-offs are accepted on the command line");
    }
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let revoke = Submission::revoke(run, "ben@example.com").channel(operator());
    harness.simulation_mut().submit(revoke).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated, "whatever the allowed sources are");
    let timeline = harness.timeline();
    let text = |kind: &str| timeline.entries().iter().rfind(|entry| entry.kind == kind).unwrap().text.clone();
    assert_eq!(text("by"), "ben@example.com on the command line of root@vault-7");
    assert!(text("refused").starts_with("ben@example.com on the command line of root@vault-7: only "));
}

mod waiting {
    use super::*;

    /// Waits for another thread.
    pub(super) struct External(pub(super) Mutex<Option<Answer>>);

    pub(super) type Answer = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

    #[hook]
    pub(super) async fn on_request(external: State<External>) {
        let answer = external.0.lock().unwrap().take();
        if let Some(answer) = answer {
            answer.await;
        }
    }
}

/// Returns a future that another thread completes after some real time.
fn completed_by_thread() -> waiting::Answer {
    let shared = Arc::new(Mutex::new((false, None::<std::task::Waker>)));
    let thread = shared.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        let mut completed = thread.lock().unwrap();
        completed.0 = true;
        if let Some(waker) = completed.1.take() {
            waker.wake();
        }
    });
    Box::pin(std::future::poll_fn(move |cx| {
        let mut completed = shared.lock().unwrap();
        if completed.0 {
            return std::task::Poll::Ready(());
        }
        completed.1 = Some(cx.waker().clone());
        std::task::Poll::Pending
    }))
}

#[tokio::test]
async fn the_clock_stands_still_while_a_handler_waits() {
    let handlers = handlers![get_permissions, waiting::on_request];
    let external = waiting::External(Mutex::new(Some(completed_by_thread())));
    let builder = Harness::builder().approval_flow("deploy").handlers(handlers).state(external);
    let mut harness = builder.idle_timeout(GRACE).build().await.unwrap();
    let run = harness.request("deploy").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
    assert_eq!(harness.simulation().now(), at("12:00:00"), "no virtual time passes");
}

#[tokio::test]
async fn long_texts_and_control_characters_do_not_break_the_table() {
    let mut harness = harness().await;
    let reason = format!("\u{1b}[31mzwölf\r\n\u{202e}{}", "日本語".repeat(100));
    let run = harness.request("prod").duration("1h").field("reason", reason.as_str()).await.unwrap();
    let text = harness.timeline().of_run(run).to_string();
    let line = text.lines().find(|line| line.contains("inputs")).unwrap();
    expect!["inputs       admins for 1h; reason:  [31mzwölf   日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語…"].assert_eq(line.trim());
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));

    // JSON is not truncated.
    let json = harness.timeline().to_json();
    let asked = json.as_array().unwrap().iter().find(|entry| entry["kind"] == "inputs").unwrap();
    assert_eq!(asked["details"]["inputs"]["fields"]["reason"], reason.as_str());
    assert_eq!(asked["details"]["inputs"]["duration"], 3600);
}

#[tokio::test]
async fn the_timeline_converts_to_json() {
    let mut harness = harness().await;
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let json = harness.timeline().to_json();
    assert_eq!(json.as_array().unwrap().len(), harness.timeline().entries().len());
    let mut granted = json.as_array().unwrap().iter().find(|entry| entry["kind"] == "granted").unwrap().clone();
    assert_eq!(granted["run"], run.to_string());
    for id in ["run", "event_id"] {
        granted.as_object_mut().unwrap().remove(id);
    }
    expect![[r#"
        {
          "actor": "ben@example.com",
          "at": "2024-02-29T12:00:00Z",
          "channel": {
            "identifier": null,
            "type": "internal"
          },
          "details": {
            "audit": {
              "granted": {
                "identity": "ana@example.com",
                "target": "admins",
                "until": "2024-02-29T13:00:00Z"
              }
            }
          },
          "event": "escalate",
          "flow": "prod",
          "kind": "granted",
          "status": "approved",
          "text": "admins to ana@example.com until 13:00:00"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&granted).unwrap());
}
