use std::sync::Arc;

use sym_sdk::prelude::*;

struct Counter;

#[hook]
fn on_request(_counter: Arc<Counter>) {}

fn main() {}
