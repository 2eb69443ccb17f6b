use sym_sdk::prelude::*;

#[reducer]
fn on_request(_event: &Event) {}

fn main() {}
