//! The simulated services: every client has one, which a simulation uses as a fake, and which answers what is not set.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sym_integrations::aptible::Aptible;
use sym_integrations::aws_iam::AwsIam;
use sym_integrations::aws_lambda::{AwsLambda, SimulatedLambda};
use sym_integrations::aws_sso::{AwsSso, SimulatedSso};
use sym_integrations::boundary::Boundary;
use sym_integrations::github::GitHub;
use sym_integrations::google::Google;
use sym_integrations::jira::Jira;
use sym_integrations::kit::integrations;
use sym_integrations::knowbe4::KnowBe4;
use sym_integrations::okta::{Okta, SimulatedOkta};
use sym_integrations::onelogin::OneLogin;
use sym_integrations::pagerduty::{PagerDuty, SimulatedPagerDuty};
use sym_integrations::postgres::{Postgres, SimulatedPostgres};
use sym_integrations::slack::Slack;
use sym_integrations::tailscale::Tailscale;
use sym_sdk::config::{Config, Environment, Flow, Integration, Reference, Secret, SecretSource};
use sym_sdk::handler::Registry;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, HarnessBuilder};
use sym_sdk::handlers;

fn ana() -> User {
    User::from_email("ana@example.com").unwrap()
}

/// Returns the client that a simulation builds for an integration of the type, without a fake.
fn simulated<C: IntegrationClient>(account: &str) -> C {
    let integration = model::Integration::new("main".parse().unwrap(), C::TYPE, account);
    let secrets = BTreeMap::new();
    C::simulated(&IntegrationConfig::new(&integration, &secrets)).unwrap().unwrap()
}

/// Finding S3. To mend it, write a `Simulated…` type in `simulated.rs` of the module, which implements `Fake` with the kit.
#[test]
fn every_client_has_a_simulated_service() {
    let mut missing = Vec::new();
    for info in integrations().into_iter().filter(|info| info.client().is_some()) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(info.kind()).join("simulated.rs");
        let text = fs::read_to_string(file).unwrap_or_default();
        if !["impl_fake!(Simulated", "impl Fake for Simulated"].iter().any(|fake| text.contains(fake)) {
            missing.push(info.kind());
        }
    }
    assert_eq!(missing, [""; 0]);
}

/// Answers grant nothing unless they are set: nobody is on call or in a group, there are no incidents, and functions return nothing.
#[tokio::test]
async fn unknown_questions_have_neutral_answers() {
    let ana = ana();
    simulated::<Aptible>("acme");
    assert!(!simulated::<AwsIam>("123456789012").is_user_in_group(&ana, "admins").await.unwrap());
    assert!(!simulated::<AwsSso>("main").is_user_in_group(&ana, "admins").await.unwrap());
    assert!(simulated::<Boundary>("boundary.example.com").get_group("g_1").await.unwrap().member_ids.is_empty());
    assert!(simulated::<GitHub>("acme").repo("api").collaborator("ana").await.unwrap().is_none());
    assert!(!simulated::<Google>("example.com").is_user_in_group(&ana, "ops@example.com").await.unwrap());
    assert!(simulated::<Jira>("acme").search_issues("project = OPS").await.unwrap().is_empty());
    simulated::<KnowBe4>("acme");
    assert!(!simulated::<Okta>("example.okta.com").is_user_in_group(&ana, "00g1").await.unwrap());
    assert!(!simulated::<OneLogin>("acme").is_user_in_role(&ana, 7).await.unwrap());
    let pagerduty = simulated::<PagerDuty>("acme");
    assert!(!pagerduty.is_on_call(&ana).schedule_name("platform").await.unwrap());
    assert!(!pagerduty.has_incident().await.unwrap());
    simulated::<Postgres>("db.example.com");
    assert!(simulated::<Slack>("T123").users_in_channel("#ops").await.unwrap().is_empty());
    assert!(simulated::<Tailscale>("example.com").list_groups().await.unwrap().is_empty());
    let function = "arn:aws:lambda:eu-central-1:123456789012:function:triage";
    let lambda = simulated::<AwsLambda>("123456789012");
    assert_eq!(lambda.invoke(function, &json!({})).await.unwrap(), Value::Null);
    assert!(lambda.invoke_async(function, &json!({})).await.unwrap());
    lambda.check(function).await.unwrap();
    let error = lambda.invoke_as::<Vec<String>>(function, &json!({})).await.unwrap_err();
    assert!(error.hint().unwrap().contains("SimulatedLambda"), "{error}");
}

#[tokio::test]
async fn somebody_is_on_call_for_what_was_set_only() {
    let pagerduty = SimulatedPagerDuty::new()
        .on_call_for("platform", "Ana@Example.com")
        .on_call_for_policy("critical", "ben@example.com")
        .on_call("cleo@example.com")
        .schedule_member("platform", "dora@example.com")
        .open_incident("PAPI", "API is down")
        .without_user("eve@example.com")
        .build()
        .unwrap();
    let on_call = async |schedule: &str| {
        let users = pagerduty.users_on_call().schedule_name(schedule).await.unwrap();
        users.iter().map(|user| user.username().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(on_call("platform").await, ["ana@example.com", "cleo@example.com"]);
    assert_eq!(on_call("data").await, ["cleo@example.com"]);
    let ben = User::from_email("ben@example.com").unwrap();
    assert!(pagerduty.is_on_call(&ben).escalation_policy_name("critical").await.unwrap());
    assert!(!pagerduty.is_on_call(&ben).escalation_policy_name("other").await.unwrap());
    assert!(!pagerduty.is_on_call(&ben).schedule_name("platform").await.unwrap());
    assert!(pagerduty.is_on_call(&ben).await.unwrap());
    let members = pagerduty.users_for_schedule().schedule_name("platform").await.unwrap();
    let members: Vec<_> = members.iter().map(|user| user.username()).collect();
    assert_eq!(members, ["ana@example.com", "cleo@example.com", "dora@example.com"]);
    assert_eq!(pagerduty.schedules().await.unwrap()[0].name(), "platform");
    assert_eq!(pagerduty.get_incidents().await.unwrap()[0].id, "PINCIDENT1");
    let eve = User::from_email("eve@example.com").unwrap();
    assert_eq!(pagerduty.is_on_call(&eve).await.unwrap_err().code().to_string(), "PagerDuty:USER_NOT_FOUND");
}

#[tokio::test]
async fn a_simulated_okta_has_profiles() {
    let okta =
        SimulatedOkta::new().attribute("ana@example.com", "department", "Finance").without_user("eve@example.com");
    let okta = okta.build().unwrap();
    assert_eq!(okta.get_user_info(&ana()).await.unwrap().profile.attribute("department"), Some("Finance"));
    let eve = User::from_email("eve@example.com").unwrap();
    assert_eq!(okta.get_user_info(&eve).await.unwrap_err().code().to_string(), "Identity:NOT_FOUND");
}

#[tokio::test]
async fn functions_return_what_was_set() {
    let lambda = SimulatedLambda::new()
        .returns("triage", json!("by name"))
        .returns("arn:aws:lambda:eu-central-1:123456789012:function:triage:live", json!("by ARN"))
        .missing("gone")
        .build()
        .unwrap();
    let invoke = async |name: &str| {
        lambda.invoke(format!("arn:aws:lambda:eu-central-1:123456789012:function:{name}"), &json!({})).await
    };
    assert_eq!(invoke("triage").await.unwrap(), "by name");
    assert_eq!(invoke("triage:live").await.unwrap(), "by ARN");
    assert_eq!(invoke("gone").await.unwrap_err().code().to_string(), "AWSLambda:FUNCTION_NOT_FOUND");
    assert_eq!(invoke("gone:live").await.unwrap_err().code().to_string(), "AWSLambda:FUNCTION_NOT_FOUND");
}

fn config(kind: &str, account: &str) -> Config {
    let mut integration =
        Integration { kind: kind.into(), name: "main".into(), external_id: account.into(), ..Integration::default() };
    if kind == "pagerduty" {
        integration.settings.insert("api_token_secret".into(), "token".into());
    }
    let key = if kind == "permission_context" { "aws_lambda" } else { kind };
    Config {
        environments: vec![Environment {
            name: "main".into(),
            integrations: BTreeMap::from([(key.to_owned(), Reference::typed(kind, "main"))]),
            ..Environment::default()
        }],
        integrations: vec![integration],
        secret_sources: vec![SecretSource {
            kind: "environment".into(),
            name: "env".into(),
            ..SecretSource::default()
        }],
        secrets: vec![Secret {
            name: "token".into(),
            path: "TOKEN".into(),
            source: "env".into(),
            ..Secret::default()
        }],
        flows: vec![Flow { name: "prod".into(), environment: "main".into(), ..Flow::default() }],
        ..Config::default()
    }
}

fn harness(kind: &str, account: &str, handlers: Registry) -> HarnessBuilder {
    Harness::builder().config(config(kind, account)).handlers(handlers)
}

#[reducer]
async fn get_permissions(pagerduty: &PagerDuty) -> Result<RequestPermission> {
    let on_call = pagerduty.users_on_call().schedule_name("platform").await?;
    Ok(RequestPermission::decided_by(user_ids(&on_call).or(PermissionLevel::Admin)))
}

/// Users whom a fake names are those of the directory, also if the directory knows another account of theirs.
#[tokio::test]
async fn users_of_a_fake_are_those_of_the_directory() {
    let pagerduty = SimulatedPagerDuty::new().on_call_for("platform", "ben@example.com");
    let ben = User::person(UserId::random(), "ben@example.com").unwrap();
    let ben = ben.with_identity(UserIdentity::new("pagerduty", "acme", "PBEN"));
    let builder = harness("pagerduty", "acme", handlers![get_permissions]).fake(pagerduty).user(ben);
    let mut harness = builder.build().await.unwrap();
    let run = harness.request("prod").await.unwrap();
    harness.approve_as(run, "cleo@example.com").await.unwrap_err();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
}

mod triage {
    use super::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }

    #[hook]
    pub(super) async fn on_request(lambda: &AwsLambda) -> Result<Option<NextEvent>> {
        let function = "arn:aws:lambda:eu-central-1:123456789012:function:triage:live";
        let approve: bool = lambda.invoke_as(function, &json!({ "dry": true })).await?;
        Ok(approve.then(ApprovalTemplate::approve))
    }
}

/// Changes and invocations through a fake are in the timeline of the simulation.
#[tokio::test]
async fn invocations_are_in_the_timeline() {
    let builder = harness("permission_context", "123456789012", handlers![triage::get_permissions, triage::on_request]);
    let mut harness = builder.fake(SimulatedLambda::new().returns("triage", json!(true))).build().await.unwrap();
    let run = harness.request("prod").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
    let sent: Vec<_> = harness.outbox().sent().into_iter().map(|sent| (sent.service, sent.to, sent.text)).collect();
    assert_eq!(sent, [("aws_lambda".into(), "triage".into(), r#"invoked with {"dry":true}"#.to_owned())]);
    assert!(harness.timeline().to_string().contains("aws_lambda to triage"), "{}", harness.timeline());
}

/// Finding S4: what keeps a simulated client from being built is told, and not that there is none.
#[tokio::test]
async fn an_invalid_integration_is_reported_as_such() {
    mod posts {
        use super::*;

        #[hook]
        pub(super) fn after_request(_slack: &Slack) {}
    }
    let builder = harness("slack", "acme.slack.com", handlers![triage::get_permissions, posts::after_request]);
    let errors = builder.build().await.unwrap_err().to_string();
    assert!(errors.contains("`acme.slack.com` is not a Slack workspace id"), "{errors}");
    assert!(!errors.contains("has no fake"), "{errors}");
}

#[tokio::test]
async fn members_that_are_added_stay_and_are_recorded() {
    let sso = SimulatedSso::new().member("Admins", "ANA@example.com").build().unwrap();
    assert!(sso.is_user_in_group(&ana(), "Admins").await.unwrap());
    let okta = SimulatedOkta::new().build().unwrap();
    okta.add_group_member("00g1", "ana@example.com").await.unwrap();
    assert!(okta.is_user_in_group(&ana(), "00g1").await.unwrap());
    SimulatedPostgres::new().server("not a host/").build().unwrap_err();
}
