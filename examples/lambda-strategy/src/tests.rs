use serde_json::{Value, json};
use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope};
use sym_sdk::testing::Harness;

use super::app;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// A strategy that returns what the function would. The one of `sym-integrations` has tests of its own.
struct Function;

fn response(body: Value) -> StepOutput {
    StepOutput(json!({ "body": body, "errors": [] }))
}

impl AccessStrategy for Function {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        Ok(Some(user.username().to_owned()))
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let username = format!("tmp_{}", request.target().setting("role")?);
        Ok(GrantResult::granted().with_output(response(json!({ "host": "dwh.example.com", "username": username }))))
    }

    async fn deescalate(&self, _: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        Ok(Some(response(json!({ "queries": 17 }))))
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }
}

#[tokio::test]
async fn the_requester_gets_the_login_and_the_channel_a_summary() -> TestResult {
    let builder = Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR"));
    let mut harness = builder.strategy("aws_lambda", Function).build().await?;
    let request = harness.request("warehouse").target("analyst").duration("1h").field("reason", "the yearly report");
    let run = request.await?;
    harness.approve_as(run, "ben@example.com").await?;
    harness.advance(Duration::from_secs(60 * 60)).await?;
    assert_eq!(harness.status(run).await?, RunStatus::Deescalated);
    let texts: Vec<_> = harness.outbox().sent().into_iter().map(|sent| sent.text).collect();
    assert_eq!(
        texts,
        [
            "Log in to dwh.example.com as tmp_analyst, with your key.",
            "The access of ana@example.com has ended, after 17 queries.",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["lambda-strategy", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
