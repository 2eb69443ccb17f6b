//! Handlers that return an error, panic, or overrun their limit.

use expect_test::{Expect, expect};
use sym_sdk::error::codes;
use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::machine::RunState;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{GRACE, HOUR, get_permissions, get_request_notifications, with_alerts};

/// A way in which a handler fails.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Error,
    Panic,
    Hang,
}

impl Fault {
    async fn strike(self) -> Result<()> {
        match self {
            Self::Error => Err(Error::handler("the pager is on fire").with_hint("fetch some water")),
            Self::Panic => panic!("the pager exploded"),
            Self::Hang => std::future::pending().await,
        }
    }
}

mod faulty {
    use sym_sdk::prelude::*;

    use super::Fault;

    #[reducer]
    pub(super) async fn get_permissions(fault: State<Fault>) -> Result<RequestPermission> {
        fault.strike().await.map(|()| RequestPermission::admins_only())
    }

    #[hook]
    pub(super) async fn on_approve(fault: State<Fault>) -> Result<()> {
        fault.strike().await
    }

    #[hook]
    pub(super) async fn on_deescalate(fault: State<Fault>) -> Result<()> {
        fault.strike().await
    }

    #[hook]
    pub(super) async fn after_approve(fault: State<Fault>) -> Result<()> {
        fault.strike().await
    }

    #[prefetch(field = "repo")]
    pub(super) async fn get_repos(fault: State<Fault>) -> Result<Vec<FieldOption>> {
        fault.strike().await.map(|()| Vec::new())
    }
}

async fn harness(handlers: Registry, fault: Fault, prefetch: bool) -> Harness {
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"])).declare(|config| {
        if prefetch {
            config.flows[0].params.prompt_fields.push(sym_sdk::config::PromptField {
                name: "repo".into(),
                field_type: "string".into(),
                required: false,
                prefetch: true,
                ..Default::default()
            });
        }
    });
    builder.handlers(handlers).state(fault).idle_timeout(GRACE).build().await.unwrap()
}

const FAULTS: [Fault; 3] = [Fault::Error, Fault::Panic, Fault::Hang];

fn recorded_error(state: &RunState) -> String {
    let error = state.error.as_ref().unwrap();
    // The handler's location is checked separately, because it changes with every edit.
    let (place, message) = error.message.split_once(") ").unwrap();
    assert!(place.contains("failures.rs:"), "{place}");
    let (name, _) = place.split_once(" (").unwrap();
    let hint = error.hint.as_deref().map(|hint| format!("; help: {hint}")).unwrap_or_default();
    format!("{}: {name} {message} [{}]{hint}\n", error.event, error.code)
}

/// Returns the alerts that the error destination received.
fn alerts(harness: &Harness) -> Vec<(String, Option<String>)> {
    let alerts = harness.delivery().alerts().into_iter();
    alerts.map(|alert| (alert.code.to_string(), alert.handler.map(|handler| handler.name().to_owned()))).collect()
}

#[tokio::test]
async fn a_reducer_that_fails_fails_the_run() {
    let mut errors = String::new();
    for fault in FAULTS {
        let mut harness = harness(handlers![faulty::get_permissions, get_request_notifications], fault, false).await;
        let run = harness.request("prod").duration("1h").await.unwrap();
        let state = harness.run(run).await.unwrap();
        assert_eq!(state.run.status(), RunStatus::Errored);
        assert!(harness.delivery().delivered().is_empty(), "nobody is asked to decide a request that failed");
        assert_eq!(alerts(&harness).len(), 1);
        let refused = harness.approve_as(run, "ben@example.com").await.unwrap_err();
        assert_eq!(*refused.code(), codes::ALREADY_DECIDED);
        assert!(harness.granted().is_empty());
        errors += &recorded_error(&state);
    }
    expect![[r#"
        request: get_permissions failed: the pager is on fire [SymSDK:HANDLER_FAILED]; help: fetch some water
        request: get_permissions failed: reducer `get_permissions` panicked: the pager exploded [SymSDK:HANDLER_PANICKED]
        request: get_permissions failed: reducer `get_permissions` took longer than its limit of 10s [SymSDK:HANDLER_TIMED_OUT]
    "#]].assert_eq(&errors);
}

#[tokio::test]
async fn a_hook_before_the_event_that_fails_fails_the_run() {
    let mut errors = String::new();
    for fault in FAULTS {
        let registry = handlers![get_permissions, get_request_notifications, faulty::on_approve];
        let mut harness = harness(registry, fault, false).await;
        let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
        harness.approve_as(run, "ben@example.com").await.unwrap();
        let state = harness.run(run).await.unwrap();
        assert_eq!(state.run.status(), RunStatus::Errored);
        assert!(harness.strategy("test").unwrap().calls().is_empty(), "nothing was approved, so nothing is granted");
        assert_eq!(alerts(&harness).len(), 1);
        errors += &recorded_error(&state);
    }
    expect![[r#"
        approve: on_approve failed: the pager is on fire [SymSDK:HANDLER_FAILED]; help: fetch some water
        approve: on_approve failed: hook `on_approve` panicked: the pager exploded [SymSDK:HANDLER_PANICKED]
        approve: on_approve failed: hook `on_approve` took longer than its limit of 30s [SymSDK:HANDLER_TIMED_OUT]
    "#]]
    .assert_eq(&errors);
}

#[tokio::test]
async fn a_hook_after_the_event_that_fails_is_reported_and_the_run_goes_on() {
    let mut reported = String::new();
    for fault in FAULTS {
        let registry = handlers![get_permissions, get_request_notifications, faulty::after_approve];
        let mut harness = harness(registry, fault, false).await;
        let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
        harness.approve_as(run, "ben@example.com").await.unwrap();
        assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
        assert!(harness.run(run).await.unwrap().error.is_none());
        harness.advance(2 * HOUR).await.unwrap();
        assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
        reported += &format!("{:?}\n", alerts(&harness));
    }
    expect![[r#"
        [("SymSDK:HANDLER_FAILED", Some("after_approve"))]
        [("SymSDK:HANDLER_PANICKED", Some("after_approve"))]
        [("SymSDK:HANDLER_TIMED_OUT", Some("after_approve"))]
    "#]]
    .assert_eq(&reported);
}

#[tokio::test]
async fn a_hook_before_the_end_of_access_that_fails_does_not_keep_the_access() {
    for fault in FAULTS {
        let registry = handlers![get_permissions, get_request_notifications, faulty::on_deescalate];
        let mut harness = harness(registry, fault, false).await;
        let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
        harness.approve_as(run, "ben@example.com").await.unwrap();
        harness.advance(HOUR).await.unwrap();
        assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
        assert!(harness.granted().is_empty());
        assert_eq!(alerts(&harness).len(), 1);
    }
}

#[tokio::test]
async fn a_prefetch_reducer_that_fails_opens_no_form() {
    let mut reported = String::new();
    for fault in FAULTS {
        let registry = handlers![get_permissions, get_request_notifications, faulty::get_repos];
        let mut harness = harness(registry, fault, true).await;
        harness.prompt("prod", "ana@example.com").await.unwrap();
        assert!(harness.delivery().forms().is_empty());
        reported += &format!("{:?} {:?}\n", alerts(&harness), harness.delivery().messages());
    }
    expect![[r#"
        [("SymSDK:HANDLER_FAILED", Some("get_repos"))] [("ana@example.com", "The form of prod could not be opened (SymSDK:HANDLER_FAILED); its operators have been notified")]
        [("SymSDK:HANDLER_PANICKED", Some("get_repos"))] [("ana@example.com", "The form of prod could not be opened (SymSDK:HANDLER_PANICKED); its operators have been notified")]
        [("SymSDK:HANDLER_TIMED_OUT", Some("get_repos"))] [("ana@example.com", "The form of prod could not be opened (SymSDK:HANDLER_TIMED_OUT); its operators have been notified")]
    "#]].assert_eq(&reported);
}

/// The status of the event says which handler failed and why, and the timeline shows it.
#[tokio::test]
async fn the_timeline_says_which_handler_failed_and_why() {
    let check = async |fault: Fault, expected: Expect| {
        let registry = handlers![get_permissions, get_request_notifications, faulty::on_approve];
        let mut harness = harness(registry, fault, false).await;
        let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
        harness.approve_as(run, "ben@example.com").await.unwrap();
        let golden = harness.golden(run);
        expected.assert_eq(&golden[golden.find("approve  ").unwrap()..]);
    };
    check(Fault::Error, expect![[r#"
        approve          by           ben@example.com via the API
                                   handler      on_approve (sym-sdk/tests/it/runtime/failures.rs) failed
                                   failed       the pager is on fire (SymSDK:HANDLER_FAILED) in on_approve (sym-sdk/tests/it/runtime/failures.rs)
                                   help         fetch some water
                                   messaged     ana@example.com: “Your request for prod has failed: something went wrong while it was approved (S…”
                                   messaged     ben@example.com: “The request of ana@example.com for prod has failed: something went wrong while …”
                                   alerted      the error destination: SymSDK:HANDLER_FAILED

        prod: errored: the pager is on fire (SymSDK:HANDLER_FAILED) in on_approve (sym-sdk/tests/it/runtime/failures.rs)
    "#]]).await;
    check(Fault::Hang, expect![[r#"
        approve          by           ben@example.com via the API
        12:00:30                   handler      on_approve (sym-sdk/tests/it/runtime/failures.rs) failed
                                   failed       hook `on_approve` took longer than its limit of 30s (SymSDK:HANDLER_TIMED_OUT) in on_approve (sym-sdk/tests/it/runtime/failures.rs)
                                   messaged     ana@example.com: “Your request for prod has failed: something went wrong while it was approved (S…”
                                   messaged     ben@example.com: “The request of ana@example.com for prod has failed: something went wrong while …”
                                   alerted      the error destination: SymSDK:HANDLER_TIMED_OUT

        prod: errored: hook `on_approve` took longer than its limit of 30s (SymSDK:HANDLER_TIMED_OUT) in on_approve (sym-sdk/tests/it/runtime/failures.rs)
    "#]]).await;
}

/// A call that hangs uses up its limit on the clock, and no more.
#[tokio::test]
async fn a_limit_strikes_at_its_time() {
    let registry = handlers![get_permissions, get_request_notifications, faulty::on_approve];
    let mut harness = harness(registry, Fault::Hang, false).await;
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    let before = harness.simulation().now();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let limit = sym_sdk::runtime::Limits::default().hook;
    assert_eq!(harness.simulation().now().duration_since(before).unsigned_abs(), limit);
}

mod slow {
    use sym_sdk::prelude::*;

    /// Takes longer than the grace period, but is never still for so long.
    #[hook]
    pub(super) async fn on_approve() {
        for _ in 0..10 {
            tokio::time::sleep(super::GRACE / 2).await;
        }
    }
}

/// Under a paused tokio clock, so that a busy machine does not matter.
#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_for_something_real_is_not_cut_off() {
    let registry = handlers![get_permissions, get_request_notifications, slow::on_approve];
    let mut harness = harness(registry, Fault::Error, false).await;
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert_eq!(harness.simulation().now(), "2024-02-29T12:00:00Z".parse().unwrap());
}
