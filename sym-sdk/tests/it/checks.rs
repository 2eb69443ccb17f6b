//! Diagnostics of the builder about mismatches between the configuration and the handlers.

use expect_test::{Expect, expect};
use sym_sdk::config::{
    self, Config, Flow, FlowParams, FlowsFilter, Implementation, PromptField, Severity, SourceLocation,
};
use sym_sdk::handler::Registry;
use sym_sdk::integration::IntegrationConfig;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Runtime;

/// A module's worth of handlers.
macro_rules! handlers_of {
    ($module:ident: $($item:item)*) => {
        mod $module {
            use super::*;
            $($item)*
        }
    };
}

struct PagerDuty;

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = "pagerduty";

    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self)
    }
}

handlers_of!(prod:
    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }

    #[hook]
    pub(super) async fn on_request(_event: &Event, _pagerduty: &PagerDuty) {}

    #[hook]
    pub(super) fn after_escalate() {}

    #[prefetch(field = "repo")]
    pub(super) fn repos() -> Vec<FieldOption> {
        Vec::new()
    }
);

handlers_of!(old:
    #[reducer]
    pub(super) fn get_approvers() -> Result<RequestDestination> {
        Ok(SlackChannelName::new("#old")?.into())
    }

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }
);

handlers_of!(filter:
    #[reducer]
    pub(super) fn get_flows(_user: &User, flows: &Flows) -> Vec<std::sync::Arc<sym_sdk::model::Flow>> {
        flows.to_vec()
    }
);

fn line(line: u32) -> SourceLocation {
    SourceLocation { file: Some(std::sync::Arc::new("flow.tf".into())), line, column: 1 }
}

fn field(name: &str, at: u32) -> PromptField {
    PromptField { name: name.into(), field_type: "string".into(), location: line(at), ..PromptField::default() }
}

fn flow(name: &str, module: &str, at: u32, prompt_fields: Vec<PromptField>) -> Flow {
    Flow {
        name: name.into(),
        implementation: Implementation::Module(format!("{}::{module}", module_path!())),
        environment: "main".into(),
        params: FlowParams { prompt_fields, ..FlowParams::default() },
        location: line(at),
        ..Flow::default()
    }
}

fn config(flows: Vec<Flow>) -> Config {
    Config { flows, ..crate::support::flows(&[]) }
}

/// The faults, without where this file's handlers stand.
fn check(config: Config, registry: Registry, expected: Expect) {
    let found = match Runtime::builder(config).registry(registry).check() {
        Ok(_) => "no faults".to_owned(),
        Err(faults) => faults.to_string(),
    };
    expected.assert_eq(&without_lines(&found));
}

fn without_lines(found: &str) -> String {
    let lines = found.lines().map(|line| match line.strip_prefix("sym-sdk/tests/it/checks.rs:") {
        Some(rest) => format!("checks.rs: {}", rest.split_once(": ").map_or(rest, |(_, message)| message)),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn faults_of_the_configuration_and_of_the_handlers_are_told_at_once() {
    let mut repo = field("repo", 4);
    repo.prefetch = true;
    let mut team = field("team", 8);
    team.prefetch = true;
    let mut prod = flow("prod", "prod", 1, vec![repo, team, field("repo", 12)]);
    prod.environment = "mian".into();
    check(
        config(vec![prod, flow("staging", "stagign", 20, vec![])]),
        sym_sdk::handlers![prod::get_permissions, prod::on_request, prod::after_escalate, prod::repos],
        expect![[r#"
            flow.tf:1:1: flow `prod` names environment `mian`, which is not declared
              help: did you mean `main`?
            flow.tf:8:1: field `team` of flow `prod` has `prefetch = true`, and no handler gives it
              help: write a handler with `#[prefetch(field = "team")]`
            flow.tf:12:1: field `repo` of flow `prod` is declared twice
              help: rename or remove one of them
            flow.tf:20:1: module `it::checks::stagign` contains no handlers
              help: did you mean `it::checks::prod`? the modules with handlers are `it::checks::prod`"#]],
    );
}

#[test]
fn what_handlers_need_must_be_configured() {
    let mut repo = field("repo", 4);
    repo.prefetch = true;
    check(
        config(vec![flow("prod", "prod", 1, vec![repo])]),
        sym_sdk::handlers![prod::get_permissions, prod::on_request, prod::repos],
        expect![[r#"
            checks.rs: hook `on_request` requires integration `pagerduty`, which is not configured
              help: add the integration to the flow's environment"#]],
    );
}

fn configured(integrations: &[(&str, &str)]) -> Config {
    let mut repo = field("repo", 4);
    repo.prefetch = true;
    let mut config = config(vec![flow("prod", "prod", 1, vec![repo])]);
    for (key, kind) in integrations {
        config.integrations.push(crate::support::integration(kind, key, "T1"));
        let reference = config::Reference::named(*key);
        config.environments[0].integrations.insert((*key).to_owned(), reference);
    }
    config
}

#[test]
fn an_integration_whose_type_is_misspelt_is_named() {
    check(
        configured(&[("slack", "slack"), ("pager", "pagerdty")]),
        sym_sdk::handlers![prod::get_permissions, prod::on_request, prod::repos],
        expect![[r#"
            checks.rs: hook `on_request` requires integration `pagerduty`, which is not configured
              help: did you mean type `pagerduty`? integration `pager` of the flow's environment has type `pagerdty`"#]],
    );
}

#[test]
fn a_missing_integration_is_reported_with_those_that_are_there() {
    check(
        configured(&[("slack", "slack"), ("okta", "okta")]),
        sym_sdk::handlers![prod::get_permissions, prod::on_request, prod::repos],
        expect![[r#"
            checks.rs: hook `on_request` requires integration `pagerduty`, which is not configured
              help: add an integration of type `pagerduty` to the flow's environment as `pagerduty_id`; it has `okta_id` (of type `okta`), `slack_id` (of type `slack`)"#]],
    );
}

/// S9: a program may have handlers that this configuration does not need. They are told, and nothing fails because of them.
#[test]
fn handlers_without_a_use_are_warnings() {
    let handlers = || {
        sym_sdk::handlers![
            prod::get_permissions,
            prod::after_escalate,
            old::get_approvers,
            old::get_permissions,
            filter::get_flows
        ]
    };
    let warnings = |flows| {
        let builder = Runtime::builder(config(flows)).registry(handlers());
        let warnings = builder.warnings();
        assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning), "{warnings:?}");
        let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        without_lines(&warnings.join("\n"))
    };
    check(config(vec![flow("prod", "prod", 1, vec![])]), handlers(), expect!["no faults"]);
    let expected = expect![[r#"
        checks.rs: hook `after_escalate` is never called: no flow that takes it has a strategy
          help: name a strategy in the flow's params, or remove the handler
        checks.rs: reducer `get_approvers` is in module `it::checks::old`, which no flow names
          help: flows name `it::checks::prod`
        checks.rs: reducer `get_permissions` is in module `it::checks::old`, which no flow names
          help: flows name `it::checks::prod`
        checks.rs: reducer `get_flows` is never called: there is no flows filter
          help: declare a `sym_flows_filter`"#]];
    expected.assert_eq(&warnings(vec![flow("prod", "prod", 1, vec![])]));
    // Also if other flows have errors; what such a flow may take is left out.
    expected.assert_eq(&warnings(vec![flow("prod", "prod", 1, vec![]), flow("gone", "gone", 9, vec![])]));
}

#[test]
fn handlers_for_fields_that_ask_for_none_are_told() {
    check(
        config(vec![flow("prod", "prod", 1, vec![field("repo", 4)])]),
        sym_sdk::handlers![prod::get_permissions, prod::repos],
        expect![[r#"
            checks.rs: prefetch `repos` is for field `repo`, which flow `prod` does not have filled by a handler
              help: add `prefetch = true` to the field"#]],
    );
}

#[test]
fn a_flow_has_one_way_to_say_who_may_decide() {
    check(
        config(vec![flow("none", "prod", 1, vec![]), flow("both", "old", 2, vec![])]),
        sym_sdk::handlers![prod::on_request, old::get_approvers, old::get_permissions],
        expect![[r#"
            flow.tf:1:1: flow `none` has no reducer `get_permissions`
              help: write `#[reducer] fn get_permissions(event: &Event) -> RequestPermission`
            checks.rs: hook `on_request` requires integration `pagerduty`, which is not configured
              help: add the integration to the flow's environment
            checks.rs: flow `both` has both `get_permissions` and `get_approvers`
              help: `get_approvers` is deprecated: move its destinations to `get_request_notifications`"#]],
    );
}

#[test]
fn a_flows_filter_needs_its_reducer() {
    let mut config = config(vec![flow("prod", "prod", 1, vec![])]);
    config.flows_filter = Some(FlowsFilter { location: line(30), ..FlowsFilter::default() });
    check(
        config.clone(),
        sym_sdk::handlers![prod::get_permissions],
        expect![[r#"
        flow.tf:30:1: the flows filter has no reducer `get_flows`
          help: write `#[reducer] fn get_flows(user: &User, flows: &Flows) -> Vec<Arc<Flow>>`"#]],
    );
    check(config, sym_sdk::handlers![prod::get_permissions, filter::get_flows], expect!["no faults"]);
}

#[test]
fn a_program_without_handlers_is_told_how_to_link_them() {
    let mut config = config(vec![flow("prod", "prod", 1, vec![])]);
    config.environments.push(config::Environment { name: "main".into(), location: line(40), ..Default::default() });
    check(
        config,
        Registry::new(),
        expect![[r#"
            configuration: the registry contains no handlers
              help: the linker drops handler crates that nothing refers to: add `sym_sdk::link!(my_handlers);` next to `main` (short for `use my_handlers as _;`), or list the handlers with `sym_sdk::handlers![…]`
            flow.tf:40:1: environment `main` is declared twice
              help: the first declaration is at configuration; names must be unique, ignoring case"#]],
    );
}
