use sym_sdk::prelude::*;

#[derive(Deserialize)]
struct Form {
    urgency: String,
}

#[hook]
fn on_request(form: &Form) {
    let _ = &form.urgency;
}

fn main() {}
