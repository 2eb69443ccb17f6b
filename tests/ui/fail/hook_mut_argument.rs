use sym_sdk::prelude::*;

#[hook]
fn on_request(_event: &mut Event) {}

fn main() {}
