use sym_sdk::prelude::*;

#[hook]
fn on_request(_event: Event) {}

fn main() {}
