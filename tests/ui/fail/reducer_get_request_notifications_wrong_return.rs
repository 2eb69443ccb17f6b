use sym_sdk::prelude::*;

#[reducer]
fn get_request_notifications(_event: &Event) -> Result<Notification> {
    Ok(Notification::to(SlackChannelName::new("#approvals")?))
}

fn main() {}
