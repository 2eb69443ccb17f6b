use sym_sdk::prelude::*;

#[hook]
async fn after_approve(_event: &Event) -> Option<NextEvent> {
    Some(ApprovalTemplate::escalate())
}

fn main() {}
