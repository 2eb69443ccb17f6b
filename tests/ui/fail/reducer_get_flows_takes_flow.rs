use sym_sdk::prelude::*;

#[reducer]
fn get_flows(_flow: &Flow) -> Vec<std::sync::Arc<Flow>> {
    Vec::new()
}

fn main() {}
