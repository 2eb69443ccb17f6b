//! Extensions of access, from the submission to the strategy.

use std::sync::Mutex;

use sym_sdk::audit::AuditKind;
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::machine::{ExtensionStatus, MessageRef};
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;
use sym_sdk::testing::{Harness, HarnessBuilder, RecordingStrategy};

use super::{GRACE, HOUR, MINUTE, plain, with_alerts};

const ANA: &str = "ana@example.com";
const BEN: &str = "ben@example.com";

fn builder(strategy: &RecordingStrategy) -> HarnessBuilder {
    let builder = Harness::builder().access_flow("prod", ["admins"]).admin("ada@example.com");
    with_alerts(builder).handlers(plain()).idle_timeout(GRACE).strategy("test", strategy.clone())
}

/// Access for an hour, of which a quarter is left.
async fn near_its_end(strategy: &RecordingStrategy) -> (Harness, RunId) {
    let mut harness = builder(strategy).build().await.unwrap();
    let run = held(&mut harness).await;
    (harness, run)
}

async fn held(harness: &mut Harness) -> RunId {
    let run = harness.request("prod").duration("1h").await.unwrap();
    harness.approve_as(run, BEN).await.unwrap();
    harness.advance(45 * MINUTE).await.unwrap();
    run
}

async fn extension(harness: &Harness, run: RunId) -> ExtensionStatus {
    harness.run(run).await.unwrap().extension.as_ref().unwrap().status
}

#[tokio::test]
async fn extended_access_lasts_on_without_a_gap() {
    let strategy = RecordingStrategy::new();
    let (mut harness, run) = near_its_end(&strategy).await;
    let extend = harness.extend_as(run, ANA, 10 * MINUTE).reason("the migration takes longer");
    let id = extend.await.unwrap();
    harness.approve_as(run, BEN).of_extension(id).await.unwrap();
    harness.advance(24 * MINUTE).await.unwrap();
    assert_eq!(strategy.granted().len(), 1, "it ended an hour after the grant otherwise");
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(strategy.calls().len(), 2, "one grant and one revocation");
    assert!(strategy.granted().is_empty());
    let extended = harness.timeline().of_run(run).to_string();
    assert_eq!(extended.lines().filter(|line| line.contains(" extended ")).count(), 1, "{extended}");
    assert!(extended.contains("to extend the access by 10m"), "{extended}");
}

#[tokio::test]
async fn a_service_that_ends_access_is_told_the_new_end_before_it_counts() {
    let strategy = RecordingStrategy::new().enforcing_ends();
    let (mut harness, run) = near_its_end(&strategy).await;
    let until = harness.run(run).await.unwrap().access_until().unwrap();
    let id = harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap();
    harness.approve_as(run, BEN).of_extension(id).await.unwrap();
    let calls = strategy.calls();
    let ends: Vec<_> = calls.iter().map(|call| (call.is_grant, call.ends_at)).collect();
    assert_eq!(ends, [(true, Some(until)), (true, Some(until + 10 * MINUTE))]);
    assert_ne!(calls[0].key, calls[1].key);
    assert_eq!(harness.run(run).await.unwrap().access_until(), Some(until + 10 * MINUTE));
    // The second extension fails at the service.
    harness.advance(10 * MINUTE).await.unwrap();
    strategy.fail_grant_permanently();
    let id = harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap();
    harness.approve_as(run, BEN).of_extension(id).await.unwrap();
    assert_eq!(harness.run(run).await.unwrap().access_until(), Some(until + 10 * MINUTE), "the old end stands");
    assert_eq!(extension(&harness, run).await, ExtensionStatus::Closed);
    let messages = harness.delivery().messages();
    let told = |who: &str, text: &str| messages.iter().any(|(to, told)| to == who && told.starts_with(text));
    assert!(told(ANA, "Your access to admins was not extended"), "{messages:?}");
    assert!(told(BEN, "The access of ana@example.com to admins was not extended"), "{messages:?}");
    harness.advance(15 * MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
}

mod looking {
    use super::*;

    /// The events that the handlers have seen: name, whether it is an extension, duration in minutes, approvals so far.
    pub(super) static SEEN: Mutex<Vec<(String, bool, u64, usize)>> = Mutex::new(Vec::new());

    fn note(event: &Event) {
        let minutes = event.duration().unwrap_or_default().as_secs() / 60;
        let approvals = event.run().approvals().len();
        SEEN.lock().unwrap().push((event.name().to_string(), event.is_extension(), minutes, approvals));
    }

    #[hook]
    pub(super) fn on_request(event: &Event) {
        note(event);
    }

    #[reducer]
    pub(super) fn get_permissions(event: &Event) -> RequestPermission {
        note(event);
        // Longer access takes two people.
        let needed = if event.is_extension() { 2 } else { 1 };
        let permission = RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin);
        permission.approvals(needed)
    }

    #[hook]
    pub(super) fn on_approve(event: &Event) {
        note(event);
    }

    #[hook]
    pub(super) fn after_escalate(event: &Event) {
        note(event);
    }
}

#[tokio::test]
async fn handlers_are_called_as_for_the_request_and_are_told_that_it_is_an_extension() {
    let handlers = handlers![
        looking::on_request,
        looking::get_permissions,
        looking::on_approve,
        looking::after_escalate,
        super::get_request_notifications
    ];
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(handlers);
    let mut harness = builder.build().await.unwrap();
    let run = held(&mut harness).await;
    let first = std::mem::take(&mut *looking::SEEN.lock().unwrap());
    let event = |name: &str, is_extension, minutes, approvals| (name.to_owned(), is_extension, minutes, approvals);
    let expected = [
        event("request", false, 60, 0),
        event("request", false, 60, 0),
        event("approve", false, 60, 0),
        event("escalate", false, 60, 1),
    ];
    assert_eq!(first, expected);
    let id = harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap();
    harness.approve_as(run, BEN).of_extension(id).await.unwrap();
    assert_eq!(extension(&harness, run).await, ExtensionStatus::Open, "one of two approvals");
    harness.approve_as(run, "cho@example.com").of_extension(id).await.unwrap();
    assert_eq!(extension(&harness, run).await, ExtensionStatus::Granted);
    let seen = std::mem::take(&mut *looking::SEEN.lock().unwrap());
    let expected = [
        event("request", true, 10, 0),
        event("request", true, 10, 0),
        event("approve", true, 10, 0),
        event("approve", true, 10, 1),
    ];
    assert_eq!(seen, expected, "the access is not escalated again");
}

#[tokio::test]
async fn locking_the_requester_ends_the_access_and_the_extension() {
    let strategy = RecordingStrategy::new();
    let (mut harness, run) = near_its_end(&strategy).await;
    harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap();
    harness.runtime().lock_user(ANA, "ada@example.com", "lost her laptop").await.unwrap();
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(extension(&harness, run).await, ExtensionStatus::Closed);
    assert!(strategy.granted().is_empty());
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
}

/// A button says nothing but the Run: the message that it is in says what is decided.
#[tokio::test]
async fn a_click_decides_what_its_message_shows() {
    let strategy = RecordingStrategy::new();
    let (mut harness, run) = near_its_end(&strategy).await;
    let first: MessageRef = harness.run(run).await.unwrap().delivered[0].message.clone();
    harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap();
    let shown = harness.run(run).await.unwrap().extension.as_ref().unwrap().delivered[0].message.clone();
    let runtime = harness.runtime();
    let refused = runtime.submit(Submission::approve(run, BEN).in_message(first)).await.unwrap_err();
    assert_eq!(refused.code(), &codes::ALREADY_DECIDED, "{refused}");
    assert_eq!(extension(&harness, run).await, ExtensionStatus::Open);
    harness.simulation_mut().submit(Submission::approve(run, BEN).in_message(shown)).await.unwrap();
    assert_eq!(extension(&harness, run).await, ExtensionStatus::Granted);
}

#[tokio::test]
async fn extensions_are_refused_in_plain_words() {
    let strategy = RecordingStrategy::new();
    let (mut harness, run) = near_its_end(&strategy).await;
    let error = harness.extend_as(run, BEN, 10 * MINUTE).await.unwrap_err();
    assert_eq!(error.message(), "only the requester can ask for an extension");
    let error = harness.extend_as(run, ANA, 2 * HOUR).await.unwrap_err();
    assert_eq!(
        (error.code(), error.message(), error.hint()),
        (
            &codes::INVALID_DURATION,
            "flow `prod` does not offer a duration of 2h",
            Some("the durations offered are `30s`, `10m`, `1h`")
        )
    );
    let error = harness.extend_as(run, ANA, 10 * MINUTE).reason("x".repeat(100_000)).await.unwrap_err();
    assert_eq!(error.code(), &codes::TOO_LARGE);
    harness.advance(15 * MINUTE).await.unwrap();
    let error = harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (&codes::NOT_EXTENDABLE, "the access has ended; make a new request"));
}

#[tokio::test]
async fn a_flow_can_refuse_extensions() {
    let strategy = RecordingStrategy::new();
    let builder = builder(&strategy).declare(|config| config.flows[0].params.allow_extension = false);
    let mut harness = builder.build().await.unwrap();
    let run = held(&mut harness).await;
    let error = harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap_err();
    assert_eq!(error.message(), "flow `prod` does not allow extensions");
}

#[tokio::test]
async fn a_program_that_asks_in_a_loop_is_stopped() {
    let strategy = RecordingStrategy::new();
    let (mut harness, run) = near_its_end(&strategy).await;
    let mut errors = Vec::new();
    for _ in 0..200 {
        match harness.extend_as(run, ANA, 10 * MINUTE).await {
            Ok(id) => harness.deny_as(run, ANA).of_extension(id).await.unwrap(),
            Err(error) => errors.push(error.code().clone()),
        }
    }
    assert!(!errors.is_empty() && errors.iter().all(|code| *code == codes::TOO_MANY_REQUESTS), "{errors:?}");
}

#[tokio::test]
async fn the_record_says_that_an_event_is_about_an_extension() {
    let strategy = RecordingStrategy::new();
    let (mut harness, run) = near_its_end(&strategy).await;
    let id = harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap();
    harness.approve_as(run, "cho@example.com").of_extension(id).message("go on").await.unwrap();
    let record = harness.runtime().audit(Some(run), 1_000).await.unwrap();
    let of_extension = |step| {
        let found = record.iter().find(|entry| {
            entry.kind == AuditKind::Completed && entry.event.name == step && entry.event.extension.is_some()
        });
        found.unwrap()
    };
    let approved = of_extension(Step::Approve);
    assert_eq!(approved.event.extension.map(|extension| extension.id), Some(id));
    assert_eq!(approved.event.decision_message.as_deref(), Some("go on"));
    assert_eq!(approved.status, RunStatus::Escalated);
    assert_eq!(of_extension(Step::Request).event.id, id);
    // The Run still says who approved the request.
    let state = harness.run(run).await.unwrap();
    assert_eq!(state.run.actor(Step::Approve).map(User::username), Some(BEN));
    let lines = sym_sdk::audit::lines(&**harness.runtime().engine(), 0, 1_000).await.unwrap();
    let line = lines.iter().map(|line| line.as_str()).find(|line| line.contains("go on") && line.contains("completed"));
    let line: serde_json::Value = serde_json::from_str(line.unwrap()).unwrap();
    assert_eq!(line["fields"]["extension"]["id"], id.to_string(), "{line}");
    assert!(line["actor"].to_string().contains("cho@example.com"), "{}", line["actor"]);
}
