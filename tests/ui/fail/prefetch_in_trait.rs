use sym_sdk::prelude::*;

trait Handlers {
    #[prefetch(field = "repo")]
    fn repos() -> Vec<FieldOption> {
        Vec::new()
    }
}

fn main() {}
