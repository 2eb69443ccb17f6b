use sym_sdk::prelude::*;

struct Handlers;

impl Handlers {
    #[on_change]
    fn on_change_urgency(&self, _form: &mut PromptForm) {}
}

fn main() {}
