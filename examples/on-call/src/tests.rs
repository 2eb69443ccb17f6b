use sym_integrations::pagerduty::SimulatedPagerDuty;
use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, Request};

use super::app;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn harness(pagerduty: SimulatedPagerDuty) -> TestResult<Harness> {
    Ok(Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).fake(pagerduty).build().await?)
}

fn request(harness: &mut Harness) -> Request<'_> {
    harness.request("production").target("operators").duration("1h").field("reason", "the site is slow")
}

#[tokio::test]
async fn the_on_call_engineer_gets_access_at_once_three_times_a_week() -> TestResult {
    let mut harness = harness(SimulatedPagerDuty::new().on_call_for("platform", "ana@example.com")).await?;
    for status in [RunStatus::Escalated, RunStatus::Escalated, RunStatus::Escalated, RunStatus::Requested] {
        let run = request(&mut harness).await?;
        assert_eq!(harness.status(run).await?, status);
        harness.advance(Duration::from_secs(2 * 60 * 60)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn other_requests_go_to_the_on_call_engineer_and_then_to_the_channel() -> TestResult {
    let mut harness = harness(SimulatedPagerDuty::new().on_call_for("platform", "ben@example.com")).await?;
    let run = request(&mut harness).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Requested);
    harness.advance(Duration::from_secs(10 * 60)).await?;
    let delivered: Vec<_> = harness.delivery().delivered().into_iter().map(|(_, to)| to).collect();
    assert_eq!(delivered, ["ben@example.com", "#production-access"]);
    Ok(())
}

#[tokio::test]
async fn a_colleague_decides_if_pagerduty_does_not_know_the_requester() -> TestResult {
    let mut harness = harness(SimulatedPagerDuty::new().without_user("ana@example.com")).await?;
    let run = request(&mut harness).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Requested);
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["on-call", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
