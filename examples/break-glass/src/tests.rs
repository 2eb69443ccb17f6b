use sym_sdk::app::Exit;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{app, minutes};

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn harness() -> TestResult<Harness> {
    Ok(Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).build().await?)
}

async fn request(harness: &mut Harness, severity: &str) -> TestResult<RunId> {
    let request = harness.request("emergency").target("production-root").duration("2h");
    Ok(request.field("severity", severity).field("reason", "the database is read-only").await?)
}

/// Returns the texts that went to a channel.
fn told(harness: &Harness, channel: &str) -> Vec<String> {
    harness.outbox().sent().into_iter().filter(|sent| sent.to == channel).map(|sent| sent.text).collect()
}

#[tokio::test]
async fn a_colleague_who_answers_decides() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "critical").await?;
    harness.advance(minutes(4)).await?;
    harness.approve_as(run, "ben@example.com").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Escalated);
    assert!(told(&harness, "#security").is_empty());
    Ok(())
}

#[tokio::test]
async fn a_critical_request_waits_for_five_minutes() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "critical").await?;
    harness.advance(minutes(5)).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Escalated);
    let delivered: Vec<_> = harness.delivery().delivered().into_iter().map(|(_, to)| to).collect();
    assert_eq!(delivered, ["#operations"], "the engineers are not asked");
    assert!(told(&harness, "#security")[0].starts_with("The glass is broken: ana@example.com"));
    Ok(())
}

#[tokio::test]
async fn a_major_request_waits_for_both_channels_and_gets_half_an_hour() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "major").await?;
    harness.advance(minutes(5)).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Forwarded);
    harness.advance(minutes(10)).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Escalated);
    harness.advance(minutes(30)).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Deescalated);
    assert_eq!(told(&harness, "#security").len(), 2, "about the beginning and the end");
    Ok(())
}

#[tokio::test]
async fn a_minor_request_expires() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "minor").await?;
    harness.advance(minutes(15)).await?;
    assert!(harness.granted().is_empty());
    assert_eq!(told(&harness, "#operations"), ["Nobody has decided the request of ana@example.com."]);
    harness.approve_as(run, "ben@example.com").await.unwrap_err();
    Ok(())
}

#[tokio::test]
async fn a_denial_needs_a_reason() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "major").await?;
    harness.deny_as(run, "ben@example.com").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Requested);
    harness.deny_as(run, "ben@example.com").message("wait for the replica").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Denied);
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["break-glass", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
