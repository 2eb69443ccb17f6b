use sym_sdk::prelude::*;

struct Handlers;

impl Handlers {
    #[reducer]
    fn get_permissions(&self) -> RequestPermission {
        RequestPermission::admins_only()
    }
}

fn main() {}
