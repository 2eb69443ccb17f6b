use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::app;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn harness() -> TestResult<Harness> {
    Ok(Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).domain("{{domain}}").build().await?)
}

#[tokio::test]
async fn a_colleague_approves_and_the_access_ends() -> TestResult {
    let mut harness = harness().await?;
    let request = harness.request("staging-database").by("ana@{{domain}}").target("writer").duration("1h");
    let run = request.field("reason", "fix the imports").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Requested);

    // Ana cannot approve her own request.
    harness.approve_as(run, "ana@{{domain}}").await.unwrap_err();
    harness.approve_as(run, "ben@{{domain}}").await?;
    assert_eq!(harness.granted(), ["Write: ana@{{domain}}"]);

    harness.advance(Duration::from_secs(60 * 60)).await?;
    assert!(harness.granted().is_empty());
    Ok(())
}

#[tokio::test]
async fn short_read_access_needs_no_approval() -> TestResult {
    let mut harness = harness().await?;
    let request = harness.request("staging-database").by("ana@{{domain}}").target("reader").duration("30m");
    request.field("reason", "look").await?;
    assert_eq!(harness.granted(), ["Read: ana@{{domain}}"]);
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["{{project-name}}", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
