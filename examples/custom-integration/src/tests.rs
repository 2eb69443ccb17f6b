use serde_json::json;
use sym_integrations::kit::VendorClient;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::app;
use super::status_page::{SimulatedStatusPage, StatusPage};

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn harness(status_page: SimulatedStatusPage) -> TestResult<Harness> {
    Ok(Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).fake(status_page).build().await?)
}

/// Makes a request, has it approved, and returns its status.
async fn status_after_approval(harness: &mut Harness) -> TestResult<RunStatus> {
    let request = harness.request("maintenance").target("operators").duration("1h");
    let run = request.field("work", "New disks for the database").await?;
    harness.approve_as(run, "ben@example.com").await?;
    Ok(harness.status(run).await?)
}

#[tokio::test]
async fn maintenance_is_announced_for_as_long_as_the_access_lasts() -> TestResult {
    let mut harness = harness(SimulatedStatusPage::default()).await?;
    assert_eq!(status_after_approval(&mut harness).await?, RunStatus::Escalated);
    harness.advance(Duration::from_secs(60 * 60)).await?;
    let announced: Vec<_> =
        harness.outbox().sent().into_iter().map(|sent| format!("{} {}", sent.to, sent.text)).collect();
    assert_eq!(announced, ["m-1 begins: New disks for the database", "m-1 ends"]);
    Ok(())
}

#[tokio::test]
async fn nothing_is_granted_during_an_incident() -> TestResult {
    let mut harness = harness(SimulatedStatusPage::default().incident("Payments fail")).await?;
    assert_eq!(status_after_approval(&mut harness).await?, RunStatus::Errored);
    assert!(harness.granted().is_empty());
    assert!(harness.outbox().sent().is_empty());
    Ok(())
}

/// The client itself, with the requests that it makes and the responses that the service documents.
#[tokio::test]
async fn the_client_calls_the_service_as_documented() -> TestResult {
    let replay = Replay::new();
    replay
        .post("/api/v1/maintenances")
        .header("authorization", "Bearer s3cret")
        .header("idempotency-key", "event-1")
        .json(json!({ "title": "New disks" }))
        .reply(Reply::json(json!({ "id": "m-7", "title": "New disks" })));
    let builder = StatusPage::builder_for("status.example.com").secret("token_secret", "s3cret");
    let client = builder.connection(replay.connection()).build()?;
    assert_eq!(client.begin_maintenance("New disks", "event-1").await?.id, "m-7");
    replay.check()?;
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["custom-integration", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
