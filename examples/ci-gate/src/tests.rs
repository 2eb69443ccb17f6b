use serde_json::json;
use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, Request};

use super::app;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn harness() -> TestResult<Harness> {
    Ok(Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).build().await?)
}

fn request<'a>(harness: &'a mut Harness, files: &[&str]) -> Request<'a> {
    let request = harness.request("deploy").field("service", "payments").field("job", "job-7");
    request.context(json!({ "files": files }))
}

fn calls(harness: &Harness) -> Vec<String> {
    harness.outbox().sent().into_iter().map(|sent| format!("{} {}", sent.to, sent.text)).collect()
}

#[tokio::test]
async fn documentation_is_deployed_at_once() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, &["README.md"]).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Approved);
    assert_eq!(calls(&harness), ["job-7 resumed"]);
    Ok(())
}

#[tokio::test]
async fn other_changes_wait_for_a_colleague() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, &["README.md", "src/main.rs"]).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Requested);
    assert!(calls(&harness).is_empty());
    harness.approve_as(run, "ben@example.com").await?;
    assert_eq!(calls(&harness), ["job-7 resumed"]);
    Ok(())
}

#[tokio::test]
async fn a_denial_cancels_the_job() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, &["src/main.rs"]).await?;
    harness.deny_as(run, "ben@example.com").message("not on a Friday").await?;
    assert_eq!(calls(&harness), ["job-7 cancelled: not on a Friday"]);
    Ok(())
}

#[tokio::test]
async fn a_request_without_a_list_of_files_fails() -> TestResult {
    let mut harness = harness().await?;
    let run = harness.request("deploy").field("service", "payments").field("job", "job-7").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Errored);
    assert!(calls(&harness).is_empty());
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["ci-gate", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
