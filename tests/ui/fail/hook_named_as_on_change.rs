use sym_sdk::prelude::*;

#[hook]
fn on_change_urgency(_form: &User) {}

fn main() {}
