use sym_sdk::prelude::*;

#[hook]
fn on_request(_event: &Event) -> bool {
    true
}

fn main() {}
