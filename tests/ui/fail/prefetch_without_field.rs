use sym_sdk::prelude::*;

#[prefetch]
fn repos(_event: &Event) -> Vec<FieldOption> {
    Vec::new()
}

fn main() {}
