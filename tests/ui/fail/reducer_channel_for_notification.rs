use sym_sdk::prelude::*;

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![SlackChannelName::new("#approvals")?])
}

fn main() {}
