use sym_sdk::prelude::*;

use sym_sdk::handler::HandlerKind;

#[hook(on_request)]
fn approve_what_is_urgent() {}

#[reducer(get_permissions)]
fn admins_only() -> RequestPermission {
    RequestPermission::admins_only()
}

fn main() {
    let registry = sym_sdk::handlers![approve_what_is_urgent, admins_only];
    let handlers = registry.select(None).unwrap();
    assert_eq!(handlers.on(Step::Request).unwrap().name(), "approve_what_is_urgent");
    assert_eq!(handlers.get_permissions().unwrap().name(), "admins_only");
}
