use sym_sdk::prelude::*;

#[hook]
unsafe fn on_request(_event: &Event) {}

fn main() {}
