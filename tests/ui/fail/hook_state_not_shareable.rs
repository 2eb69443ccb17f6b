use sym_sdk::prelude::*;

#[hook]
fn on_request(_count: State<std::cell::Cell<u8>>) {}

fn main() {}
