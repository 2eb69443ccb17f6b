use sym_sdk::prelude::*;

#[reducer]
fn get_permisions(_event: &Event) -> RequestPermission {
    RequestPermission::admins_only()
}

fn main() {}
