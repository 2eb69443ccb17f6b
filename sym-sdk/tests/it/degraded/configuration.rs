//! Configurations and handlers with errors.

use super::*;

/// Finding 7 of safety.
#[tokio::test]
async fn an_error_of_one_flow_keeps_no_access_from_ending() {
    for break_it in [
        |config: &mut Config| config.flows[0].environment = "mian".into(),
        |config: &mut Config| {
            config.flows[0].implementation = sym_sdk::config::Implementation::Module("nowhere".into())
        },
        |config: &mut Config| config.flows[0].params.request_lifetime = Some("soon".into()),
    ] {
        let world = World::new();
        world.with_access().await;
        let mut broken = config();
        break_it(&mut broken);
        assert!(world.start_strictly(broken.clone()).await.is_err());
        let runtime = world.start(broken).await;
        assert_eq!(unavailable(&runtime), [(UnavailablePart::Flow, "one".to_owned())]);
        assert!(!runtime.unavailable()[0].is_retried, "it takes another configuration");
        assert_eq!(request(&runtime, "one").await.unwrap_err().code(), &codes::FLOW_UNAVAILABLE);
        request(&runtime, "two").await.unwrap();
        world.clock.advance(HOUR);
        runtime.run_until_idle().await.unwrap();
        assert!(world.granted().is_empty());
    }
}

/// Its fault is no reason to close them, as it would be if the flow were removed.
#[tokio::test]
async fn open_requests_outlive_an_error_of_their_flow() {
    let world = World::new();
    let run = request(&world.start_strictly(config()).await.unwrap(), "one").await.unwrap();
    let mut broken = config();
    broken.flows[0].environment = "mian".into();
    let runtime = world.start(broken).await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Requested);
    let runtime = world.start_strictly(config()).await.unwrap();
    runtime.submit(Submission::approve(run, "ana@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    assert_eq!(world.granted(), ["one"]);
}

/// A strategy whose declaration has an error might work elsewhere, and report access as gone that is not.
#[tokio::test]
async fn strategies_with_errors_revoke_nothing() {
    let world = World::new();
    let [one, _] = world.with_access().await;
    let mut broken = config();
    broken.strategies[0].targets.push(Reference::typed("test", "nothing"));
    let runtime = world.start(broken).await;
    assert_eq!(runtime.blocked_access().iter().map(|access| access.run).collect::<Vec<_>>(), [one]);
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(world.granted(), ["one"]);
}

/// No flow is responsible for it, so all of them wait.
#[tokio::test]
async fn an_error_of_the_whole_program_lets_access_end_and_accepts_nothing() {
    let world = World::new();
    world.with_access().await;
    let mut broken = config();
    broken.organization.domains.push("no domain".into());
    let runtime = world.start(broken).await;
    assert_eq!(unavailable(&runtime), [(UnavailablePart::Program, "program".to_owned())]);
    for flow in ["one", "two"] {
        assert_eq!(request(&runtime, flow).await.unwrap_err().code(), &codes::FLOW_UNAVAILABLE);
    }
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    assert!(world.granted().is_empty());
}
