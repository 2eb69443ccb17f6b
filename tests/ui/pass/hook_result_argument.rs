use sym_sdk::prelude::*;

struct PagerDuty;

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = "pagerduty";

    fn from_config(_config: &sym_sdk::integration::IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self)
    }
}

#[hook]
async fn on_request(pagerduty: Result<&PagerDuty, ExtractError>) -> Option<NextEvent> {
    pagerduty.is_err().then(ApprovalTemplate::ignore)
}

fn main() {}
