use sym_sdk::prelude::*;

#[reducer]
async fn get_identity(_query: &IdentityQuery) -> String {
    String::new()
}

fn main() {}
