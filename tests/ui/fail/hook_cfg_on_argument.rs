use sym_sdk::prelude::*;

#[hook]
fn on_request(#[cfg(unix)] _event: &Event) {}

fn main() {}
