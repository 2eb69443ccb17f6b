//! A program that links a handler library finds its handlers.

use sym_sdk::handler::Registry;

sym_sdk::link!(linked_handlers);

#[test]
fn finds_the_handlers_of_a_linked_library() {
    let registry = Registry::linked();
    let handlers: Vec<_> = registry.iter().map(|record| (record.module(), record.name())).collect();
    let module = "linked_handlers::prod";
    assert_eq!(handlers, [(module, "get_permissions"), (module, "after_approve")]);
    let handlers = registry.select(Some(module)).unwrap();
    assert!(handlers.get_permissions().is_some());
}
