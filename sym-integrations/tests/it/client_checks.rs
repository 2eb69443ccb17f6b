//! `IntegrationClient::check`: a read-only call that shows whether the service accepts the credentials.

use std::collections::BTreeMap;

use serde_json::json;
use sym_integrations::aptible::Aptible;
use sym_integrations::aws_iam::AwsIam;
use sym_integrations::aws_sso::AwsSso;
use sym_integrations::boundary::Boundary;
use sym_integrations::github::GitHub;
use sym_integrations::google::Google;
use sym_integrations::jira::Jira;
use sym_integrations::knowbe4::{KnowBe4, Region};
use sym_integrations::okta::Okta;
use sym_integrations::onelogin::OneLogin;
use sym_integrations::pagerduty::PagerDuty;
use sym_integrations::slack::Slack;
use sym_integrations::tailscale::Tailscale;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::Integration;

use crate::aws::support::{in_role, refusal};
use crate::client_faults;

/// Checks a client whose service gives each of these replies to the call.
async fn outcomes<C: IntegrationClient>(path: &str, build: impl Fn(&Replay) -> Result<C>) -> [Result<Option<String>>; 3] {
    let mut outcomes = Vec::new();
    for reply in [Reply::json(json!([])), Reply::status(403), Reply::status(401)] {
        let replay = Replay::new();
        replay.get(path).reply(reply);
        outcomes.push(build(&replay).unwrap().check().await);
        replay.check().unwrap();
    }
    outcomes.try_into().unwrap()
}

/// A permission that the program may not need is no fault.
#[tokio::test]
async fn a_service_accepts_or_refuses_the_credentials() {
    let checked = [
        outcomes("/api/v1/users", |replay| {
            Okta::builder("example.okta.com").token("t0ken").connection(replay.connection()).build()
        })
        .await,
        outcomes("/rate_limit", |replay| GitHub::builder("acme").token("t0ken").connection(replay.connection()).build())
            .await,
        outcomes("/abilities", |replay| PagerDuty::builder("acme").token("t0ken").connection(replay.connection()).build())
            .await,
        outcomes("/v1/account", |replay| {
            KnowBe4::builder("acme", Region::Us)?.token("t0ken").connection(replay.connection()).build()
        })
        .await,
        outcomes("/rest/api/3/myself", |replay| Ok(client_faults::jira(replay))).await,
        outcomes("/v1/groups", |replay| Ok(client_faults::boundary(replay))).await,
        outcomes("/admin/directory/v1/groups", |replay| Ok(client_faults::google(replay))).await,
        outcomes("/api/2/roles", |replay| Ok(client_faults::onelogin(replay))).await,
    ];
    for [accepted, forbidden, refused] in checked {
        let account = accepted.unwrap();
        assert!(account.is_some());
        assert_eq!(forbidden.unwrap(), account);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unauthorized);
    }
}

/// The credentials are refused before the service is asked at all: that is not a permission which the call lacks.
#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_a_fault() {
    let replay = Replay::new();
    replay.post("/").form("Action", "AssumeRole").reply(refusal(403, "AccessDenied", "not authorized"));
    let iam = AwsIam::builder(&in_role(&replay), "123456789012").unwrap().build().unwrap();
    let error = iam.check().await.unwrap_err();
    assert_eq!((error.kind(), error.code().name()), (ErrorKind::Unauthorized, "ASSUME_ROLE_FAILED"));
    replay.check().unwrap();
}

fn slack(replay: &Replay) -> Slack {
    Slack::builder("T123").token("xoxb-1").connection(replay.connection()).build().unwrap()
}

#[tokio::test]
async fn slack_names_the_bot_and_the_workspace() {
    let replay = Replay::new();
    let owner = |team: &str| json!({ "ok": true, "team_id": team, "team": "Acme", "user_id": "U1", "bot_id": "B1" });
    replay.post("/api/auth.test").reply(Reply::json(owner("T123")));
    assert_eq!(slack(&replay).check().await.unwrap().as_deref(), Some("B1 in Acme"));
    replay.post("/api/auth.test").reply(Reply::json(owner("T999")));
    let error = slack(&replay).check().await.unwrap_err();
    assert_eq!(error.message(), "the bot token belongs to workspace `T999`, but `T123` is configured");
    replay.post("/api/auth.test").reply(Reply::json(json!({ "ok": false, "error": "invalid_auth" })));
    assert_eq!(slack(&replay).check().await.unwrap_err().kind(), ErrorKind::Unauthorized);
}

/// Simulated services answer the call, too.
#[tokio::test]
async fn simulated_clients_pass() {
    async fn simulated<C: IntegrationClient>(account: &str) -> Option<String> {
        let integration = Integration::new("main".parse().unwrap(), C::TYPE, account);
        let secrets = BTreeMap::new();
        let client = C::simulated(&IntegrationConfig::new(&integration, &secrets)).unwrap().unwrap();
        client.check().await.unwrap_or_else(|error| panic!("{}: {error}", C::KEY))
    }
    let checked = [
        simulated::<Aptible>("acme").await,
        simulated::<AwsIam>("123456789012").await,
        simulated::<AwsSso>("123456789012").await,
        simulated::<Boundary>("boundary.example.com").await,
        simulated::<GitHub>("acme").await,
        simulated::<Google>("example.com").await,
        simulated::<Jira>("acme").await,
        simulated::<KnowBe4>("acme").await,
        simulated::<Okta>("example.okta.com").await,
        simulated::<OneLogin>("acme").await,
        simulated::<PagerDuty>("acme").await,
        simulated::<Slack>("T123").await,
        simulated::<Tailscale>("example.com").await,
    ];
    assert!(checked.iter().all(Option::is_some), "{checked:?}");
}
