use sym_sdk::prelude::*;

#[hook(on_request, on_approve)]
fn check(_event: &Event) {}

fn main() {}
