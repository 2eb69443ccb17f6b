//! A program that depends on a handler library but does not link it gets an error that explains why there are no handlers.

use sym_sdk::handler::Registry;

#[test]
fn explains_an_empty_registry() {
    let registry = Registry::linked();
    assert!(registry.is_empty());
    let diagnostics = registry.select(None).unwrap_err();
    assert_eq!(diagnostics[0].message, "the registry contains no handlers");
    assert!(diagnostics[0].hint.as_ref().unwrap().contains("`sym_sdk::link!(my_handlers);`"));
}
