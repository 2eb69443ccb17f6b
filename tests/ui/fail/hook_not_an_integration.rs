use sym_sdk::prelude::*;

struct Slack;

#[hook]
async fn on_request(_slack: &Slack) {}

fn main() {}
