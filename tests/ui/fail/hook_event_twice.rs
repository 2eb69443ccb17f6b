use sym_sdk::prelude::*;

#[hook]
fn on_request(_event: &Event, _same: &Event) {}

fn main() {}
