use sym_sdk::app::Exit;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{Company, app};

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

async fn harness(company: Company) -> TestResult<Harness> {
    let builder = Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).handlers(company.handlers());
    Ok(builder.domain("example.com").domain("contractors.example.com").build().await?)
}

#[tokio::test]
async fn each_company_has_its_own_rule() -> TestResult {
    for (company, duration, status) in [
        (Company::Studio, "1h", RunStatus::Escalated),
        (Company::Studio, "8h", RunStatus::Requested),
        (Company::Bank, "1h", RunStatus::Requested),
        (Company::Bank, "8h", RunStatus::Denied),
    ] {
        let mut harness = harness(company).await?;
        let request = harness.request("production").target("operators").duration(duration);
        let run = request.field("reason", "a deployment").await?;
        assert_eq!(harness.status(run).await?, status, "{company:?}, {duration}");
    }
    Ok(())
}

#[tokio::test]
async fn contractors_see_no_flows() -> TestResult {
    let mut harness = harness(Company::Studio).await?;
    let request = harness.request("production").by("eva@contractors.example.com").target("operators").duration("1h");
    request.field("reason", "a deployment").await.unwrap_err();
    Ok(())
}

#[tokio::test]
async fn its_configuration_has_no_errors() {
    for company in [Company::Studio, Company::Bank] {
        let (mut out, mut log) = (Vec::new(), Vec::new());
        let exit = app(company).run_from(["explicit-registry", "check"], &mut out, &mut log).await;
        assert_eq!(exit, Exit::Success, "{company:?}: {}", String::from_utf8_lossy(&out));
    }
}
