use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

type TestResult = std::result::Result<(), Box<dyn std::error::Error>>;

async fn harness() -> std::result::Result<Harness, Box<dyn std::error::Error>> {
    Ok(Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).build().await?)
}

#[tokio::test]
async fn a_colleague_approves_and_the_access_ends() -> TestResult {
    let mut harness = harness().await?;
    let request = harness.request("staging-database").by("ana@example.com").target("writer").duration("1h");
    let run = request.field("reason", "fix the imports").await?;
    assert_eq!(harness.status(run).await?, RunStatus::Requested);

    // Ana cannot approve her own request.
    harness.approve_as(run, "ana@example.com").await.unwrap_err();
    harness.approve_as(run, "ben@example.com").await?;
    assert_eq!(harness.granted(), ["Write: ana@example.com"]);

    harness.advance(Duration::from_secs(60 * 60)).await?;
    assert!(harness.granted().is_empty());
    Ok(())
}

#[tokio::test]
async fn short_read_access_needs_no_approval() -> TestResult {
    let mut harness = harness().await?;
    harness.request("staging-database").target("reader").duration("30m").field("reason", "look").await?;
    assert_eq!(harness.granted(), ["Read: ana@example.com"]);
    Ok(())
}
