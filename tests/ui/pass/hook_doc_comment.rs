use sym_sdk::prelude::*;

/// Approves what is urgent.
///
///   Indented.
#[hook]
/// Below the macro.
fn on_request() {}

fn main() {
    let registry = sym_sdk::handlers![on_request];
    let docs: Vec<_> = registry.iter().map(|record| record.doc()).collect();
    assert_eq!(docs, ["Approves what is urgent.\n\n  Indented.\nBelow the macro."]);
}
