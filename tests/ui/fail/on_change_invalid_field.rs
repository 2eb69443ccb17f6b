use sym_sdk::prelude::*;

#[on_change(field = "how urgent")]
fn urgency_changed(_form: &mut PromptForm) {}

fn main() {}
