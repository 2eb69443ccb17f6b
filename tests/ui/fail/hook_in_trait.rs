use sym_sdk::prelude::*;

trait Handlers {
    #[hook]
    fn on_request(event: &Event);
}

fn main() {}
