use sym_sdk::prelude::*;

struct NotAnError;

#[hook]
fn on_request(_event: &Event) -> Result<(), NotAnError> {
    Ok(())
}

fn main() {}
