use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, Request};

use super::{GitHubAccounts, app, ask_for_ticket, fake_github};

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn harness() -> TestResult<Harness> {
    let builder = Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR"));
    Ok(builder.state(GitHubAccounts::listed()).fake(fake_github()).build().await?)
}

fn request<'a>(harness: &'a mut Harness, repository: &str, permission: &str) -> Request<'a> {
    let request = harness.request("repositories").target("repository").duration("1h");
    request.field("repo_name", repository).field("permission", permission)
}

#[tokio::test]
async fn access_is_granted_to_the_picked_repository() -> TestResult {
    let mut harness = harness().await?;
    let run = request(&mut harness, "api", "push").await?;
    harness.approve_as(run, "ben@example.com").await?;
    let calls = harness.strategy("github")?.calls();
    assert_eq!(calls[0].identity, "583231");
    assert_eq!((calls[0].target.setting("repo_name")?, calls[0].target.setting("permission")?), ("api", "push"));
    Ok(())
}

#[tokio::test]
async fn a_repository_that_was_not_offered_is_refused() -> TestResult {
    let mut harness = harness().await?;
    let error = request(&mut harness, "payroll", "push").await.unwrap_err();
    assert!(error.to_string().contains("payroll"), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_administrator_of_a_repository_needs_a_ticket_and_two_approvals() -> TestResult {
    let mut harness = harness().await?;
    let without = request(&mut harness, "api", "admin").await?;
    assert_eq!(harness.status(without).await?, RunStatus::Denied);

    let run = request(&mut harness, "api", "admin").field("ticket", "OPS-7").await?;
    harness.approve_as(run, "ben@example.com").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Requested);
    harness.approve_as(run, "cho@example.com").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Escalated);
    Ok(())
}

/// The attribute leaves the function as it is, so a test can call it.
#[tokio::test]
async fn the_form_asks_for_the_ticket() -> TestResult {
    let mut form = harness().await?.runtime().flow("repositories")?.prompt_form();
    for (permission, is_asked) in [("admin", true), ("pull", false)] {
        form.field_mut("permission")?.value = Some(permission.into());
        ask_for_ticket(&mut form)?;
        assert_eq!(form.field("ticket")?.required, is_asked, "{permission}");
    }
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["dynamic-targets", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
