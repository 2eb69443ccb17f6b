use sym_sdk::prelude::*;

#[hook]
async fn on_request(_event: &Event, _urgent: bool) {}

fn main() {}
