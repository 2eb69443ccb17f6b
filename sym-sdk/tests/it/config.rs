//! The check of a configuration, and the model that it resolves to.

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::{Expect, expect};
use sym_sdk::config::{
    Config, Diagnostic, Diagnostics, Environment, ErrorLogger, Flow, FlowParams, FlowsFilter, Implementation,
    Integration, IntegrationSchema, LogDestination, LogDestinationSchema, Organization, PromptField, Reference,
    Schemas, SecretSource, SettingSchema, SettingsSchema, SourceLocation, Strategy, StrategySchema, Target,
    TargetSchema,
};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::forms::{FieldType, FieldValue};
use sym_sdk::model::{self, Source};

use crate::support::{add_secrets, integration, settings as map};

fn target(kind: &str, name: &str) -> Target {
    Target { kind: kind.into(), name: name.into(), ..Target::default() }
}

fn field(name: &str, field_type: &str) -> PromptField {
    PromptField { name: name.into(), field_type: field_type.into(), ..PromptField::default() }
}

fn drop_down(name: &str, field_type: &str, values: &[&str]) -> PromptField {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    PromptField { allowed_values: Some(values), ..field(name, field_type) }
}

const OKTA: IntegrationSchema =
    IntegrationSchema::new("okta", SettingsSchema::open(&[SettingSchema::required("api_token_secret")]));

const VAULT: IntegrationSchema = IntegrationSchema::new(
    "vault",
    SettingsSchema::open(&[SettingSchema::required("username_secret"), SettingSchema::required("password_secret")]),
);

const OKTA_STRATEGY: StrategySchema =
    StrategySchema::ANY.with_integration(OKTA).with_settings(SettingsSchema::closed(&[])).with_targets(&[
        TargetSchema::new("okta_group", SettingsSchema::closed(&[SettingSchema::required("group_id").bindable()])),
    ]);

const DATABASE_STRATEGY: StrategySchema = StrategySchema::ANY
    .with_integration(VAULT)
    .with_settings(SettingsSchema::closed(&[SettingSchema::required("url"), SettingSchema::optional("tls")]))
    .with_targets(&[
        TargetSchema::new("table", SettingsSchema::ANY),
        TargetSchema::new("view", SettingsSchema::closed(&[SettingSchema::required("query")])),
    ]);

const HTTP_LOG: LogDestinationSchema =
    LogDestinationSchema::ANY.with_settings(SettingsSchema::closed(&[SettingSchema::optional("url")]));

const ROLE: IntegrationSchema = IntegrationSchema::new("role", SettingsSchema::ANY).with_key("queue");

/// The schemas of the types in the configurations of these tests.
fn schemas() -> Schemas {
    let mut schemas = Schemas::new();
    schemas.add_strategy("okta", None, OKTA_STRATEGY);
    schemas.add_strategy("database", None, DATABASE_STRATEGY);
    schemas.add_strategy("queue", None, StrategySchema::ANY.with_integration(ROLE));
    schemas.add_strategy("http", None, StrategySchema::ANY.with_optional_integration());
    schemas.add_strategy("custom", Some("Free"), StrategySchema::ANY.with_optional_integration());
    schemas.add_log_destination("stream", LogDestinationSchema::ANY.with_integration(VAULT));
    schemas.add_log_destination("http", HTTP_LOG);
    schemas
}

/// One access flow, with everything that it needs.
fn config() -> Config {
    let mut config = Config {
        organization: Organization { slug: "acme".into(), domains: vec!["Acme.com".into()] },
        integrations: vec![
            integration("slack", "main", "T0"),
            Integration {
                settings: map(&[("api_token_secret", "Token"), ("region", "eu")]),
                ..integration("okta", "main", "acme.okta.com")
            },
        ],
        error_loggers: vec![ErrorLogger {
            name: "errors".into(),
            integration: Some(Reference::typed("slack", "main")),
            destination: "#errors".into(),
            ..ErrorLogger::default()
        }],
        environments: vec![Environment {
            name: "main".into(),
            integrations: BTreeMap::from([("slack".into(), Reference::typed("slack", "MAIN"))]),
            error_logger: Some("errors".into()),
            ..Environment::default()
        }],
        targets: vec![Target { settings: map(&[("group_id", "00g1")]), ..target("okta_group", "admins") }],
        strategies: vec![Strategy {
            kind: "okta".into(),
            name: "okta".into(),
            integration: Some(Reference::typed("okta", "main")),
            targets: vec!["admins".into()],
            ..Strategy::default()
        }],
        flows: vec![Flow {
            name: "prod".into(),
            environment: "Main".into(),
            params: FlowParams { strategy: Some("okta".into()), ..FlowParams::default() },
            ..Flow::default()
        }],
        ..Config::default()
    };
    add_secrets(&mut config, &[("token", "TOKEN")]);
    config
}

#[track_caller]
fn check(config: &Config, expected: Expect) {
    let errors = config.check_with(&schemas()).expect_err("the configuration has errors");
    expected.assert_eq(&format!("{errors}\n"));
}

/// Checks an access flow with these fields.
#[track_caller]
fn check_fields(fields: Vec<PromptField>, expected: Expect) {
    let mut config = config();
    config.flows[0].params.prompt_fields = fields;
    check(&config, expected);
}

#[test]
fn resolves_all_references() {
    let mut config = config();
    config.flows[0].params.prompt_fields = vec![
        field("reason", "string"),
        drop_down("size", "int", &["1", "2"]),
        drop_down("duration", "duration", &["30m"]),
    ];
    config.flows[0].params.allowed_sources = Some(vec!["api".into(), "web".into()]);
    config.flows[0].implementation = Implementation::Module("acme::prod".into());
    config.flows_filter = Some(FlowsFilter {
        integrations: BTreeMap::from([("okta".into(), Reference::typed("okta", "main"))]),
        ..FlowsFilter::default()
    });
    let checked = config.check().unwrap();
    assert_eq!(checked.organization.domains, ["acme.com"]);
    let flow = checked.flows.get("prod").unwrap();
    assert_eq!(flow.srn().to_string(), "acme:flow:prod:1.0.0");
    assert_eq!(flow.implementation(), Some("acme::prod"));
    assert_eq!(flow.params().allowed_sources, Some([Source::Api, Source::Web].into()));
    assert_eq!(flow.params().durations, [Duration::from_secs(1800)]);
    assert_eq!(flow.field("size").unwrap().field_type(), FieldType::Int);
    assert_eq!(flow.field("size").unwrap().allowed_values(), [FieldValue::Int(1), FieldValue::Int(2)]);
    assert_eq!(flow.environment().error_logger(), Some("#errors"));
    assert_eq!(flow.environment().integration("slack").unwrap().external_id(), "T0");
    let strategy = flow.strategy().unwrap();
    assert_eq!(strategy.target_by_name("admins").unwrap().srn().organization(), "acme");
    let okta = strategy.integration().unwrap();
    assert_eq!(okta.secret("api_token_secret").unwrap().source(), &model::SecretSource::Environment);
    assert_eq!(okta.settings(), &map(&[("region", "eu")]));
    assert_eq!(checked.flows_filter.unwrap().integrations["okta"].name(), &"main");
}

#[test]
fn resolves_the_durations_of_a_flow() {
    let durations = |change: fn(&mut Config)| {
        let mut config = config();
        change(&mut config);
        let checked = config.check().unwrap_or_else(|errors| panic!("{errors}"));
        checked.flows[0].params().durations.iter().map(Duration::as_secs).collect::<Vec<_>>()
    };
    assert_eq!(durations(|_| {}), [30, 600, 3600]);
    assert!(durations(|config| config.flows[0].params.schedule_deescalation = false).is_empty());
    assert!(durations(|config| config.flows[0].params.strategy = None).is_empty());
    assert_eq!(
        durations(
            |config| config.flows[0].params.prompt_fields = vec![drop_down("duration", "duration", &["1d", "1mo"])]
        ),
        [86_400, 2_592_000]
    );
}

#[test]
fn resolves_lists_of_secrets_and_contexts() {
    let mut config = config();
    config.secret_sources.push(SecretSource {
        kind: "aws_secrets_manager".into(),
        name: "aws".into(),
        settings: map(&[("context_id", "runtime")]),
        ..SecretSource::default()
    });
    config.secrets[0].source = Reference::typed("aws_secrets_manager", "aws");
    config.secrets[0].json_key = Some("key".into());
    config.integrations.push(Integration {
        kind: "permission_context".into(),
        name: "runtime".into(),
        ..Integration::default()
    });
    config.integrations.push(Integration {
        kind: "custom".into(),
        name: "pager".into(),
        settings: map(&[("secret_ids_json", r#"["token"]"#)]),
        ..Integration::default()
    });
    config.environments[0].integrations.insert("pager".into(), "pager".into());
    let checked = config.check().unwrap();
    let pager = checked.flows[0].environment().integration("pager").unwrap();
    let secret = &pager.secret_list()[0];
    assert_eq!((secret.path(), secret.json_key()), ("TOKEN", Some("key")));
    assert_eq!(secret.source(), &model::SecretSource::AwsSecretsManager { context: Some("runtime".into()) });
}

#[test]
fn reports_references_to_undeclared_items() {
    let mut config = config();
    config.flows[0].environment = "mian".into();
    config.flows[0].params.strategy = Some(Reference::typed("okta", "otka"));
    config.environments[0].integrations.insert("pagerduty".into(), Reference::typed("pagerduty", "main"));
    config.environments[0].integrations.insert("other".into(), "main".into());
    config.environments[0].error_logger = Some("error".into());
    config.environments[0].log_destinations = vec![Reference::typed("http", "logs")];
    config.strategies[0].targets.push("admin".into());
    config.secrets[0].source = "nev".into();
    config.integrations[1].settings.insert("other_secret".into(), "tokn".into());
    config.integrations[1].settings.insert("secret_ids_json".into(), "token".into());
    check(
        &config,
        expect![[r#"
            configuration: `secret_ids_json` of integration `main` is not a JSON list of the names of secrets
              help: write `secret_ids_json = jsonencode([sym_secret.….id])`
            configuration: environment `main` names error logger `error`, which is not declared
              help: did you mean `errors`?
            configuration: environment `main` names integration `main`, which is ambiguous
              help: add the type: declarations of this name have the types `okta`, `slack`
            configuration: environment `main` names integration `pagerduty.main`, which is not declared
              help: a declaration of this name has the type `okta`
            configuration: environment `main` names log destination `http.logs`, which is not declared
            configuration: flow `prod` names environment `mian`, which is not declared
              help: did you mean `main`?
            configuration: flow `prod` names strategy `okta.otka`, which is not declared
              help: did you mean `okta`?
            configuration: integration `main` names secret `tokn` in `other_secret`, which is not declared
              help: did you mean `token`?
            configuration: secret `token` names secret source `nev`, which is not declared
              help: did you mean `env`?
            configuration: strategy `okta` names target `admin`, which is not declared
              help: did you mean `admins`?
        "#]],
    );
}

#[test]
fn reports_invalid_and_duplicate_names() {
    let mut config = config();
    config.flows.push(Flow { name: "PROD".into(), environment: "main".into(), ..Flow::default() });
    config.flows.push(Flow { name: "two words".into(), environment: "main".into(), ..Flow::default() });
    config.flows.push(Flow { environment: "main".into(), ..Flow::default() });
    config.targets.push(target("okta_group", "Admins"));
    config.targets.push(target("github_repo", "admins"));
    config.targets.push(target("", "untyped"));
    config.organization = Organization { slug: "a b".into(), domains: vec!["@acme.com".into(), "acme".into()] };
    check(
        &config,
        expect![[r#"
            configuration: "@acme.com" is not an e-mail domain
              help: write the part of the addresses after the `@`, such as `example.com`
            configuration: "acme" is not an e-mail domain
              help: write the part of the addresses after the `@`, such as `example.com`
            configuration: flow `PROD` is declared twice
              help: names must be unique, ignoring case
            configuration: flow: `` is not a slug: it is empty
              help: use letters, digits, dashes and underscores
            configuration: flow: `two words` is not a slug: it contains ' '
              help: use letters, digits, dashes and underscores
            configuration: slug of the organization: `a b` is not a slug: it contains ' '
              help: use letters, digits, dashes and underscores
            configuration: strategy `okta` names target `admins`, which is ambiguous
              help: add the type: declarations of this name have the types `github_repo`, `okta_group`
            configuration: target `Admins` of type `okta_group` is declared twice
              help: names must be unique, ignoring case
            configuration: target `untyped` has no type
        "#]],
    );
}

#[test]
fn checks_strategies_against_their_schemas() {
    let mut config = config();
    let strategy = |kind: &str, integration: Option<Reference>, targets: &[&str]| Strategy {
        kind: kind.into(),
        name: kind.into(),
        integration,
        targets: targets.iter().map(|name| Reference::named(*name)).collect(),
        ..Strategy::default()
    };
    config.targets.push(target("okta_grop", "typo"));
    config.targets.push(target("github_repo", "repo"));
    config.targets.push(target("thing", "thing"));
    config.targets.push(target("okta_group", "empty"));
    config.targets.push(Target {
        settings: map(&[("group_id", "00g2"), ("gruop", "x")]),
        field_bindings: vec!["role".into()],
        ..target("okta_group", "extra")
    });
    config.targets.push(Target { field_bindings: vec!["query".into()], ..target("view", "bound") });
    config.strategies = vec![
        strategy(
            "okta",
            Some(Reference::typed("okta", "main")),
            &["admins", "admins", "typo", "repo", "empty", "extra"],
        ),
        Strategy {
            settings: map(&[("tsl", "yes")]),
            ..strategy("database", Some(Reference::typed("okta", "main")), &["bound"])
        },
        strategy("database2", Some(Reference::typed("okta", "main")), &[]),
        strategy("unregistered", None, &["repo"]),
        // These have no errors.
        strategy("http", None, &["thing"]),
        Strategy { name: "free".into(), ..strategy("custom", None, &["thing"]) },
        strategy("acme_vault", Some(Reference::typed("okta", "main")), &["thing"]),
    ];
    config.strategies.push(Strategy { kind: "database".into(), name: "alone".into(), ..strategy("", None, &["repo"]) });
    check(
        &config,
        expect![[r#"
        configuration: flow `prod` has no field `role`, to which target `extra` binds its setting of that name
          help: add a `prompt_field` with `name = "role"`
        configuration: strategy `alone` needs an integration of type `vault`
          help: set its `integration_id` to the id of a `sym_integration`
        configuration: strategy `alone` needs the setting `url`
          help: write `url = "…"`
        configuration: strategy `database2` has no targets
          help: add the id of a target to its `targets`
        configuration: strategy `database` has the setting `tsl`, which type `database` does not have
          help: did you mean `tls`? the settings are `url`, `tls`
        configuration: strategy `database` needs an integration of type `vault`, but integration `main` is of type `okta`
        configuration: strategy `database` needs the setting `url`
          help: write `url = "…"`
        configuration: strategy `okta` names target `admins` twice
        configuration: strategy `unregistered` needs an integration
          help: set its `integration_id` to the id of a `sym_integration`
        configuration: target `bound` takes the setting `query` from a field, but it must be fixed
          help: write `query` in `settings`, and remove it from `field_bindings`
        configuration: target `empty` needs the setting `group_id`
          help: write `group_id = "…"`, or name it in `field_bindings` so that requesters fill it in
        configuration: target `extra` binds the setting `role`, which type `okta_group` does not have
          help: the bindable settings are `group_id`
        configuration: target `extra` has the setting `gruop`, which type `okta_group` does not have
          help: the settings are `group_id`
        configuration: target `repo` is of type `github_repo`, which strategy `alone` of type `database` cannot grant access to
          help: its targets must be of type `table` or `view`
        configuration: target `repo` is of type `github_repo`, which strategy `okta` of type `okta` cannot grant access to
          help: its targets must be of type `okta_group`
        configuration: target `typo` is of type `okta_grop`, which strategy `okta` of type `okta` cannot grant access to
          help: did you mean `okta_group`?
    "#]],
    );
}

#[test]
fn checks_integrations_and_log_destinations() {
    let mut config = config();
    config.integrations[1].settings.clear();
    config.integrations.push(Integration { kind: "vault".into(), name: "a".into(), ..Integration::default() });
    config.error_loggers[0].integration = Some(Reference::typed("okta", "main"));
    config.secrets[0].path.clear();
    let log = |kind: &str| LogDestination { kind: kind.into(), name: kind.into(), ..LogDestination::default() };
    config.log_destinations = vec![
        log("stream"),
        LogDestination { integration: Some(Reference::typed("okta", "main")), name: "other".into(), ..log("stream") },
        LogDestination { settings: map(&[("ulr", "https://logs.example.com")]), ..log("http") },
        log("acme"),
    ];
    config.secret_sources[0].settings = map(&[("context_id", "runtime")]);
    check(
        &config,
        expect![[r#"
        configuration: error logger `errors` needs an integration of type `slack`, but integration `main` is of type `okta`
        configuration: integration `a` needs the setting `password_secret`
          help: write `password_secret = sym_secret.….id`, or the name of a secret
        configuration: integration `a` needs the setting `username_secret`
          help: write `username_secret = sym_secret.….id`, or the name of a secret
        configuration: integration `main` needs the setting `api_token_secret`
          help: write `api_token_secret = sym_secret.….id`, or the name of a secret
        configuration: log destination `http` has the setting `ulr`, which type `http` does not have
          help: did you mean `url`? the settings are `url`
        configuration: log destination `other` needs an integration of type `vault`, but integration `main` is of type `okta`
        configuration: log destination `stream` needs an integration of type `vault`
          help: set its `integration_id` to the id of a `sym_integration`
        configuration: secret `token` has no path
          help: write the position of the secret in its source, such as the name of an environment variable
        configuration: secret source `env` names integration `runtime`, which is not declared
    "#]],
    );
}

#[test]
fn infers_the_type_of_integrations_that_modules_create() {
    let connector = Reference::typed("module", "connector");
    let config_with = |key: &str, strategy: Option<&str>| {
        let mut config = config();
        config.integrations.push(Integration {
            kind: "module".into(),
            name: "connector".into(),
            ..Integration::default()
        });
        config.environments[0].integrations.insert(key.into(), connector.clone());
        if let Some(kind) = strategy {
            config.strategies[0].kind = kind.into();
            config.strategies[0].integration = Some(connector.clone());
            config.flows[0].params.strategy = Some(Reference::typed(kind, "okta"));
        }
        config
    };
    let kind = |key: &str, strategy: Option<&str>| {
        let checked = config_with(key, strategy).check_with(&schemas()).unwrap_or_else(|errors| panic!("{errors}"));
        let flow = &checked.flows[0];
        let integration = flow.environment().integration(key).unwrap();
        if strategy.is_some() {
            assert_eq!(flow.strategy().unwrap().integration(), Some(integration));
        }
        integration.kind().to_owned()
    };
    assert_eq!(kind("other", Some("queue")), "role");
    assert_eq!(kind("queue", None), "role");
    assert_eq!(kind("other", None), "other");
    let errors = config_with("vault", None).check_with(&schemas()).unwrap_err().to_string();
    assert!(errors.contains("integration `connector` needs the setting `password_secret`"), "{errors}");
}

#[test]
fn checks_the_parameters_of_flows() {
    let mut config = config();
    config.flows[0].params.allow_revoke = false;
    config.flows[0].params.schedule_deescalation = false;
    config.flows[0].params.allowed_sources = Some(vec!["slack".into(), "slck".into()]);
    config.targets[0].settings.clear();
    config.targets[0].field_bindings = vec!["group_id".into()];
    config.flows[0].params.prompt_fields = vec![field("groupid", "string")];
    check(
        &config,
        expect![[r#"
            configuration: flow `prod` has no field `group_id`, to which target `admins` binds its setting of that name
              help: did you mean `groupid`?
            configuration: flow `prod` sets both `allow_revoke` and `schedule_deescalation` to false
              help: set at least one of them to true: otherwise access could never end
            configuration: flow `prod`: `allowed_sources`: `slck` is not a request source
              help: did you mean `slack`? the sources are `slack`, `api`, `web`, `mcp`
        "#]],
    );
    config.flows[0].params = FlowParams {
        strategy: Some("okta".into()),
        allowed_sources: Some(Vec::new()),
        prompt_fields: vec![field("group_id", "string")],
        ..FlowParams::default()
    };
    assert_eq!(config.check().unwrap().flows[0].params().allowed_sources, Some([].into()));
}

#[test]
fn rejects_an_empty_list_of_allowed_values() {
    let mut config = config();
    config.flows[0].params.prompt_fields = vec![field("repo", "string"), field("urgency", "string")];
    config.flows[0].params.prompt_fields[0].allowed_values = Some(Vec::new());
    check(
        &config,
        expect![[r#"
            configuration: field `repo` of flow `prod` has an empty list of allowed values
              help: add values, or remove `allowed_values` to accept any value
        "#]],
    );
    config.flows[0].params.prompt_fields[0].allowed_values = None;
    config.check().unwrap();
}

/// A reducer's options that are not among the allowed values could be chosen and never requested.
#[test]
fn warns_about_allowed_values_of_a_prefetched_field() {
    let mut config = config();
    config.flows[0].params.prompt_fields = vec![
        PromptField { prefetch: true, ..drop_down("repo", "string", &["web"]) },
        PromptField { prefetch: true, allowed_values: Some(Vec::new()), ..field("team", "string") },
        drop_down("size", "string", &["big"]),
    ];
    let checked = config.check_with(&schemas()).unwrap();
    let warnings: Vec<String> = checked.warnings.iter().map(ToString::to_string).collect();
    let about_fields: Vec<&String> = warnings.iter().filter(|warning| warning.contains("field `")).collect();
    expect![[r#"
        [
            "configuration: field `repo` of flow `prod` has both `prefetch` and `allowed_values`: only options that are among both can be requested\n  help: remove `allowed_values`, and let the prefetch reducer leave out what may not be requested",
        ]
    "#]].assert_debug_eq(&about_fields);
}

#[test]
fn suggests_the_field_type_that_is_called_otherwise_elsewhere() {
    for (text, kind) in [
        ("integer", "int"),
        ("number", "int"),
        ("text", "string"),
        ("boolean", "bool"),
        ("list", "str_list"),
        ("user", "slack_user"),
        ("sting", "string"),
    ] {
        let error = text.parse::<FieldType>().unwrap_err();
        let hint = error.hint().unwrap();
        assert!(hint.starts_with(&format!("did you mean `{kind}`? the field types are `string`, ")), "{text}: {hint}");
    }
    let hint = "colour".parse::<FieldType>().unwrap_err().hint().unwrap().to_owned();
    assert!(hint.starts_with("the field types are"), "{hint}");
}

#[test]
fn rejects_a_binding_of_a_fixed_setting() {
    let mut config = config();
    config.targets[0].settings = map(&[("group_id", "00g1")]);
    config.targets[0].field_bindings = vec!["group_id".into()];
    config.flows[0].params.prompt_fields = vec![field("group_id", "string")];
    check(
        &config,
        expect![[r#"
            configuration: target `admins` sets `group_id` in its `settings` and in its `field_bindings`
              help: remove one of them: the field's value would override the setting
        "#]],
    );
    config.targets[0].settings = map(&[("group_id", "")]);
    config.check().unwrap();
}

#[test]
fn checks_types_and_names_of_fields() {
    check_fields(
        vec![
            field("a", "strng"),
            field("b", "list"),
            field("two words", "string"),
            field("", "string"),
            field("twice", "string"),
            field("twice", "int"),
        ],
        expect![[r#"
            configuration: field `` of flow `prod`: `` is not a valid field name
              help: a field name consists of letters, digits, hyphens and underscores
            configuration: field `a` of flow `prod`: `strng` is not a field type
              help: did you mean `string`? the field types are `string`, `int`, `bool`, `duration`, `slack_user`, `slack_user_list`, `str_list`, `int_list`
            configuration: field `b` of flow `prod`: `list` is not a field type
              help: did you mean `str_list`? the field types are `string`, `int`, `bool`, `duration`, `slack_user`, `slack_user_list`, `str_list`, `int_list`
            configuration: field `twice` of flow `prod` is declared twice
              help: rename or remove one of them
            configuration: field `two words` of flow `prod`: `two words` is not a valid field name
              help: a field name consists of letters, digits, hyphens and underscores
        "#]],
    );
}

#[test]
fn checks_allowed_values_and_defaults() {
    let default = |default: &str, field: PromptField| PromptField { default: Some(default.into()), ..field };
    check_fields(
        vec![
            default("x", field("user", "slack_user")),
            default("x", field("texts", "str_list")),
            default("x", field("number", "int")),
            default("maybe", field("flag", "bool")),
            default("c", drop_down("pick", "string", &["a", "b"])),
            drop_down("users", "slack_user_list", &["a"]),
            drop_down("numbers", "int_list", &["1", "two", "3.5"]),
            drop_down("same", "string", &["a", "a"]),
            drop_down("long", "string", &[&"x".repeat(56)]),
            PromptField { prefetch: true, ..field("who", "slack_user") },
        ],
        expect![[r#"
            configuration: allowed values of field `long` of flow `prod`: the value of an option must have at most 55 characters, but has 56: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`
            configuration: allowed values of field `numbers` of flow `prod`: expected a whole number, got `3.5`
            configuration: allowed values of field `numbers` of flow `prod`: expected a whole number, got `two`
            configuration: allowed values of field `same` of flow `prod`: `a` is listed twice
            configuration: default of field `flag` of flow `prod`: expected `true` or `false`, got `maybe`
            configuration: default of field `number` of flow `prod`: expected a whole number, got `x`
            configuration: default of field `pick` of flow `prod`: field `pick` does not allow `c`
              help: choose one of `a`, `b`
            configuration: field `texts` of flow `prod` of type `str_list` cannot have a default
            configuration: field `user` of flow `prod` of type `slack_user` cannot have a default
            configuration: field `users` of flow `prod` of type `slack_user_list` cannot have allowed values
            configuration: field `who` of flow `prod` of type `slack_user` cannot have `prefetch`
              help: remove `prefetch`: Slack lists the users itself
        "#]],
    );
    let mut config = config();
    config.flows[0].params.prompt_fields = vec![
        default("2", drop_down("n", "int", &["1", "2"])),
        default("5m", field("t", "duration")),
        drop_down("l", "str_list", &["a", "b"]),
        PromptField { prefetch: true, on_change: true, visible: false, ..field("p", "string") },
    ];
    let checked = config.check().unwrap();
    assert_eq!(checked.flows[0].field("n").unwrap().default(), Some(&FieldValue::Int(2)));
    assert!(checked.flows[0].field("p").unwrap().is_prefetched());
    assert!(!checked.flows[0].field("p").unwrap().is_visible());
}

#[test]
fn checks_the_duration_and_target_fields() {
    check_fields(
        vec![PromptField { required: false, ..field("duration", "int") }, field("target_id", "int")],
        expect![[r#"
            configuration: field `duration` of flow `prod` must be of type `duration`, got `int`
            configuration: field `duration` of flow `prod` must be required
            configuration: field `duration` of flow `prod` must have allowed values
              help: write durations, such as `allowed_values = ["30m", "1h"]`
            configuration: field `target_id` of flow `prod` must be of type `string`, got `int`
        "#]],
    );
    check_fields(
        vec![drop_down("duration", "duration", &["1h", "1h30m", "60m", "0s"])],
        expect![[r#"
            configuration: allowed values of field `duration` of flow `prod`: `60m` is listed twice
            configuration: allowed values of field `duration` of flow `prod`: expected a duration such as `30m`, got `1h30m`
              help: a duration is a whole number and a unit: `s`, `m`, `h`, `d` or `mo` (30 days)
            configuration: allowed values of field `duration` of flow `prod`: the duration `0s` must be more than zero
        "#]],
    );

    let mut config = config();
    config.flows[0].params.strategy = None;
    config.flows[0].params.prompt_fields =
        vec![drop_down("duration", "duration", &["1h"]), field("target_id", "string")];
    check(
        &config,
        expect![[r#"
            configuration: field `duration` of flow `prod` has no effect in a flow without a strategy
              help: remove the field, or add a strategy: without one, no access is granted that could end
            configuration: field `target_id` of flow `prod` has no effect in a flow without a strategy
              help: remove the field, or add a strategy: its targets are the options of the field
        "#]],
    );

    // The options of the field are the targets of the strategy.
    config.flows[0].params.strategy = Some("okta".into());
    config.flows[0].params.prompt_fields = vec![drop_down("target_id", "string", &["a"])];
    let checked = config.check().unwrap();
    assert!(checked.flows[0].field("target_id").unwrap().allowed_values().is_empty());
    assert!(
        checked.warnings[0].message.ends_with("are ignored: its options are the targets of the strategy"),
        "{:?}",
        checked.warnings
    );
}

/// Safety finding 6. A warning rather than an error: a flow without an error logger works, and Sym's own examples have none.
#[test]
fn warns_about_access_flows_without_an_error_logger() {
    let mut config = config();
    assert_eq!(config.check().unwrap().warnings, []);
    config.environments[0].error_logger = None;
    let warnings = config.check().unwrap().warnings;
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert_eq!(warning.severity, sym_sdk::config::Severity::Warning);
    assert!(warning.message.contains("has no error logger, so nobody is notified"), "{warning}");
    for flow in &mut config.flows {
        flow.params.strategy = None;
        flow.params.prompt_fields.retain(|field| field.name != "duration");
    }
    let warnings = config.check().unwrap().warnings;
    assert!(!warnings.iter().any(|warning| warning.message.contains("error logger")), "no access: {warnings:?}");
}

#[test]
fn diagnostics_are_sorted_and_unique() {
    let at = |line| SourceLocation { file: Some(std::path::PathBuf::from("flow.tf").into()), line, column: 3 };
    assert_eq!(Diagnostics::check([]), Ok(()));
    let late = Diagnostic::error(at(7), "late").with_hint("do it earlier");
    let errors = Diagnostics::check([late.clone(), Diagnostic::error(at(2), "early"), late]).unwrap_err();
    assert_eq!(errors.to_string(), "flow.tf:2:3: early\nflow.tf:7:3: late\n  help: do it earlier");
    assert_eq!(
        serde_json::to_value(&errors).unwrap(),
        serde_json::json!([
            { "severity": "error", "file": "flow.tf", "line": 2, "column": 3, "message": "early", "hint": null },
            { "severity": "error", "file": "flow.tf", "line": 7, "column": 3, "message": "late", "hint": "do it earlier" },
        ])
    );
    let error = sym_sdk::Error::from(errors);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, &codes::CONFIGURATION));
    assert_eq!(error.message(), "the configuration has 2 errors");
}
