use sym_sdk::prelude::*;

#[hook]
extern "C" fn on_request(_event: &Event) {}

fn main() {}
