use std::sync::Mutex;

use sym_sdk::prelude::*;

struct Counter(Mutex<u32>);

async fn wait() {}

#[hook]
async fn on_request(counter: State<Counter>) -> Result<()> {
    let mut count = counter.0.lock().map_err(|_| Error::handler("poisoned"))?;
    wait().await;
    *count += 1;
    Ok(())
}

fn main() {}
