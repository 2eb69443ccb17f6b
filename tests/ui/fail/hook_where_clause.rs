use sym_sdk::prelude::*;

#[hook]
fn on_request(_event: &Event)
where
    String: Clone,
{
}

fn main() {}
