use sym_sdk::prelude::*;

#[reducer]
fn who_may_approve(_event: &Event) -> RequestPermission {
    RequestPermission::admins_only()
}

fn main() {}
