use sym_sdk::prelude::*;

#[hook]
fn on_request(_query: &IdentityQuery) {}

fn main() {}
