use sym_sdk::prelude::*;

#[hook]
fn on_approve() -> NextEvent {
    ApprovalTemplate::request()
}

fn main() {}
