use sym_sdk::prelude::*;

#[prefetch(field = "repo_name")]
fn repos(_form: &mut PromptForm) -> Vec<FieldOption> {
    Vec::new()
}

fn main() {}
