use sym_sdk::prelude::*;

#[reducer]
fn get_permissions(_event: &Event) {}

fn main() {}
