use sym_sdk::prelude::*;

#[hook]
fn on_request<T: Clone>(_event: &Event) {}

fn main() {}
