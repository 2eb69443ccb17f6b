use sym_sdk::prelude::*;

#[prefetch(feild = "repo_name", field = "repo_name")]
fn repos(_event: &Event) -> Vec<FieldOption> {
    Vec::new()
}

fn main() {}
