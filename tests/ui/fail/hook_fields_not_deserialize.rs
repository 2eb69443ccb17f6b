use sym_sdk::prelude::*;

struct Form;

#[hook]
async fn on_request(_form: Fields<Form>) {}

fn main() {}
