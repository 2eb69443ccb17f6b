//! The answers of services in replays of recorded requests: those of the record, whatever the services say today.

use std::path::Path;
use std::sync::Arc;

use sym_integrations::pagerduty::{PagerDuty, SimulatedPagerDuty};
use sym_sdk::App;
use sym_sdk::app::Exit;
use sym_sdk::config::{Config, Environment, Flow, Integration, Organization, Secret, SecretSource};
use sym_sdk::engine::SqliteStore;
use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};

/// Members decide.
#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

mod on_call {
    use super::*;

    /// Approves for those who are on call.
    #[hook]
    pub(super) async fn on_request(event: &Event, pagerduty: &PagerDuty) -> Result<Option<NextEvent>> {
        let on_call = pagerduty.is_on_call(event.user()).schedule_name("größe").await?;
        Ok(on_call.then(ApprovalTemplate::approve))
    }
}

mod schedules {
    use super::*;

    /// Approves if there is a schedule, and carries on without an answer.
    #[hook]
    pub(super) async fn on_request(pagerduty: &PagerDuty) -> Result<Option<NextEvent>> {
        let schedules = pagerduty.schedules().await.map(|schedules| schedules.len()).unwrap_or_default();
        Ok((schedules > 0).then(ApprovalTemplate::approve))
    }
}

fn config() -> Config {
    let pagerduty = Integration {
        kind: "pagerduty".into(),
        name: "pd".into(),
        external_id: "acme".into(),
        settings: [("api_token_secret".to_owned(), "token".to_owned())].into(),
        ..Integration::default()
    };
    let environment = Environment {
        name: "main".into(),
        integrations: [("pagerduty".to_owned(), "pd".into())].into(),
        ..Environment::default()
    };
    let source = SecretSource { kind: "environment".into(), name: "env".into(), ..SecretSource::default() };
    let token = Secret { name: "token".into(), path: "TOKEN".into(), source: "env".into(), ..Secret::default() };
    Config {
        organization: Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
        flows: vec![Flow { name: "prod".into(), environment: "main".into(), ..Flow::default() }],
        environments: vec![environment],
        integrations: vec![pagerduty],
        secret_sources: vec![source],
        secrets: vec![token],
        ..Config::default()
    }
}

async fn record(path: &Path, fake: SimulatedPagerDuty) {
    let store = Arc::new(SqliteStore::open(path).await.unwrap());
    let runtime = Runtime::builder(config())
        .registry(handlers![get_permissions, on_call::on_request])
        .fake(fake)
        .sqlite(store.clone())
        .build()
        .await
        .unwrap();
    runtime.submit(Submission::request("prod", "zoë@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    drop(runtime);
    store.close().await.unwrap();
}

async fn replay(path: &Path, handlers: Registry, fake: SimulatedPagerDuty) -> (Exit, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = ["program", "replay", "--db", path.to_str().unwrap()];
    let exit = App::new().registry(handlers).config(config()).fake(fake).run_from(args, &mut out, &mut err).await;
    (exit, format!("{}{}", String::from_utf8_lossy(&out), String::from_utf8_lossy(&err)))
}

#[tokio::test]
async fn who_was_on_call_is_on_call_in_a_replay() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let on_call = || SimulatedPagerDuty::new().on_call_for("größe", "zoë@example.com");
    record(&path, on_call()).await;

    let handlers = || handlers![get_permissions, on_call::on_request];
    // Nobody is on call today.
    let (exit, out) = replay(&path, handlers(), SimulatedPagerDuty::new()).await;
    assert_eq!(exit, Exit::Success, "{out}");
    assert!(out.contains("1 request: 1 same"), "{out}");

    let (exit, out) = replay(&path, handlers![get_permissions], on_call()).await;
    assert_eq!(exit, Exit::Failure, "{out}");
    assert!(out.contains("auto-approval: approved by a hook; now people decide"), "{out}");
}

/// The simulated service could answer, but not what was true then.
#[tokio::test]
async fn calls_that_are_not_recorded_have_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let on_call = || SimulatedPagerDuty::new().on_call_for("größe", "zoë@example.com");
    record(&path, on_call()).await;
    let (exit, out) = replay(&path, handlers![get_permissions, schedules::on_request], on_call()).await;
    assert_eq!(exit, Exit::Success, "{out}");
    assert!(out.contains("there is no answer to `pagerduty: GET schedules` (SymSDK:NOT_RECORDED)"), "{out}");
}
