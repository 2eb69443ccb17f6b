use sym_sdk::prelude::*;

#[prefetch(field = "")]
fn repos(_event: &Event) -> Vec<FieldOption> {
    Vec::new()
}

fn main() {}
