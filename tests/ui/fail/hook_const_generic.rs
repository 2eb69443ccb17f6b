use sym_sdk::prelude::*;

#[hook]
fn on_request<const N: usize>(_event: &Event) {}

fn main() {}
