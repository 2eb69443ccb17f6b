use sym_sdk::prelude::*;

#[reducer]
trait GetPermissions {
    fn get_permissions(event: &Event) -> RequestPermission;
}

fn main() {}
