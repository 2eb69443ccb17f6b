use sym_sdk::prelude::*;

#[hook]
fn tell_everybody(_event: &Event) {}

fn main() {}
