use sym_sdk::prelude::*;

use std::rc::Rc;

async fn wait() {}

#[hook]
async fn on_request(_event: &Event) {
    let count = Rc::new(0);
    wait().await;
    drop(count);
}

fn main() {}
