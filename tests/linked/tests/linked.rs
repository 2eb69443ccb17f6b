//! A program that links a library of handlers sees them.

use sym_sdk::handler::Registry;

sym_sdk::link!(linked_handlers);

#[test]
fn handlers_of_the_library_are_there() {
    let registry = Registry::linked();
    let handlers: Vec<_> = registry.iter().map(|record| (record.module(), record.name())).collect();
    let module = "linked_handlers::prod";
    assert_eq!(handlers, [(module, "get_permissions"), (module, "after_approve")]);
    let handlers = registry.select(Some(module)).unwrap();
    assert!(handlers.get_permissions().is_some());
}
