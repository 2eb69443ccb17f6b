use sym_sdk::prelude::*;

#[on_change]
fn on_change_urgency(form: &mut PromptForm) -> PromptForm {
    form.clone()
}

fn main() {}
