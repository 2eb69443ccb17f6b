use sym_sdk::prelude::*;

struct Handlers;

impl Handlers {
    #[hook]
    fn on_request(&self) {}
}

fn main() {}
