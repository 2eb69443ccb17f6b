use sym_sdk::prelude::*;

/// Auto-approves urgent requests.
///
///   Indented.
#[hook]
/// Below the macro.
fn on_request() {}

fn main() {
    let registry = sym_sdk::handlers![on_request];
    let docs: Vec<_> = registry.iter().map(|record| record.doc()).collect();
    assert_eq!(docs, ["Auto-approves urgent requests.\n\n  Indented.\nBelow the macro."]);
}
