use sym_sdk::prelude::*;

#[prefetch(field = "repo_name")]
fn repos(_event: &Event) -> Vec<String> {
    Vec::new()
}

fn main() {}
