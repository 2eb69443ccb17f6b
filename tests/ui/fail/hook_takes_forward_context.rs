use sym_sdk::prelude::*;

#[hook]
fn on_request(_forward: &RequestForwardContext) {}

fn main() {}
