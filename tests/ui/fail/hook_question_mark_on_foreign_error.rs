use sym_sdk::prelude::*;

#[hook]
fn on_request(event: &Event) -> Result<()> {
    let _approvals: u8 = event.flow().var("approvals")?.parse()?;
    Ok(())
}

fn main() {}
