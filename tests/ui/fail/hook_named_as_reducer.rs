use sym_sdk::prelude::*;

#[hook]
fn get_permissions(_event: &Event) -> RequestPermission {
    RequestPermission::admins_only()
}

fn main() {}
