//! Collecting handlers, and selecting those of a flow.

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
fn sorts_handlers_by_source_location() {
    let expected = ["get_permissions", "on_request", "repos", "on_change_repo_name"];
    assert_eq!(names(&prod()), expected);
    assert_eq!(names(&both())[..4], expected);
}

#[test]
fn linked_registry_contains_the_handlers_of_the_program() {
    let linked = Registry::linked();
    let modules: Vec<_> = linked.iter().map(|record| record.module()).collect();
    for module in ["it::registry::prod", "it::registry::prod::hooks", "it::registry::production", "it::handler"] {
        assert!(modules.contains(&module), "{module}");
    }
    assert!(linked.iter().is_sorted_by_key(|record| (record.file(), record.line())));
}

#[test]
fn merging_removes_duplicates() {
    assert_eq!(both().merge(prod()).len(), both().len());
    let linked = Registry::linked();
    assert_eq!(linked.clone().merge(both()).len(), linked.len());
    assert_eq!(Registry::new().merge(prod()).len(), 4);
}

#[test]
fn selects_a_module_and_its_descendants() {
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
fn selects_everything_without_a_module() {
    assert_eq!(prod().select(None).unwrap().iter().count(), 4);
}

#[test]
fn finds_handlers_by_field() {
    let handlers = prod().select(None).unwrap();
    assert_eq!(handlers.prefetch("repo_name").unwrap().name(), "repos");
    assert!(handlers.prefetch("repo").is_none());
    assert_eq!(handlers.on_change("repo_name").unwrap().name(), "on_change_repo_name");
    assert_eq!(handlers.on_change("repo-name").unwrap().name(), "on_change_repo_name");
    assert!(handlers.on_change("urgency").is_none());
}

#[test]
fn reports_duplicates_with_both_locations() {
    let registry = both();
    let diagnostics = registry.select(None).unwrap_err();
    let messages: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    let location = |module: &str, name: &str| {
        let record = registry.iter().find(|record| record.module() == module && record.name() == name).unwrap();
        format!("{name} ({}:{})", record.file(), record.line())
    };
    let (prod, production) = ("it::registry::prod", "it::registry::production");
    assert_eq!(
        messages,
        [
            format!(
                "reducer `get_permissions` is defined twice: {} and {}",
                location(prod, "get_permissions"),
                location(production, "get_permissions")
            ),
            format!(
                "hook `on_request` is defined twice: {} and {}",
                location("it::registry::prod::hooks", "on_request"),
                location(production, "check_request")
            ),
            format!(
                "prefetch of field `repo_name` is defined twice: {} and {}",
                location(prod, "repos"),
                location(production, "repos")
            ),
        ]
    );
    assert!(diagnostics[0].hint.as_ref().unwrap().contains("implementation"));
    assert!(diagnostics[0].location.line > 0);
}

#[test]
fn reports_an_unknown_module() {
    let diagnostics = both().select(Some("it::registry::prods")).unwrap_err();
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].message, "module `it::registry::prods` contains no handlers");
    assert!(diagnostics[0].hint.as_ref().unwrap().contains("did you mean `it::registry::prod`?"));
}

#[test]
fn suggests_the_full_path_of_a_module() {
    let diagnostics = both().select(Some("registry::prod")).unwrap_err();
    let hint = diagnostics[0].hint.as_deref();
    assert_eq!(hint, Some("did you mean `it::registry::prod`? the path of a module starts with its crate"));
}

#[test]
fn suggests_linking_the_crate_of_a_module() {
    let hint_for = |module| both().select(Some(module)).unwrap_err().remove(0).hint.unwrap();
    assert!(hint_for("my_handlers::prod").ends_with("add `sym_sdk::link!(my_handlers);` next to `main`"));
    assert!(!hint_for("it::elsewhere").contains("link!"));
}

#[test]
fn explains_an_empty_registry() {
    for registry in [Registry::new(), sym_sdk::handlers![]] {
        let diagnostics = registry.select(None).unwrap_err();
        assert_eq!(diagnostics[0].message, "the registry contains no handlers");
        let hint = diagnostics[0].hint.as_ref().unwrap();
        assert!(hint.contains("use my_handlers as _;") && hint.contains("sym_sdk::link!"), "{hint}");
    }
}
