use sym_sdk::prelude::*;

#[prefetch(field = "repo_name", crate)]
fn repos(_event: &Event) -> Vec<FieldOption> {
    Vec::new()
}

fn main() {}
