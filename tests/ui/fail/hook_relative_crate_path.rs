use sym_sdk::prelude::*;

#[hook(crate = super::sym_sdk)]
fn on_request(_event: &Event) {}

fn main() {}
