//! `Fields<T>` against the form.

use std::collections::BTreeMap;

use expect_test::expect;
use sym_sdk::config::PromptField;
use sym_sdk::forms::SlackUserSelection;
use sym_sdk::prelude::*;

use super::{check, choice, config, diagnostics, field, flow, optional};

/// Declares a module with a hook that takes `Fields<Form>`.
macro_rules! form {
    ($module:ident: $($item:item)*) => {
        mod $module {
            #![allow(dead_code, private_interfaces)]
            use super::*;

            $($item)*

            #[hook]
            pub(super) fn on_request(_form: Fields<Form>) {}
        }
    };
}

form!(optional_ticket:
    #[derive(Deserialize)]
    struct Form {
        urgency: String,
        incident: Option<i64>,
    }
);

#[test]
fn an_optional_field_that_no_flow_has_is_an_error() {
    check(
        flow("prod", vec![field("urgency", "string"), optional("incdent", "int")]),
        sym_sdk::handlers![optional_ticket::on_request],
        &expect![[r#"
            error: fields.rs: hook `on_request` reads the optional field `incident` into `Form`, which flow `prod` at flow.tf:1:3 does not have: it is never set
              help: did you mean `incdent` at flow.tf:10:3?"#]],
    );
}

#[test]
fn an_optional_field_that_another_flow_has_is_fine() {
    let with = flow("with", vec![field("urgency", "string"), optional("incident", "int")]);
    let without = flow("without", vec![field("urgency", "string")]);
    let misspelt = flow("misspelt", vec![field("urgency", "string"), optional("incdent", "int")]);
    let registry = sym_sdk::handlers![optional_ticket::on_request];
    assert_eq!(diagnostics(config(vec![with.clone(), without]), registry.clone()), "nothing");
    expect![[r#"
        warning: fields.rs: hook `on_request` reads the optional field `incident` into `Form`, which flow `misspelt` at flow.tf:1:3 does not have: it is never set
          help: did you mean `incdent` at flow.tf:10:3?"#]].assert_eq(&diagnostics(config(vec![with, misspelt]), registry));
}

#[test]
fn a_required_field_must_be_in_each_flow() {
    let other = flow("other", vec![field("ticket", "int")]);
    let prod = flow("prod", vec![field("urgency", "string"), optional("incident", "int")]);
    expect![[r#"
        error: fields.rs: hook `on_request` reads the field `urgency` into `Form`, which flow `other` at flow.tf:1:3 does not have
          help: the fields are `ticket`"#]].assert_eq(&diagnostics(config(vec![prod, other]), sym_sdk::handlers![optional_ticket::on_request]));
}

form!(typed:
    #[derive(Deserialize)]
    pub(super) struct Form {
        ticket: i64,
        urgency: bool,
        wait: Duration,
        lead: String,
        tags: Vec<i64>,
    }
);

#[test]
fn types_must_fit() {
    let right = vec![
        field("ticket", "int"),
        field("urgency", "bool"),
        field("wait", "duration"),
        field("lead", "slack_user"),
        field("tags", "int_list"),
    ];
    check(flow("prod", right), sym_sdk::handlers![typed::on_request], &expect!["nothing"]);
    let wrong = vec![
        field("ticket", "string"),
        choice("urgency", &["low", "high"]),
        field("wait", "string"),
        field("lead", "int"),
        field("tags", "str_list"),
    ];
    check(
        flow("prod", wrong),
        sym_sdk::handlers![typed::on_request],
        &expect![[r#"
        error: fields.rs: hook `on_request` reads field `lead` of flow `prod` at flow.tf:10:3 into `Form`, which expects a string, but it is declared as `int`
          help: read it as `i64`, or change the type of the field
        error: fields.rs: hook `on_request` reads field `tags` of flow `prod` at flow.tf:10:3 into `Form`, which expects i64, but it is declared as `str_list`
          help: read it as `Vec<String>`, or change the type of the field
        error: fields.rs: hook `on_request` reads field `ticket` of flow `prod` at flow.tf:10:3 into `Form`, which expects i64, but it is declared as `string`
          help: read it as `String`, or change the type of the field
        error: fields.rs: hook `on_request` reads field `urgency` of flow `prod` at flow.tf:10:3 into `Form`, which expects a boolean, but it is declared as `string`
          help: read it as `String`, or change the type of the field
        error: fields.rs: hook `on_request` reads field `wait` of flow `prod` at flow.tf:10:3 into `Form`, which expects struct Duration, but it is declared as `string`
          help: read it as `String`, or change the type of the field"#]],
    );
}

form!(urgency:
    #[derive(Deserialize)]
    struct Form {
        urgency: Urgency,
    }

    #[derive(Deserialize)]
    enum Urgency {
        Low,
        High,
    }
);

#[test]
fn each_allowed_value_needs_a_variant() {
    let registry = || sym_sdk::handlers![urgency::on_request];
    check(flow("prod", vec![choice("urgency", &["Low", "High"])]), registry(), &expect!["nothing"]);
    check(
        flow("prod", vec![choice("urgency", &["low", "high"])]),
        registry(),
        &expect![[r#"
        error: fields.rs: hook `on_request` cannot read allowed values `low` and `high` of field `urgency` of flow `prod` at flow.tf:10:3 into `Form`: unknown variant `low`, expected `Low` or `High`
          help: the names differ in how they are written only: add `#[serde(rename = "…")]` to the variants, or `#[serde(rename_all = "…")]` to the enum"#]],
    );
    check(
        flow("prod", vec![choice("urgency", &["Low", "High", "Very high"])]),
        registry(),
        &expect![[r#"
        error: fields.rs: hook `on_request` cannot read allowed value `Very high` of field `urgency` of flow `prod` at flow.tf:10:3 into `Form`: unknown variant `Very high`, expected `Low` or `High`
          help: add variants, or remove the values; `#[serde(other)]` marks a variant for all other values"#]],
    );
}

#[test]
fn a_variant_without_an_allowed_value_is_a_note() {
    check(
        flow("prod", vec![choice("urgency", &["Low"])]),
        sym_sdk::handlers![urgency::on_request],
        &expect![
            "note: fields.rs: variant `High` in `Form` of hook `on_request` never occurs: field `urgency` of flow `prod` at flow.tf:10:3 has no such allowed value"
        ],
    );
}

#[test]
fn an_enum_does_not_read_open_text() {
    check(
        flow("prod", vec![field("urgency", "string")]),
        sym_sdk::handlers![urgency::on_request],
        &expect![[r#"
        warning: fields.rs: hook `on_request` reads field `urgency` of flow `prod` at flow.tf:10:3 into `Form`, which accepts `Low`, `High` only, but the form accepts any text
          help: add `allowed_values` to the field, or read it as `String`"#]],
    );
}

form!(values_of_an_int:
    #[derive(Deserialize)]
    struct Form {
        size: u8,
    }
);

#[test]
fn each_allowed_number_must_fit() {
    let size = |values: &[&str]| PromptField { field_type: "int".into(), ..choice("size", values) };
    let registry = || sym_sdk::handlers![values_of_an_int::on_request];
    check(flow("prod", vec![size(&["1", "255"])]), registry(), &expect!["nothing"]);
    check(
        flow("prod", vec![size(&["1", "256", "-1"])]),
        registry(),
        &expect![[r#"
        error: fields.rs: hook `on_request` cannot read allowed values `256` and `-1` of field `size` of flow `prod` at flow.tf:10:3 into `Form`: invalid value: integer `256`, expected u8
          help: change the allowed values, or read the field as another type"#]],
    );
}

form!(required_ticket:
    #[derive(Deserialize)]
    pub(super) struct Form {
        urgency: String,
        ticket: i64,
    }
);

#[test]
fn a_field_that_can_be_empty_must_be_optional() {
    let registry = || sym_sdk::handlers![required_ticket::on_request];
    let hidden = PromptField { visible: false, ..field("ticket", "int") };
    check(
        flow("prod", vec![field("urgency", "string"), optional("ticket", "int")]),
        registry(),
        &expect![[r#"
            error: fields.rs: hook `on_request` reads field `ticket` of flow `prod` at flow.tf:10:3 into `Form`, which requires a value, but it can be empty
              help: read it as an `Option`, or with `#[serde(default)]`, or make the field required and visible"#]],
    );
    check(
        flow("prod", vec![field("urgency", "string"), hidden]),
        registry(),
        &expect![[r#"
            error: fields.rs: hook `on_request` reads field `ticket` of flow `prod` at flow.tf:10:3 into `Form`, which requires a value, but it can be empty
              help: read it as an `Option`, or with `#[serde(default)]`, or make the field required and visible"#]],
    );
}

/// A cleared field does not get its default.
#[test]
fn a_default_does_not_keep_a_field_from_being_empty() {
    let ticket = PromptField { default: Some("1".into()), ..optional("ticket", "int") };
    let fields = vec![field("urgency", "string"), ticket];
    check(
        flow("prod", fields),
        sym_sdk::handlers![required_ticket::on_request],
        &expect![[r#"
        warning: fields.rs: hook `on_request` reads field `ticket` of flow `prod` at flow.tf:10:3 into `Form`, which requires a value, but a requester can clear it
          help: read it as an `Option`, or with `#[serde(default)]`, or make the field required and visible"#]],
    );
}

form!(attributes:
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Form {
        repo_name: String,
        #[serde(alias = "incident", alias = "case")]
        ticket: Option<i64>,
        #[serde(default)]
        note: String,
        #[serde(skip)]
        computed: usize,
        #[serde(rename = "How urgent")]
        urgency: Option<Option<Wrapped>>,
    }

    #[derive(Deserialize)]
    struct Wrapped(Box<Urgency>);

    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Urgency {
        #[serde(alias = "minor")]
        Low,
        High,
        #[serde(other)]
        Other,
    }
);

#[test]
fn attributes_of_serde_are_respected() {
    let registry = || sym_sdk::handlers![attributes::on_request];
    let form = |more: Vec<PromptField>| {
        flow("prod", [vec![field("repo-name", "string"), optional("note", "string")], more].concat())
    };
    check(
        form(vec![optional("case", "int")]),
        registry(),
        &expect![[r#"
        error: fields.rs: hook `on_request` reads the optional field `How urgent` into `Form`, which flow `prod` at flow.tf:1:3 does not have: it is never set
          help: the fields are `repo-name`, `note`, `case`"#]],
    );
    check(
        form(vec![optional("caes", "int")]),
        registry(),
        &expect![[r#"
        error: fields.rs: hook `on_request` reads the optional field `How urgent` into `Form`, which flow `prod` at flow.tf:1:3 does not have: it is never set
          help: the fields are `repo-name`, `note`, `caes`
        error: fields.rs: hook `on_request` reads the optional field `ticket` (or `case`, `incident`) into `Form`, which flow `prod` at flow.tf:1:3 does not have: it is never set
          help: did you mean `caes` at flow.tf:10:3?"#]],
    );
}

form!(flattened:
    #[derive(Deserialize)]
    struct Form {
        repo: String,
        #[serde(flatten)]
        common: Common,
    }

    #[derive(Deserialize)]
    struct Common {
        ticket: i64,
        urgency: Urgency,
    }

    #[derive(Deserialize)]
    enum Urgency {
        Low,
        High,
    }
);

#[test]
fn flattened_structs_are_checked_as_far_as_possible() {
    let registry = || sym_sdk::handlers![flattened::on_request];
    let urgency = || choice("urgency", &["Low", "High"]);
    check(
        flow("prod", vec![field("repo", "string"), field("ticket", "int"), urgency()]),
        registry(),
        &expect![[r#"
        note: fields.rs: hook `on_request` reads fields into `Form`, which does not tell their names, so a misspelled optional field is not found
          help: a struct without `#[serde(flatten)]` that derives `Deserialize` tells them"#]],
    );
    check(
        flow("prod", vec![field("repo", "string"), field("ticket", "string"), urgency()]),
        registry(),
        &expect![[r#"
            error: fields.rs: hook `on_request` reads field `ticket` of flow `prod` at flow.tf:10:3 into `Form`, which expects i64, but it is declared as `string`
              help: read it as `String`, or change the type of the field
            note: fields.rs: hook `on_request` reads fields into `Form`, which does not tell their names, so a misspelled optional field is not found
              help: a struct without `#[serde(flatten)]` that derives `Deserialize` tells them"#]],
    );
    check(
        flow("prod", vec![field("repo", "string"), optional("ticket", "int"), urgency()]),
        registry(),
        &expect![[r#"
            error: fields.rs: hook `on_request` reads field `ticket` of flow `prod` at flow.tf:10:3 into `Form`, which requires a value, but it can be empty
              help: read it as an `Option`, or with `#[serde(default)]`, or make the field required and visible
            note: fields.rs: hook `on_request` reads fields into `Form`, which does not tell their names, so a misspelled optional field is not found
              help: a struct without `#[serde(flatten)]` that derives `Deserialize` tells them"#]],
    );
    check(
        flow("prod", vec![field("repo", "string"), field("tikcet", "int"), urgency()]),
        registry(),
        &expect![[r#"
            error: fields.rs: hook `on_request` reads the field `ticket` into `Form`, which flow `prod` at flow.tf:1:3 does not have
              help: did you mean `tikcet` at flow.tf:10:3?
            note: fields.rs: hook `on_request` reads fields into `Form`, which does not tell their names, so a misspelled optional field is not found
              help: a struct without `#[serde(flatten)]` that derives `Deserialize` tells them"#]],
    );
    let low = choice("urgency", &["Low", "low"]);
    check(
        flow("prod", vec![field("repo", "string"), field("ticket", "int"), low]),
        registry(),
        &expect![[r#"
        error: fields.rs: hook `on_request` cannot read allowed value `low` of field `urgency` of flow `prod` at flow.tf:10:3 into `Form`: unknown variant `low`, expected `Low` or `High`
          help: change the allowed values, or read the field as another type
        note: fields.rs: hook `on_request` reads fields into `Form`, which does not tell their names, so a misspelled optional field is not found
          help: a struct without `#[serde(flatten)]` that derives `Deserialize` tells them"#]],
    );
}

form!(strict:
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        repo: String,
    }
);

#[test]
fn a_type_that_denies_unknown_fields_must_know_all() {
    let fields = vec![field("repo", "string"), field("reason", "string")];
    check(
        flow("prod", fields),
        sym_sdk::handlers![strict::on_request],
        &expect![[r#"
        error: fields.rs: hook `on_request` reads flow `prod` at flow.tf:1:3 into `Form`, which denies unknown fields, but there is field `reason`
          help: add `reason` to `Form`, or remove `#[serde(deny_unknown_fields)]`"#]],
    );
}

/// An address, whose rule no sample can know.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Address(#[allow(dead_code)] String);

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, &'static str> {
        if text.contains('@') { Ok(Self(text)) } else { Err("an address contains an @") }
    }
}

form!(rules:
    #[derive(Deserialize)]
    struct Form {
        address: Address,
        letter: char,
        first: std::net::IpAddr,
        user: SlackUserSelection,
        users: Vec<SlackUserSelection>,
        any: serde_json::Value,
        either: Either,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Flag(bool),
    }
);

/// A rule that no sample can know is not reported.
#[test]
fn types_with_rules_of_their_own_cause_no_false_alarm() {
    let fields = vec![
        field("address", "string"),
        field("letter", "string"),
        field("first", "string"),
        field("user", "slack_user"),
        field("users", "slack_user_list"),
        field("any", "str_list"),
        field("either", "int"),
    ];
    let mut form = fields.clone();
    form.push(field("unused", "string"));
    check(flow("prod", form), sym_sdk::handlers![rules::on_request], &expect!["nothing"]);
}

#[test]
fn an_allowed_value_must_follow_the_rules_of_its_type() {
    form!(allowed:
        #[derive(Deserialize)]
        struct Form {
            address: Address,
        }
    );
    let fields = vec![choice("address", &["ana@example.com", "ben"])];
    check(
        flow("prod", fields),
        sym_sdk::handlers![allowed::on_request],
        &expect![[r#"
        error: fields.rs: hook `on_request` cannot read allowed value `ben` of field `address` of flow `prod` at flow.tf:10:3 into `Form`: an address contains an @
          help: change the allowed values, or read the field as another type"#]],
    );
}

form!(map: type Form = BTreeMap<String, String>;);
form!(nothing: type Form = (););

#[test]
fn maps_read_any_name() {
    let fields = || vec![field("repo", "string"), optional("ticket", "string")];
    check(flow("prod", fields()), sym_sdk::handlers![map::on_request], &expect!["nothing"]);
    check(flow("prod", fields()), sym_sdk::handlers![nothing::on_request], &expect!["nothing"]);
    check(
        flow("prod", vec![field("size", "int")]),
        sym_sdk::handlers![map::on_request],
        &expect![[r#"
        error: fields.rs: hook `on_request` reads field `size` of flow `prod` at flow.tf:10:3 into `BTreeMap<String, String>`, which expects a string, but it is declared as `int`
          help: read it as `i64`, or change the type of the field"#]],
    );
}

form!(panicking:
    struct Form;

    impl<'de> Deserialize<'de> for Form {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> std::result::Result<Self, D::Error> {
            std::panic::panic_any("no")
        }
    }
);

#[test]
fn a_type_that_panics_is_skipped() {
    check(
        flow("prod", vec![field("repo", "string")]),
        sym_sdk::handlers![panicking::on_request],
        &expect![[r#"
        warning: fields.rs: the fields that hook `on_request` reads are not checked: deserializing `Form` panics
          help: return an error instead: a request would fail in the same way"#]],
    );
}

mod borrowed {
    use super::*;

    #[derive(Deserialize)]
    pub(super) struct Form<'a> {
        #[allow(dead_code)]
        repo: &'a str,
        #[allow(dead_code)]
        #[serde(borrow)]
        note: Option<std::borrow::Cow<'a, str>>,
    }

    #[hook]
    pub(super) fn on_request(_form: Fields<Form<'_>>) {}
}

#[test]
fn text_can_be_borrowed() {
    let registry = || sym_sdk::handlers![borrowed::on_request];
    check(flow("prod", vec![field("repo", "string"), optional("note", "string")]), registry(), &expect!["nothing"]);
    check(
        flow("prod", vec![field("repo", "int"), optional("note", "string")]),
        registry(),
        &expect![[r#"
            error: fields.rs: hook `on_request` reads field `repo` of flow `prod` at flow.tf:10:3 into `Form`, which expects a borrowed string, but it is declared as `int`
              help: read it as `i64`, or change the type of the field"#]],
    );
}

mod optional_argument {
    use sym_sdk::handler::ExtractError;

    use super::*;

    #[hook]
    pub(super) fn on_request(_form: Result<Fields<typed::Form>, ExtractError>) {}
}

#[test]
fn an_optional_argument_may_not_fit() {
    check(flow("prod", vec![]), sym_sdk::handlers![optional_argument::on_request], &expect!["nothing"]);
}

mod at_prompt {
    use super::*;

    #[hook]
    pub(super) fn on_prompt(_form: Fields<required_ticket::Form>) {}

    #[hook]
    pub(super) fn after_prompt(_form: Fields<BTreeMap<String, String>>) {}
}

#[test]
fn no_field_has_a_value_before_the_form_is_submitted() {
    let fields = vec![field("urgency", "string"), field("ticket", "int")];
    check(
        flow("prod", fields),
        sym_sdk::handlers![at_prompt::on_prompt, at_prompt::after_prompt],
        &expect![[r#"
        error: fields.rs: hook `on_prompt` reads field `urgency` into `Form`, but flow `prod` at flow.tf:1:3 calls it before the form is submitted, when no field has a value
          help: remove the argument"#]],
    );
}

form!(duration:
    #[derive(Deserialize)]
    struct Form {
        duration: u64,
        target_id: Option<String>,
    }
);

#[test]
fn the_duration_and_the_target_are_no_fields_of_a_request() {
    let mut config = crate::support::access_flow("okta");
    let duration = PromptField { allowed_values: Some(vec!["1h".into()]), ..field("duration", "duration") };
    config.flows[0].params.prompt_fields = vec![duration];
    expect![[r#"
        error: configuration: strategy `okta` has type `okta`, which is not registered
          help: no types are registered; the types of sym-integrations need `.with(sym_integrations::all())` and the feature of their service; register a strategy type of your own with `strategy_type`
        error: fields.rs: hook `on_request` reads the field `duration` into `Form`, which flow `prod` does not have
          help: the duration of the access is not among the fields: use `event.duration()`
        error: fields.rs: hook `on_request` reads the optional field `target_id` into `Form`, which flow `prod` does not have: it is never set
          help: the target is not among the fields: use `event.target()`
        warning: configuration: environment `main` has no error logger, so nobody is notified if access that flow `prod` gives cannot be revoked
          help: declare a `sym_error_logger`, and name it in the environment as `error_logger_id`"#]].assert_eq(&diagnostics(config, sym_sdk::handlers![duration::on_request]));
}

form!(lead:
    #[derive(Deserialize)]
    pub(super) struct Form {
        lead: Lead,
        address: Mail,
    }

    #[derive(Deserialize)]
    struct Lead {
        user_id: String,
        username: String,
    }

    /// A type with a rule of its own, under another name too.
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    pub(super) struct Mail(String);

    impl TryFrom<String> for Mail {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            if text.contains('@') { Ok(Self(text)) } else { Err("no address".to_owned()) }
        }
    }
);

form!(renamed:
    #[derive(Deserialize)]
    pub(super) struct Form {
        #[serde(alias = "mail")]
        address: super::lead::Mail,
    }
);

/// A username is there for known users: that it may be absent is a warning, and stops no flow.
#[test]
fn a_part_that_may_be_absent_is_a_warning() {
    let found = diagnostics(
        config(vec![flow("prod", vec![field("lead", "slack_user"), field("address", "string")])]),
        sym_sdk::handlers![lead::on_request],
    );
    assert!(found.starts_with("warning: ") && found.contains("if the user is not known"), "{found}");
}

/// Under either name, although no value of the type is known.
#[test]
fn another_name_of_a_type_with_a_rule_causes_no_false_alarm() {
    for name in ["address", "mail"] {
        let flows = vec![flow("prod", vec![field(name, "string")])];
        assert_eq!(diagnostics(config(flows), sym_sdk::handlers![renamed::on_request]), "nothing", "{name}");
    }
}

/// A flow with an error of its own does not have another one refused, which lacks what only the first one has.
#[test]
fn a_flow_that_could_not_be_read_may_have_what_others_lack() {
    let with = flow("with", vec![field("urgency", "string"), optional("incident", "int")]);
    let broken = sym_sdk::config::Flow { environment: "nowhere".into(), ..with };
    let without = flow("without", vec![field("urgency", "string")]);
    let registry = sym_sdk::handlers![optional_ticket::on_request];
    let found = diagnostics(config(vec![broken, without]), registry);
    assert!(found.contains("nowhere") && !found.contains("incident"), "{found}");
}
