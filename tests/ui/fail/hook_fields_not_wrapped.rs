use sym_sdk::prelude::*;

#[derive(Deserialize)]
struct Form {
    urgency: String,
}

#[hook]
fn on_request(form: Form) {
    drop(form.urgency);
}

fn main() {}
