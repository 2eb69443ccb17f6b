use serde_json::json;
use sym_integrations::aws_lambda::SimulatedLambda;
use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, Request};

use super::app;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Returns a function that approves ticket 1, denies ticket 2, and asks about the others.
fn triage() -> SimulatedLambda {
    SimulatedLambda::new().returns_with("triage", |payload| match payload["ticket"].as_u64() {
        Some(1) => json!({ "verdict": "approve", "reason": "the customer asked for it" }),
        Some(2) => json!({ "verdict": "deny", "reason": "the ticket is closed" }),
        _ => json!({ "verdict": "ask_somebody" }),
    })
}

async fn harness(lambda: SimulatedLambda) -> TestResult<Harness> {
    Ok(Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).fake(lambda).build().await?)
}

fn request(harness: &mut Harness, ticket: u64) -> Request<'_> {
    harness.request("customer-data").target("support").duration("1h").field("ticket", ticket)
}

#[tokio::test]
async fn the_function_decides() -> TestResult {
    let mut harness = harness(triage()).await?;
    for (ticket, status) in [(1, RunStatus::Escalated), (2, RunStatus::Denied), (3, RunStatus::Requested)] {
        let run = request(&mut harness, ticket).await?;
        assert_eq!(harness.status(run).await?, status, "{ticket}");
    }
    Ok(())
}

#[tokio::test]
async fn requests_that_wait_are_recorded() -> TestResult {
    let mut harness = harness(triage()).await?;
    request(&mut harness, 1).await?;
    request(&mut harness, 3).await?;
    let recorded: Vec<_> = harness.outbox().sent().into_iter().filter(|sent| sent.to == "record").collect();
    assert_eq!(recorded.len(), 1);
    assert!(recorded[0].text.contains(r#""ticket":3"#), "{}", recorded[0].text);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_approves_nothing() -> TestResult {
    let mut harness = harness(SimulatedLambda::new().returns("triage", json!({ "verdict": "yes" }))).await?;
    let run = request(&mut harness, 1).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Errored);
    assert!(harness.granted().is_empty());
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["lambda-handlers", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
