use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use serde_json::{Map, json};
use sym_sdk::error::codes;
use sym_sdk::forms::{FieldMap, FieldSpec, FieldType, FieldValue};
use sym_sdk::model::{
    AccessTarget, Channel, ChannelType, Environment, Event, Flow, FlowParams, Flows, Integration, Run, RunId,
    RunStatus, Secret, SecretSource, Slug, Srn, Step, Strategy, User, UserId,
};

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn person(email: &str) -> User {
    User::from_email(email).unwrap()
}

fn target() -> AccessTarget {
    AccessTarget::new("acme", "github_repo", slug("any-repo")).with_label("A repository").with_field_binding("repo")
}

fn flow() -> Arc<Flow> {
    let strategy = Strategy::new(slug("github"), "github").with_target(target());
    let flow = Flow::builder(slug("prod"), "acme")
        .var("request_channel", "#requests")
        .var("approvers", "ann@example.com")
        .field(FieldSpec::new("repo", FieldType::String).unwrap())
        .strategy(strategy)
        .version(2)
        .build();
    Arc::new(flow)
}

#[test]
fn a_plain_handler_can_be_called_with_a_built_event() {
    let (ann, bob) = (person("ann@example.com"), person("bob@example.com"));
    let bound = target().bind(&FieldMap::from_iter([("repo", "sym-sdk")])).unwrap();
    let event = Event::builder(flow(), Step::Approve, ann.clone())
        .actor(Step::Request, bob.clone())
        .field("repo", "sym-sdk")
        .field("reason", "release")
        .target(bound)
        .duration(Duration::from_secs(1800))
        .context(Step::Request, Map::from_iter([("diff.txt".to_owned(), json!("main.tf"))]))
        .step_output(Step::Escalate, json!({ "errors": [] }))
        .at("2026-01-02T03:04:05Z".parse().unwrap())
        .build();

    assert_eq!(event.name(), Step::Approve);
    assert_eq!(*event.user(), ann);
    assert_eq!(event.requester(), Some(&bob));
    assert_eq!(event.actor(Step::Approve), Some(&ann));
    assert_eq!(event.actor(Step::Deny), None);
    assert_eq!(event.fields().text("repo").unwrap(), "sym-sdk");
    assert_eq!(event.reason(), Some("release"));
    assert_eq!(event.duration(), Some(Duration::from_secs(1800)));
    assert_eq!(event.target().unwrap().setting("repo").unwrap(), "sym-sdk");
    assert_eq!(event.context(Step::Request).unwrap()["diff.txt"], "main.tf");
    assert_eq!(event.context(Step::Approve), None);
    assert_eq!(event.step_output(Step::Escalate).unwrap()["errors"], json!([]));
    assert_eq!(event.timestamp().to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(event.channel().kind(), ChannelType::Slack);
    assert_eq!(event.srn(), "sym:event-spec:approval:1.0.0:approve");
    assert_eq!(event.run().srn(), "acme:run:prod:2.0.0:00000000-0000-0000-0000-000000000000");
}

#[test]
fn json_of_an_event() {
    let event = Event::builder(flow(), Step::Request, person("ann@example.com"))
        .field("repo", "sym-sdk")
        .duration(Duration::from_secs(60))
        .channel(Channel::new(ChannelType::Api))
        .build();
    let json = event.to_json();
    assert_eq!(json["event"]["type"], "request");
    assert_eq!(serde_json::to_value(&event).unwrap(), json);
    assert_eq!(json["event"]["channel"], "sym");
    assert_eq!(json["event"]["srn"], "sym:event-spec:approval:1.0.0:request");
    assert_eq!(json["run"]["flow"], "acme:flow:prod:2.0.0");
    assert_eq!(json["run"]["actors"]["request"]["username"], "ann@example.com");
    assert_eq!(json["fields"], json!({ "repo": "sym-sdk", "duration": 60 }));
}

#[test]
fn explains_missing_vars() {
    let flow = flow();
    assert_eq!(flow.var("approvers").unwrap(), "ann@example.com");
    expect![[r#"
        flow `prod` has no var `request_chanel` (SymSDK:UNKNOWN_VAR)
          help: did you mean `request_channel`? the vars in flow `prod` are `approvers`, `request_channel`"#]]
    .assert_eq(&flow.var("request_chanel").unwrap_err().report().to_string());
    expect![[r#"
        flow `bare` has no var `x` (SymSDK:UNKNOWN_VAR)
          help: there are no vars in flow `bare`"#]]
    .assert_eq(&Flow::builder(slug("bare"), "acme").build().var("x").unwrap_err().report().to_string());
}

#[test]
fn flow_defaults_and_version() {
    let flow = Flow::builder(slug("Prod"), "Acme Inc").build();
    assert_eq!(flow.srn().to_string(), "acme-inc:flow:prod:1.0.0");
    assert_eq!(flow.label(), "prod");
    let params = flow.params();
    assert!(params.allow_revoke && params.schedule_deescalation);
    assert!(!params.include_decision_message && !params.allow_guest_interaction);
    assert_eq!(params.allowed_sources, None);
    assert_eq!(params.durations, [30, 600, 3600].map(Duration::from_secs));
    let late = Flow::builder(slug("x"), "acme").version(100_000).build();
    assert_eq!(late.srn().to_string(), "acme:flow:x:999.0.0");
    assert_eq!(Srn::parse(&late.srn().to_string()).unwrap(), *late.srn());
}

#[test]
fn params_round_trip() {
    let params = FlowParams::default();
    let json = serde_json::to_value(&params).unwrap();
    assert_eq!(json["durations"], json!([30, 600, 3600]));
    assert_eq!(serde_json::from_value::<FlowParams>(json).unwrap(), params);
}

#[test]
fn a_field_of_the_same_name_replaces_the_first() {
    let flow = Flow::builder(slug("x"), "acme")
        .field(FieldSpec::new("a", FieldType::String).unwrap())
        .field(FieldSpec::new("b", FieldType::String).unwrap())
        .field(FieldSpec::new("a", FieldType::Int).unwrap())
        .build();
    assert_eq!(flow.fields().iter().map(FieldSpec::name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(flow.field("a").unwrap().field_type(), FieldType::Int);
}

#[test]
fn flows_by_name() {
    let flows = Flows::from_iter([flow()]);
    assert!(flows.get("PROD").is_some());
    assert!(flows.get("dev").is_none());
    assert_eq!(flows.len(), 1);
}

#[test]
fn targets_are_found_by_id_name_and_srn() {
    let flow = flow();
    let strategy = flow.strategy().unwrap();
    let target = &strategy.targets()[0];
    assert_eq!(strategy.target_by_id(target.id()), Some(target));
    assert_eq!(strategy.target_by_name("ANY-repo"), Some(target));
    let srn = target.srn();
    assert_eq!(srn, *format!("acme:access_target:github_repo:any-repo:latest:{}", target.id()).as_str());
    for accepted in [
        srn.to_string(),
        "acme:access_target:github_repo:any-repo:latest".to_owned(),
        "acme:access_target:any-repo:1.0.0".to_owned(),
    ] {
        assert_eq!(strategy.target_by_srn(&Srn::parse_lenient(&accepted).unwrap()), Some(target), "{accepted}");
    }
    for other in [
        "acme:access_target:okta_group:any-repo:latest",
        "acme:access_target:github_repo:other:latest",
        "umbrella:access_target:github_repo:any-repo:latest",
        "acme:access_target:github_repo:any-repo:latest:abc",
    ] {
        assert_eq!(strategy.target_by_srn(&Srn::parse(other).unwrap()), None, "{other}");
    }
}

#[test]
fn bound_settings_come_from_fields() {
    let mut fields = FieldMap::from_iter([("repo", FieldValue::from("sym-sdk")), ("force", FieldValue::from(true))]);
    let target = target().with_field_binding("force");
    let bound = target.bind(&fields).unwrap();
    assert_eq!(bound.setting("repo").unwrap(), "sym-sdk");
    assert_eq!(bound.setting("force").unwrap(), "true");
    assert_eq!(bound.id(), target.id());
    fields.remove("repo");
    expect![[r#"
        target `any-repo` takes its setting `repo` from the field `repo`, which has no value (SymSDK:MISSING_FIELD)
          help: the fields are `force`: bool"#]]
    .assert_eq(&target.bind(&fields).unwrap_err().report().to_string());
}

/// W8.
#[test]
fn spellings_that_look_the_same_bind_the_same_resource() {
    let bind = |value: &str| target().bind(&FieldMap::from_iter([("repo", value)])).unwrap();
    let website = bind("acme/websité");
    for same in ["acme/websité ", "acme/websité\u{200b}", "\u{a0}acme/websité", "acme/website\u{301}"] {
        assert_eq!(bind(same), website, "{same:?}");
    }
}

#[test]
fn rejects_settings_bound_to_empty_fields() {
    let bind = |value: FieldValue| target().bind(&FieldMap::from_iter([("repo", value)]));
    for blank in ["".into(), " ".into(), "\u{a0}\t".into(), FieldValue::TextList(Vec::new())] {
        let error = bind(blank).unwrap_err();
        assert_eq!(*error.code(), codes::MISSING_FIELD, "{error}");
    }
    for lines in ["sym-sdk\nadmin", "sym\0"] {
        assert_eq!(*bind(lines.into()).unwrap_err().code(), codes::INVALID_FIELD_VALUE);
    }
    expect!["target `any-repo` takes its setting `repo` from the field `repo`, which contains a line break or another control character (SymSDK:INVALID_FIELD_VALUE)"]
        .assert_eq(&bind("a\nb".into()).unwrap_err().to_string());
    expect![[r#"
        target `any-repo` takes its setting `repo` from the field `repo`, which contains the invisible character U+200B (SymSDK:INVALID_FIELD_VALUE)
          help: type the value again"#]]
    .assert_eq(&bind("web\u{200b}site".into()).unwrap_err().report().to_string());
}

#[test]
fn explains_missing_integrations_and_secrets() {
    let secret = Secret::new(slug("okta-token"), SecretSource::Environment, "OKTA_TOKEN");
    let okta = Integration::new(slug("okta"), "okta", "acme.okta.com").with_secret("api_token_secret", secret);
    let environment = Environment::new(slug("main")).with_integration("okta", okta);
    let okta = environment.integration("okta").unwrap();
    assert_eq!(okta.secret("api_token_secret").unwrap().path(), "OKTA_TOKEN");
    expect![[r#"
        environment `main` has no integration `otka` (SymSDK:UNKNOWN_INTEGRATION)
          help: did you mean `okta`? the integrations in environment `main` are `okta`"#]]
    .assert_eq(&environment.integration("otka").unwrap_err().report().to_string());
    expect![[r#"
        integration `okta` has no secret `token` (SymSDK:UNKNOWN_SECRET)
          help: the secrets in integration `okta` are `api_token_secret`"#]]
    .assert_eq(&okta.secret("token").unwrap_err().report().to_string());
    assert_eq!(*okta.setting("region").unwrap_err().code(), codes::UNKNOWN_SETTING);
}

#[test]
fn runs_round_trip() {
    let run =
        Run::new(RunId::from_uuid(*UserId::from_email("a@b.c").as_uuid()), &flow(), Channel::new(ChannelType::Web))
            .with_actor(Step::Request, person("ann@example.com"))
            .with_context(Step::Request, Map::from_iter([("k".to_owned(), json!([1]))]))
            .with_status(RunStatus::Requested);
    let json = serde_json::to_value(&run).unwrap();
    assert_eq!(json["status"], "requested");
    assert_eq!(json["source_channel"], json!({ "type": "web", "identifier": null }));
    assert_eq!(json["actors"]["request"]["username"], "ann@example.com");
    assert_eq!(serde_json::from_value::<Run>(json).unwrap(), run);
}

#[test]
fn statuses() {
    for step in Step::ALL {
        assert_eq!(RunStatus::from(step).to_string(), step.past_tense());
    }
    let terminal: Vec<String> = [
        RunStatus::Pending,
        RunStatus::Requested,
        RunStatus::Expired,
        RunStatus::Approved,
        RunStatus::Denied,
        RunStatus::Escalated,
        RunStatus::Deescalated,
        RunStatus::Errored,
    ]
    .into_iter()
    .filter(|status| status.is_terminal())
    .map(|status| status.to_string())
    .collect();
    assert_eq!(terminal, ["expired", "denied", "deescalated", "errored"]);
}
