//! Flows that are renamed or removed while requests wait.

use sym_sdk::audit::EventStatus;
use sym_sdk::config::Config;
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;

use super::*;

const REASON: &str = "flow `prod` is no longer configured";

fn renamed() -> Config {
    let mut config = config();
    config.flows[0].name = "production".into();
    config
}

/// W19.
#[tokio::test]
async fn open_requests_of_a_renamed_flow_are_closed_at_start() {
    let world = World::new();
    let run = request(&world.start(config()).await, "1h").await;
    let runtime = world.start(renamed()).await;
    runtime.run_until_idle().await.unwrap();
    assert_closed(&world, &runtime, run, codes::UNKNOWN_FLOW, REASON).await;
    let told =
        format!("Your request for prod was closed without access: {REASON}. Make a new request if you still need it");
    assert_eq!(world.messages_to("ana"), [told]);
    assert_eq!(world.delivery.updated(), [(run, RunStatus::Errored)], "the message shows no buttons any more");
    let refused = try_approve(&runtime, run, "ben").await.unwrap_err();
    assert_eq!(refused.message(), "there is no flow `prod`");
    let is_recorded = |kind: &AuditKind| matches!(kind, AuditKind::SubmissionRefused { error, .. } if error.code == codes::UNKNOWN_FLOW);
    assert!(kinds(&runtime, run).await.iter().any(is_recorded), "P6: refusals are on the record, whoever refuses");
}

/// W19: renamed back, it is not open again.
#[tokio::test]
async fn requests_of_a_removed_flow_stay_closed() {
    let world = World::new();
    let run = request(&world.start(config()).await, "1h").await;
    let runtime = world.start(renamed()).await;
    let closed = runtime.run(run).await.unwrap().version;
    drop(runtime);
    assert_eq!(world.start(renamed()).await.run(run).await.unwrap().version, closed, "it is closed once");
    let runtime = world.start(config()).await;
    let refused = try_approve(&runtime, run, "ben").await.unwrap_err();
    assert_eq!(refused.message(), "this request has failed; submit it again");
    assert_eq!(world.grants(), 0);
}

mod slow {
    use sym_sdk::prelude::*;

    #[hook]
    pub(super) fn on_approve() {}
}

/// The flow is removed while a hook is due, or between the approval and the grant.
#[tokio::test]
async fn decisions_in_progress_are_closed_with_their_flow() {
    for handlers in [plain(), plain().merge(handlers![slow::on_approve])] {
        let world = World::new();
        let runtime = world.start_with(handlers).await;
        let run = request(&runtime, "1h").await;
        runtime.directory().contact("ben@example.com").await.unwrap();
        runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
        runtime.directory().contact("cho@example.com").await.unwrap();
        runtime.submit(Submission::deny(run, "cho@example.com")).await.unwrap();
        let runtime = world.start(renamed()).await;
        runtime.run_until_idle().await.unwrap();
        assert_closed(&world, &runtime, run, codes::UNKNOWN_FLOW, REASON).await;
        let events = runtime.events(run).await.unwrap();
        let in_progress: Vec<_> = events.iter().filter(|event| event.status == EventStatus::Processing).collect();
        assert!(in_progress.is_empty(), "P6: the record says what became of each event: {in_progress:?}");
        let told = world.messages_to("ana").pop().unwrap();
        assert!(told.contains(REASON), "{told}");
        assert_eq!(
            world.messages_to("cho").len(),
            1,
            "the queued decision is answered: {:?}",
            world.messages_to("cho")
        );
    }
}

/// A request that was decided before is left alone.
#[tokio::test]
async fn finished_requests_of_a_removed_flow_are_left_alone() {
    let world = World::new();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "1h").await;
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::deny(run, "ben@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    let before = runtime.run(run).await.unwrap().version;
    let runtime = world.start(renamed()).await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(runtime.run(run).await.unwrap().version, before);
    assert!(world.alerts().is_empty());
}

/// Nobody knows which environment the removed flow had.
#[tokio::test]
async fn error_destinations_of_all_environments_are_told() {
    let world = World::new();
    let run = request(&world.start(config()).await, "1h").await;
    let mut config = support::flows(&["one", "two"]);
    config.flows[1].environment = "other".into();
    config.environments.push(sym_sdk::config::Environment { name: "other".into(), ..Default::default() });
    for (environment, channel) in config.environments.iter_mut().zip(["#one", "#two"]) {
        environment.error_logger = Some(channel.trim_start_matches('#').into());
        let (name, destination) = (channel.trim_start_matches('#').to_owned(), channel.to_owned());
        config.error_loggers.push(ErrorLogger { name, destination, ..ErrorLogger::default() });
    }
    let runtime = world.start(config).await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Errored);
    assert_eq!(world.alerts().len(), 2);
}
