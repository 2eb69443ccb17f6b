use sym_sdk::prelude::*;

#[hook]
pub fn on_request(user: &User) -> Option<NextEvent> {
    user.is_admin().then(ApprovalTemplate::approve)
}

mod inner {
    pub use super::on_request;
}

fn main() {
    let pointer: fn(&User) -> Option<NextEvent> = on_request;
    assert!(pointer(&User::system()).is_none());
    assert!(inner::on_request(&User::system()).is_none());
    assert_eq!(sym_sdk::handlers![inner::on_request].len(), 1);
}
