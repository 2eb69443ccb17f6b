use sym_sdk::prelude::*;

#[on_change]
fn on_change_urgency(_form: &mut PromptForm, _same: &mut PromptForm) {}

fn main() {}
