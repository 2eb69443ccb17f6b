use sym_sdk::prelude::*;

#[hook(field = "urgency")]
fn on_request(_event: &Event) {}

fn main() {}
