use sym_sdk::prelude::*;

#[hook]
fn on_reqest(_event: &Event) {}

fn main() {
    let _ = sym_sdk::handlers![on_reqest];
}
