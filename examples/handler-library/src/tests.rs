use sym_sdk::app::Exit;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::app;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn harness() -> TestResult<Harness> {
    let builder = Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR"));
    Ok(builder.domain("example.com").domain("platform.example.com").build().await?)
}

async fn request(harness: &mut Harness, email: &str) -> Result<RunId> {
    harness.request("production").by(email).target("operators").duration("1h").field("reason", "a deployment").await
}

#[tokio::test]
async fn the_team_needs_no_review() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "ana@platform.example.com").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Escalated);
    Ok(())
}

#[tokio::test]
async fn others_are_told_who_has_approved() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "ben@example.com").await?;
    harness.approve_as(run, "cho@example.com").await?;
    assert_eq!(harness.outbox().sent()[0].text, "cho@example.com has approved your request.");
    Ok(())
}

#[tokio::test]
async fn denials_are_counted() -> TestResult {
    let mut harness = harness().await?;
    for _ in 0..2 {
        let run = request(&mut harness, "ben@example.com").await?;
        harness.deny_as(run, "cho@example.com").await?;
    }
    let count = harness.runtime().key_value().fetch("denied.production").await?;
    assert_eq!(count.and_then(|count| count.as_u64()), Some(2));
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["handler-library", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
