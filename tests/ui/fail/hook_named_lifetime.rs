use sym_sdk::prelude::*;

#[hook]
fn on_request<'a>(_event: &'a Event, _user: &'a User) {}

fn main() {}
