//! The handlers are registered.

#[test]
fn registers_handlers_under_their_names() {
    let registry = hygiene::handlers();
    let handlers: Vec<_> =
        registry.iter().map(|record| (record.module(), record.name(), record.kind().as_str())).collect();
    assert_eq!(
        handlers,
        [
            ("hygiene::under_another_name", "on_request", "on_request"),
            ("hygiene::under_another_name", "async", "on_deny"),
            ("hygiene::through_a_facade", "get_permissions", "get_permissions"),
        ]
    );
    assert_eq!(renamed::handler::Registry::linked().len(), 7);
}
