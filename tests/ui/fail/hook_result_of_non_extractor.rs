use sym_sdk::prelude::*;

#[hook]
fn on_request(_urgent: Result<bool, ExtractError>) {}

fn main() {}
