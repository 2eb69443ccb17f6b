//! `Vars<T>` against the vars of a flow and of the flows filter.

use std::sync::Arc;

use expect_test::expect;
use sym_sdk::config::FlowsFilter;
use sym_sdk::model::Flow;
use sym_sdk::prelude::*;

use super::{check, config, diagnostics, flow, line, with_vars};

#[derive(Deserialize)]
#[allow(dead_code)]
struct Settings<'a> {
    request_channel: &'a str,
    approvals: Option<u8>,
    mode: Option<Mode>,
}

#[derive(Deserialize)]
enum Mode {
    Fast,
    Slow,
}

#[hook]
fn on_request(_vars: Vars<Settings<'_>>) {}

#[test]
fn vars_that_fit_are_fine() {
    let vars = [("request_channel", "#access"), ("approvals", "2"), ("mode", "Slow"), ("other", "")];
    check(with_vars(flow("prod", vec![]), &vars), sym_sdk::handlers![on_request], &expect!["nothing"]);
    let vars = [("request_channel", "#access")];
    check(with_vars(flow("prod", vec![]), &vars), sym_sdk::handlers![on_request], &expect!["nothing"]);
}

#[test]
fn a_missing_var_is_an_error() {
    check(
        with_vars(flow("prod", vec![]), &[("request_chanel", "#a")]),
        sym_sdk::handlers![on_request],
        &expect![[r#"
            error: vars.rs: hook `on_request` reads the var `request_channel` into `Settings`, which flow `prod` at flow.tf:1:3 does not have
              help: did you mean `request_chanel` at flow.tf:1:3?"#]],
    );
    check(
        flow("prod", vec![]),
        sym_sdk::handlers![on_request],
        &expect![[r#"
            error: vars.rs: hook `on_request` reads the var `request_channel` into `Settings`, which flow `prod` at flow.tf:1:3 does not have
              help: flow `prod` has no vars"#]],
    );
}

/// A var whose value only `terraform apply` knows is unset.
#[cfg(feature = "terraform")]
#[test]
fn a_var_without_a_known_value_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let text = "resource \"sym_flow\" \"prod\" {\n  name = \"prod\"\n  environment_id = sym_environment.main.id\n  \
                vars = { request_channel = slack_conversation.access.id }\n  params {}\n}\n\n\
                resource \"sym_environment\" \"main\" {\n  name = \"main\"\n}\n\nresource \"slack_conversation\" \"access\" {}\n";
    std::fs::write(dir.path().join("flow.tf"), text).unwrap();
    let config = sym_sdk::config::Config::from_terraform_dir(dir.path()).unwrap().config;
    let found = diagnostics(config, sym_sdk::handlers![on_request]);
    expect![[r#"
        error: vars.rs: hook `on_request` reads the var `request_channel` into `Settings`, which flow `prod` at flow.tf:1:1 does not have
          help: its value `slack_conversation.access.id` is not known: give it in a file, as {"slack_conversation.access.id":"…"}, with `--known-values FILE`, or make it a variable and use `--var`"#]].assert_eq(&found.replace(&format!("{}/", dir.path().display()), ""));
}

#[test]
fn every_var_must_be_readable() {
    let vars = [("request_channel", "#access"), ("approvals", "300"), ("mode", "fast")];
    check(
        with_vars(flow("prod", vec![]), &vars),
        sym_sdk::handlers![on_request],
        &expect![[r#"
            error: vars.rs: hook `on_request` cannot read var `approvals` of flow `prod` at flow.tf:1:3 into `Settings`: number too large to fit in target type, got "300"
              help: change the var, or read it as `String`
            error: vars.rs: hook `on_request` cannot read var `mode` of flow `prod` at flow.tf:1:3 into `Settings`: unknown variant `fast`, expected `Fast` or `Slow`, got "fast"
              help: change the var, or read it as `String`"#]],
    );
}

mod reads_aprovals {
    use super::*;

    #[hook]
    pub(super) fn on_deny(event: &Event) {
        let _ = event.flow().var("aprovals");
    }
}

#[test]
fn a_misspelt_optional_var_is_a_warning() {
    let vars = [("request_channel", "#access"), ("aprovals", "2")];
    let flow = with_vars(flow("prod", vec![]), &vars);
    check(
        flow.clone(),
        sym_sdk::handlers![on_request],
        &expect![[r#"
            warning: vars.rs: hook `on_request` reads the optional var `approvals` into `Settings`, which flow `prod` at flow.tf:1:3 does not have: it is never set
              help: did you mean `aprovals` at flow.tf:1:3?"#]],
    );
    check(flow, sym_sdk::handlers![on_request, reads_aprovals::on_deny], &expect!["nothing"]);
}

#[reducer]
fn get_flows(flows: &Flows, vars: Vars<Settings<'_>>, query: &sym_sdk::handler::FlowsQuery) -> Vec<Arc<Flow>> {
    let _ = (vars.approvals, query.vars().get("all"), flows.get("prdo"));
    flows.to_vec()
}

#[test]
fn the_vars_of_the_flows_filter_are_checked() {
    let mut config = config(vec![flow("prod", vec![])]);
    config.flows_filter = Some(FlowsFilter {
        vars: [("approvals".to_owned(), "many".to_owned())].into(),
        location: line(30),
        ..FlowsFilter::default()
    });
    expect![[r#"
        error: vars.rs: reducer `get_flows` cannot read var `approvals` of the flows filter at flow.tf:30:3 into `Settings`: invalid digit found in string, got "many"
          help: change the var, or read it as `String`
        error: vars.rs: reducer `get_flows` reads the var `request_channel` into `Settings`, which the flows filter at flow.tf:30:3 does not have
          help: the vars are `approvals`
        note: vars.rs: reducer `get_flows` reads var `all`, which the flows filter at flow.tf:30:3 does not have
          help: the vars there are `approvals`
        note: vars.rs: reducer `get_flows` reads flow `prdo`, which the configuration does not have
          help: did you mean `prod`? the flows there are `prod`"#]].assert_eq(&diagnostics(config, sym_sdk::handlers![get_flows]));
}
