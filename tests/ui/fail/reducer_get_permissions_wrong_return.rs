use sym_sdk::prelude::*;

#[reducer]
fn get_permissions(_event: &Event) -> u32 {
    0
}

fn main() {}
