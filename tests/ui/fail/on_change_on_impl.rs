use sym_sdk::prelude::*;

struct Handlers;

#[on_change]
impl Handlers {
    fn on_change_urgency(_form: &mut PromptForm) {}
}

fn main() {}
