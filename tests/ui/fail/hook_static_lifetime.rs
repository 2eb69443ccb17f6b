use sym_sdk::prelude::*;

#[hook]
fn on_request(_event: &'static Event) {}

fn main() {}
