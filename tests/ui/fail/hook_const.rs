use sym_sdk::prelude::*;

#[hook]
const fn on_request(_event: &Event) {}

fn main() {}
