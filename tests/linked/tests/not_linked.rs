//! A program that depends on a library of handlers but never names it does not see them, and is told why.

use sym_sdk::handler::Registry;

#[test]
fn empty_registry_says_what_to_write() {
    let registry = Registry::linked();
    assert!(registry.is_empty());
    let faults = registry.select(None).unwrap_err();
    assert_eq!(faults[0].message, "the registry has no handlers");
    assert!(faults[0].hint.as_ref().unwrap().contains("`sym_sdk::link!(my_handlers);`"));
}
