//! Names in the bodies of handlers against the flows.

use expect_test::expect;
use sym_sdk::config::Reference;
use sym_sdk::prelude::*;

use super::{check, choice, config, diagnostics, field, flow, optional, with_vars};

#[hook]
fn on_request(event: &Event) -> Result<()> {
    event.flow().var("chanel")?;
    event.fields().text("urgnecy")?;
    event.fields().int("urgency")?;
    let _ = event.fields().get("tikcet");
    let _ = event.fields().duration("duration");
    Ok(())
}

#[test]
fn names_in_bodies_are_checked() {
    let fields = vec![choice("urgency", &["Low"]), optional("ticket", "int")];
    let flow = with_vars(flow("prod", fields), &[("channel", "#access")]);
    check(
        flow,
        sym_sdk::handlers![on_request],
        &expect![[r#"
            error: literals.rs: hook `on_request` reads var `chanel`, which flow `prod` at flow.tf:1:3 does not have
              help: did you mean `channel`? the vars there are `channel`
            error: literals.rs: hook `on_request` reads field `urgnecy`, which flow `prod` at flow.tf:1:3 does not have
              help: did you mean `urgency`? the fields there are `ticket`, `urgency`
            error: literals.rs: hook `on_request` reads field `urgency` of flow `prod` at flow.tf:10:3 as `int`, but it is declared as `string`
            error: literals.rs: hook `on_request` reads field `tikcet`, which flow `prod` at flow.tf:1:3 does not have
              help: did you mean `ticket`? the fields there are `ticket`, `urgency`
            error: literals.rs: hook `on_request` reads field `duration`, which flow `prod` at flow.tf:1:3 does not have
              help: the duration of the access is not among the fields: use `event.duration()`"#]],
    );
}

#[test]
fn the_diagnostic_has_the_line_of_the_name() {
    let config = config(vec![flow("prod", vec![])]);
    let registry = sym_sdk::handlers![on_request, super::get_permissions];
    let errors = sym_sdk::runtime::Runtime::builder(config).registry(registry).check().unwrap_err();
    let record = sym_sdk::handlers![on_request].iter().next().unwrap().line();
    let lines: Vec<_> = errors.iter().map(|error| error.location.line - record).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6]);
    assert_eq!(errors.iter().next().unwrap().location.column, 22);
}

mod shared {
    use super::*;

    #[hook]
    pub(super) fn on_request(event: &Event) -> Result<()> {
        if event.flow().name() == "a" {
            event.fields().text("only_a")?;
            event.flow().var("var_of_a")?;
        }
        let _ = (event.fields().get("only_a"), event.flow().var("optional").unwrap_or("#default"));
        Ok(())
    }
}

#[test]
fn a_handler_may_read_what_only_some_of_its_flows_have() {
    let a = with_vars(flow("a", vec![field("only_a", "string")]), &[("var_of_a", "1")]);
    let registry = || sym_sdk::handlers![shared::on_request];
    check(
        a.clone(),
        registry(),
        &expect![[r#"
        note: literals.rs: hook `on_request` reads var `optional`, which flow `a` at flow.tf:1:3 does not have
          help: the vars there are `var_of_a`"#]],
    );
    expect![[r#"
        warning: literals.rs: hook `on_request` reads field `only_a`, which flow `b` at flow.tf:1:3 does not have, although flow `a` has it
          help: there are no fields there
        warning: literals.rs: hook `on_request` reads var `var_of_a`, which flow `b` at flow.tf:1:3 does not have, although flow `a` has it
          help: there are no vars there
        note: literals.rs: hook `on_request` reads var `optional`, which flow `a` at flow.tf:1:3 does not have
          help: the vars there are `var_of_a`
        note: literals.rs: hook `on_request` reads var `optional`, which flow `b` at flow.tf:1:3 does not have
          help: there are no vars there"#]].assert_eq(&diagnostics(config(vec![a, flow("b", vec![])]), registry()));
}

mod form {
    use super::*;

    #[on_change]
    pub(super) fn on_change_urgency(form: &mut PromptForm) -> Result<()> {
        form.field_mut("incdent")?.visible = form.field("urgency")?.value.is_some();
        form.field_mut("duration")?.visible = true;
        form.field_mut("target_id")?.visible = true;
        Ok(())
    }

    #[hook]
    pub(super) fn after_escalate(event: &Event) -> Result<()> {
        let target = event.target().ok_or_else(|| Error::handler("no target"))?;
        target.setting("group_id")?;
        target.setting("gruop")?;
        event.flow().environment().integration("okta")?;
        event.flow().environment().integration("slack")?;
        Ok(())
    }
}

#[test]
fn forms_settings_and_integrations_are_checked() {
    let mut config = crate::support::access_flow("okta");
    config.targets[0].settings.insert("group_id".into(), "00g".into());
    config.environments[0].integrations.insert("okta".into(), Reference::typed("okta", "okta"));
    let urgency = sym_sdk::config::PromptField { on_change: true, ..choice("urgency", &["Low", "High"]) };
    config.flows[0].params.prompt_fields = vec![urgency, optional("incident", "int")];
    let okta = sym_sdk::strategy::StrategyType::new("okta", |_| Ok(sym_sdk::strategy::SimulatedStrategy::new()));
    let registry = sym_sdk::handlers![form::on_change_urgency, form::after_escalate, super::get_permissions];
    let builder = sym_sdk::runtime::Runtime::builder(config).registry(registry).strategy_type(okta);
    let errors = builder.check().unwrap_err();
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    expect![[r#"
        on_change `on_change_urgency` reads field `incdent`, which flow `prod` does not have
        hook `after_escalate` reads target setting `gruop`, which flow `prod` does not have
        hook `after_escalate` reads integration `slack`, which flow `prod` does not have"#]]
    .assert_eq(&messages.join("\n"));
}

mod own_types {
    use super::*;

    struct Fields;

    impl Fields {
        fn text(&self, name: &str) -> String {
            name.to_owned()
        }
    }

    #[hook]
    pub(super) fn on_request(event: &Event) {
        let fields = Fields;
        fields.text("mine");
        let _ = ["x"].iter().map(|event| event.len());
        let _ = event.id();
    }
}

/// Only what is certainly a name of the configuration counts.
#[test]
fn methods_of_other_types_cause_no_false_alarm() {
    check(flow("prod", vec![]), sym_sdk::handlers![own_types::on_request], &expect!["nothing"]);
}
