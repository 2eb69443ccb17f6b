use sym_sdk::prelude::*;

#[hook]
#[cfg(any())]
fn on_request(_event: &NoSuchType) {}

#[hook]
#[cfg(not(any()))]
fn on_approve(_event: &Event) {}

fn main() {
    let registry = sym_sdk::handler::Registry::linked();
    let names: Vec<_> = registry.iter().map(|record| record.name()).collect();
    assert_eq!(names, ["on_approve"]);
}
