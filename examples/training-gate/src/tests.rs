use serde_json::json;
use sym_integrations::knowbe4::SimulatedKnowBe4;
use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{NOT_TRAINED, app};

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Builds a harness in which Ana has passed, Ben has been enrolled again since, and nobody knows Cho.
async fn harness() -> TestResult<Harness> {
    let enrollment = |id: u64, status: &str| {
        json!({
            "enrollment_id": id,
            "campaign_id": 4711,
            "status": status,
            "enrollment_date": format!("2024-01-0{id}T00:00:00.000Z"),
        })
    };
    let knowbe4 = SimulatedKnowBe4::new()
        .enrollment("ana@example.com", enrollment(1, "Passed"))
        .enrollment("ben@example.com", enrollment(2, "Passed"))
        .enrollment("ben@example.com", enrollment(3, "In Progress"));
    Ok(Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).fake(knowbe4).build().await?)
}

#[tokio::test]
async fn requests_of_untrained_people_are_denied() -> TestResult {
    let mut harness = harness().await?;
    for (email, status) in [
        ("ana@example.com", RunStatus::Requested),
        ("ben@example.com", RunStatus::Denied),
        ("cho@example.com", RunStatus::Denied),
    ] {
        let request = harness.request("patient-records").by(email).target("record-readers").duration("1h");
        let run = request.field("reason", "a question of the insurer").await?;
        assert_eq!(harness.status(run).await?, status, "{email}");
    }
    Ok(())
}

#[tokio::test]
async fn the_form_opens_for_trained_people_only() -> TestResult {
    let mut harness = harness().await?;
    harness.prompt("patient-records", "ana@example.com").await?;
    harness.prompt("patient-records", "cho@example.com").await?;
    assert_eq!(harness.delivery().forms().len(), 1);
    assert!(harness.timeline().to_string().contains(NOT_TRAINED), "{}", harness.timeline());
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    let (mut out, mut log) = (Vec::new(), Vec::new());
    let exit = app().run_from(["training-gate", "check"], &mut out, &mut log).await;
    assert_eq!(exit, Exit::Success, "{}", String::from_utf8_lossy(&out));
}
