use sym_sdk::prelude::*;

#[hook]
fn after_approve(_output: StepOutput) {}

fn main() {}
