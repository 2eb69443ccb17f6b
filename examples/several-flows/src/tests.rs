use sym_sdk::app::Exit;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::app;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn harness() -> TestResult<Harness> {
    let builder = Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR"));
    Ok(builder.admin("ada@example.com").admin("abe@example.com").admin("amy@example.com").build().await?)
}

async fn request(harness: &mut Harness, flow: &str, email: &str, duration: &str) -> Result<RunId> {
    harness.request(flow).by(email).target(flow).duration(duration).field("reason", "a report").await
}

#[tokio::test]
async fn production_takes_two_administrators() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "production", "amy@example.com", "1h").await?;
    harness.approve_as(run, "ben@example.com").await.unwrap_err();
    harness.approve_as(run, "ada@example.com").await?;
    assert!(harness.granted().is_empty());
    harness.approve_as(run, "abe@example.com").await?;
    assert_eq!(harness.granted(), ["Production: amy@example.com"]);
    Ok(())
}

#[tokio::test]
async fn production_is_hidden_from_members() -> TestResult {
    let mut harness = harness().await?;
    let error = request(&mut harness, "production", "ben@example.com", "1h").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    Ok(())
}

#[tokio::test]
async fn requesters_approve_their_own_access_to_staging() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "staging", "ben@example.com", "8h").await?;
    harness.approve_as(run, "ben@example.com").await?;
    assert_eq!(harness.granted(), ["Staging: ben@example.com"]);
    Ok(())
}

#[tokio::test]
async fn a_flow_with_the_old_reducer_works() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "reports", "ben@example.com", "1d").await?;
    assert_eq!(harness.delivery().delivered(), [(run, "#reports".to_owned())]);
    harness.approve_as(run, "cho@example.com").await?;
    assert_eq!(harness.granted(), ["Reports: ben@example.com"]);
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["several-flows", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
