use sym_sdk::prelude::*;

struct Handlers;

impl Handlers {
    /// Lets members decide.
    #[reducer]
    fn get_permissions(event: &Event) -> RequestPermission {
        let _ = event;
        RequestPermission::admins_only()
    }
}

fn main() {}
