use sym_sdk::prelude::*;

#[reducer]
fn get_approvers(_event: &Event) -> &str {
    "#approvals"
}

fn main() {}
