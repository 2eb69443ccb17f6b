//! Which handlers belong to a flow.

use sym_sdk::handler::Registry;
use sym_sdk::prelude::*;

mod prod {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }

    pub(super) mod hooks {
        use sym_sdk::prelude::*;

        #[hook]
        pub(in super::super) fn on_request() {}
    }

    #[prefetch(field = "repo_name")]
    pub(super) fn repos() -> Vec<FieldOption> {
        Vec::new()
    }

    #[on_change]
    pub(super) fn on_change_repo_name(_form: &mut PromptForm) {}
}

mod production {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }

    #[hook(on_request)]
    pub(super) fn check_request() {}

    #[prefetch(field = "repo_name")]
    pub(super) fn repos() -> Vec<FieldOption> {
        Vec::new()
    }
}

fn prod() -> Registry {
    sym_sdk::handlers![prod::repos, prod::hooks::on_request, prod::get_permissions, prod::on_change_repo_name]
}

fn both() -> Registry {
    let production = sym_sdk::handlers![production::repos, production::check_request, production::get_permissions];
    production.merge(prod())
}

fn names(registry: &Registry) -> Vec<&'static str> {
    registry.iter().map(|record| record.name()).collect()
}

#[test]
fn handlers_come_in_the_order_of_their_places() {
    let expected = ["get_permissions", "on_request", "repos", "on_change_repo_name"];
    assert_eq!(names(&prod()), expected);
    assert_eq!(names(&both())[..4], expected);
}

#[test]
fn linked_registry_holds_all_of_this_program() {
    let linked = Registry::linked();
    let modules: Vec<_> = linked.iter().map(|record| record.module()).collect();
    for module in ["it::registry::prod", "it::registry::prod::hooks", "it::registry::production", "it::handler"] {
        assert!(modules.contains(&module), "{module}");
    }
    assert!(linked.iter().is_sorted_by_key(|record| (record.file(), record.line())));
}

#[test]
fn merging_keeps_each_handler_once() {
    assert_eq!(both().merge(prod()).len(), both().len());
    let linked = Registry::linked();
    assert_eq!(linked.clone().merge(both()).len(), linked.len());
    assert_eq!(Registry::new().merge(prod()).len(), 4);
}

#[test]
fn scope_is_a_module_and_what_lies_below_it() {
    let handlers = both().select(Some("it::registry::prod")).unwrap();
    assert_eq!(handlers.on(Step::Request).unwrap().name(), "on_request");
    assert_eq!(handlers.iter().count(), 4);
    assert!(handlers.iter().all(|record| record.module().starts_with("it::registry::prod")
        && !record.module().starts_with("it::registry::production")));

    let handlers = both().select(Some("it::registry::production")).unwrap();
    assert_eq!(handlers.on(Step::Request).unwrap().name(), "check_request");
    assert!(handlers.on(Step::Approve).is_none());
}

#[test]
fn scope_without_a_module_is_everything() {
    assert_eq!(prod().select(None).unwrap().iter().count(), 4);
}

#[test]
fn field_handlers_are_found_by_their_field() {
    let handlers = prod().select(None).unwrap();
    assert_eq!(handlers.prefetch("repo_name").unwrap().name(), "repos");
    assert!(handlers.prefetch("repo").is_none());
    assert_eq!(handlers.on_change("repo_name").unwrap().name(), "on_change_repo_name");
    assert_eq!(handlers.on_change("repo-name").unwrap().name(), "on_change_repo_name");
    assert!(handlers.on_change("urgency").is_none());
}

#[test]
fn duplicates_name_both_places() {
    let registry = both();
    let faults = registry.select(None).unwrap_err();
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    let place = |module: &str, name: &str| {
        let record = registry.iter().find(|record| record.module() == module && record.name() == name).unwrap();
        format!("{name} ({}:{})", record.file(), record.line())
    };
    let (prod, production) = ("it::registry::prod", "it::registry::production");
    assert_eq!(
        messages,
        [
            format!(
                "reducer `get_permissions` is defined twice: {} and {}",
                place(prod, "get_permissions"),
                place(production, "get_permissions")
            ),
            format!(
                "hook `on_request` is defined twice: {} and {}",
                place("it::registry::prod::hooks", "on_request"),
                place(production, "check_request")
            ),
            format!(
                "prefetch of field `repo_name` is defined twice: {} and {}",
                place(prod, "repos"),
                place(production, "repos")
            ),
        ]
    );
    assert!(faults[0].hint.as_ref().unwrap().contains("implementation"));
    assert!(faults[0].location.line > 0);
}

#[test]
fn unknown_module_is_a_fault() {
    let faults = both().select(Some("it::registry::prods")).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].message, "no handler stands in module `it::registry::prods`");
    assert!(faults[0].hint.as_ref().unwrap().contains("did you mean `it::registry::prod`?"));
}

#[test]
fn module_without_its_crate_is_completed() {
    let faults = both().select(Some("registry::prod")).unwrap_err();
    let hint = faults[0].hint.as_deref();
    assert_eq!(hint, Some("did you mean `it::registry::prod`? a module's path begins with its crate"));
}

#[test]
fn module_of_another_crate_may_have_to_be_linked() {
    let hint_for = |module| both().select(Some(module)).unwrap_err().remove(0).hint.unwrap();
    assert!(hint_for("my_handlers::prod").ends_with("write `sym_sdk::link!(my_handlers);` beside `main`"));
    assert!(!hint_for("it::elsewhere").contains("link!"));
}

#[test]
fn empty_registry_explains_itself() {
    for registry in [Registry::new(), sym_sdk::handlers![]] {
        let faults = registry.select(None).unwrap_err();
        assert_eq!(faults[0].message, "the registry has no handlers");
        let hint = faults[0].hint.as_ref().unwrap();
        assert!(hint.contains("use my_handlers as _;") && hint.contains("sym_sdk::link!"), "{hint}");
    }
}
