use sym_sdk::prelude::*;

struct Handlers;

impl Handlers {
    #[prefetch(field = "repo_name")]
    fn repos(&self) -> Vec<FieldOption> {
        Vec::new()
    }
}

fn main() {}
