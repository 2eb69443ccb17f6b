use sym_integrations::okta::SimulatedOkta;
use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, Request};

use super::app;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Returns an Okta in which Fay leads finance, Cho is a controller, and Ana works in finance.
fn okta() -> SimulatedOkta {
    SimulatedOkta::new()
        .member("00gFINANCELEADS", "fay@example.com")
        .member("00gCONTROLLING", "cho@example.com")
        .attribute("ana@example.com", "department", "Finance")
}

async fn harness(okta: SimulatedOkta) -> TestResult<Harness> {
    let builder = Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR"));
    Ok(builder.domain("example.com").domain("contractors.example.com").fake(okta).build().await?)
}

fn request<'a>(harness: &'a mut Harness, email: &str) -> Request<'a> {
    harness.request("financial-reports").by(email).target("report-readers").duration("1d").field("reason", "the audit")
}

#[tokio::test]
async fn the_department_decides_who_approves_and_where_the_request_goes() -> TestResult {
    let mut harness = harness(okta()).await?;
    for (requester, channel, approver, other) in [
        ("ana@example.com", "#finance-access", "fay@example.com", "cho@example.com"),
        ("dee@example.com", "#controlling", "cho@example.com", "fay@example.com"),
    ] {
        let run = request(&mut harness, requester).await?;
        assert!(harness.delivery().delivered().contains(&(run, channel.to_owned())), "{requester}");
        harness.approve_as(run, other).await.unwrap_err();
        harness.approve_as(run, approver).await?;
        assert_eq!(harness.status(run).await?, RunStatus::Escalated, "{requester}");
    }
    Ok(())
}

#[tokio::test]
async fn administrators_decide_while_a_group_is_empty() -> TestResult {
    let builder = Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).admin("ada@example.com");
    let mut harness = builder.fake(SimulatedOkta::new()).build().await?;
    let run = request(&mut harness, "ana@example.com").await?;
    harness.approve_as(run, "ben@example.com").await.unwrap_err();
    harness.approve_as(run, "ada@example.com").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Escalated);
    Ok(())
}

#[tokio::test]
async fn contractors_are_found_by_their_address_in_okta() -> TestResult {
    let mut harness = harness(okta()).await?;
    let run = request(&mut harness, "eva@contractors.example.com").await?;
    harness.strategy("okta")?.set_identity("eva.ext@example.com", "00uEVA");
    harness.approve_as(run, "cho@example.com").await?;
    assert_eq!(harness.granted(), ["Report readers: 00uEVA"]);
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["approvers-by-department", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
