use sym_sdk::prelude::*;

struct Handlers;

impl Handlers {
    #[hook]
    fn on_request(_event: &Event) {}
}

fn main() {}
