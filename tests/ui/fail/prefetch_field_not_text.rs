use sym_sdk::prelude::*;

#[prefetch(field = REPO_NAME)]
fn repos(_event: &Event) -> Vec<FieldOption> {
    Vec::new()
}

fn main() {}
