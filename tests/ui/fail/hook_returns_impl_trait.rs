use sym_sdk::prelude::*;

#[hook]
fn on_request(_event: &Event) -> impl Sized {}

fn main() {}
