use sym_sdk::prelude::*;

struct Slack;

impl IntegrationClient for Slack {
    const TYPE: &'static str = "slack";

    fn from_config(_: &sym_sdk::integration::IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self)
    }
}

#[hook]
async fn on_request(_slack: Option<&Slack>) {}

fn main() {}
