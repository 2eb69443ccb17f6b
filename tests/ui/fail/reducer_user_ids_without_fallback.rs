use sym_sdk::prelude::*;

#[reducer]
fn get_permissions(event: &Event) -> RequestPermission {
    RequestPermission::decided_by(user_ids([event.user()]))
}

fn main() {}
