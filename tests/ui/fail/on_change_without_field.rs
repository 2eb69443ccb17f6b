use sym_sdk::prelude::*;

#[on_change]
fn urgency_changed(_form: &mut PromptForm) {}

fn main() {}
