use sym_sdk::prelude::*;

#[reducer]
fn after_aprove(_event: &Event) {}

fn main() {}
