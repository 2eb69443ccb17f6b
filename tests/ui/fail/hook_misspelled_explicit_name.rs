use sym_sdk::prelude::*;

#[hook(on_aprove)]
fn check_approver(_event: &Event) {}

fn main() {}
