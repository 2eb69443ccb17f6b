use sym_sdk::prelude::*;

#[hook]
struct OnRequest;

fn main() {}
