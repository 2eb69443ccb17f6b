use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, Request};

use super::app;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn harness() -> TestResult<Harness> {
    Ok(Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).build().await?)
}

fn request<'a>(harness: &'a mut Harness, email: &str) -> Request<'a> {
    harness.request("production-logs").by(email).target("log-readers").duration("1h").field("reason", "a slow page")
}

#[tokio::test]
async fn listed_people_get_access_at_once_and_others_after_an_approval() -> TestResult {
    let mut harness = harness().await?;
    request(&mut harness, "ana@example.com").await?;
    assert_eq!(harness.granted(), ["Log readers: ana@example.com"]);

    let run = request(&mut harness, "cleo@example.com").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Requested);
    assert_eq!(harness.delivery().delivered(), [(run, "#access-requests".to_owned())]);
    Ok(())
}

#[tokio::test]
async fn the_approval_of_a_colleague_is_remembered_for_a_month() -> TestResult {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let mut harness = harness().await?;
    let first = request(&mut harness, "cleo@example.com").await?;
    harness.approve_as(first, "ben@example.com").await?;
    harness.advance(DAY).await?;

    let second = request(&mut harness, "cleo@example.com").await?;
    assert_eq!(harness.status(second).await?, RunStatus::Escalated);

    // The second approval was automatic, and does not count.
    harness.advance(29 * DAY).await?;
    let third = request(&mut harness, "cleo@example.com").await?;
    assert_eq!(harness.status(third).await?, RunStatus::Requested);
    Ok(())
}

#[tokio::test]
async fn a_denial_ends_the_trust() -> TestResult {
    let mut harness = harness().await?;
    let [first, second] =
        [request(&mut harness, "cleo@example.com").await?, request(&mut harness, "cleo@example.com").await?];
    harness.approve_as(first, "ben@example.com").await?;
    harness.deny_as(second, "ben@example.com").await?;
    let third = request(&mut harness, "cleo@example.com").await?;
    assert_eq!(harness.status(third).await?, RunStatus::Requested);
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["safelist", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
