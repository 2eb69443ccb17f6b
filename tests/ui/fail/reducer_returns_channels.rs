use sym_sdk::prelude::*;

#[reducer]
fn get_request_notifications() -> Result<Vec<SlackChannelName>> {
    Ok(vec![SlackChannelName::new("#approvals")?])
}

fn main() {}
