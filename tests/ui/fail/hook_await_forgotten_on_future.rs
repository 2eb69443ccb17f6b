use sym_sdk::prelude::*;

async fn is_on_call() -> Result<bool> {
    Ok(true)
}

#[hook]
async fn on_request() -> Result<Option<NextEvent>> {
    Ok(is_on_call()?.then(ApprovalTemplate::approve))
}

fn main() {}
