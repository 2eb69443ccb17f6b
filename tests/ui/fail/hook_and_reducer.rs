use sym_sdk::prelude::*;

#[hook]
#[reducer]
fn on_request(_event: &Event) {}

fn main() {}
