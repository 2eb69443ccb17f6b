use sym_sdk::prelude::*;

#[hook]
fn on_escalate(_output: StepOutput) {}

fn main() {}
