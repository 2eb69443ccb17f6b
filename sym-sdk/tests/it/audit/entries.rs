//! The content of the log: every input is audited, with handlers, reasons and errors, and without secrets.

use std::collections::BTreeSet;
use std::time::Duration;

use expect_test::expect;
use secrecy::SecretString;
use serde_json::Value;
use sym_sdk::audit::{self, AuditKind, AuditLine, EventStatus, EventSummary, HandlerResult};
use sym_sdk::config;
use sym_sdk::engine::InputKey;
use sym_sdk::handlers;
use sym_sdk::model::{Channel, ChannelType, RunId, Step};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{LocalSecrets, Submission};
use sym_sdk::testing::{Harness, HarnessBuilder};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
}

#[hook]
fn on_request(event: &Event) -> Result<Option<NextEvent>> {
    match event.reason() {
        Some("urgent") => Ok(Some(ApprovalTemplate::approve().reason("it is urgent"))),
        Some("broken") => Err(Error::handler("the on-call list cannot be read")),
        Some("spam") => Ok(Some(ApprovalTemplate::ignore().message("not now"))),
        _ => Ok(None),
    }
}

fn builder() -> HarnessBuilder {
    let reason = |config: &mut config::Config| {
        config.organization.slug = "acme".into();
        config.flows[0].params.prompt_fields.push(config::PromptField {
            name: "reason".into(),
            field_type: "string".into(),
            required: false,
            ..Default::default()
        });
    };
    Harness::builder().access_flow("prod", ["admins"]).declare(reason).handlers(handlers![
        get_permissions,
        get_request_notifications,
        on_request
    ])
}

async fn lines(harness: &Harness) -> Vec<AuditLine> {
    audit::lines(&**harness.runtime().engine(), 0, usize::MAX).await.unwrap()
}

async fn json(harness: &Harness) -> Vec<Value> {
    lines(harness).await.iter().map(|line| serde_json::from_str(line.as_str()).unwrap()).collect()
}

/// P6, for all actions of people and all automatic events.
#[tokio::test]
async fn every_input_is_audited() {
    let mut harness = builder().guest("gus@example.com").build().await.unwrap();
    let strategy = harness.strategy("test").unwrap().clone();
    strategy.fail_grants(1);
    let request = |reason: &str| {
        Submission::request("prod", "ana@example.com").input("duration", "1h").input("reason", reason.to_owned())
    };
    let mut events = BTreeSet::new();
    let mut submit = async |submission: Submission| {
        let receipt = harness.simulation_mut().submit(submission).await.unwrap();
        events.insert(receipt.event);
        receipt.run
    };
    submit(Submission::prompt("prod", "ana@example.com").into()).await;
    let run = submit(request("work").into()).await;
    submit(Submission::approve(run, "ben@example.com").into()).await;
    let denied = submit(request("work").into()).await;
    submit(Submission::deny(denied, "ben@example.com").into()).await;
    submit(request("urgent").into()).await;
    submit(request("broken").into()).await;
    submit(request("spam").into()).await;
    let refused: [Submission; 5] = [
        Submission::approve(run, "ana@example.com").into(),
        Submission::approve(run, "gus@example.com").into(),
        Submission::deny(run, "ben@example.com").into(),
        Submission::approve(denied, "ben@example.com").into(),
        Submission::revoke(denied, "ben@example.com").into(),
    ];
    for refused in refused.clone() {
        // Some are refused immediately, and some after the active event.
        let receipt = harness.simulation_mut().submit(refused).await;
        events.extend(receipt.map(|receipt| receipt.event));
    }
    harness.advance(2 * HOUR).await.unwrap();

    let entries = harness.runtime().audit(None, usize::MAX).await.unwrap();
    let audited: BTreeSet<_> = entries.iter().map(|entry| entry.event.id).collect();
    assert!(events.is_subset(&audited), "an input without an audit entry: {events:?}");
    for summary in EventSummary::of(&entries) {
        assert_ne!(summary.status, EventStatus::Processing, "{summary:?}");
        assert!(summary.status != EventStatus::Error || summary.error.is_some(), "{summary:?}");
    }
    let refusals = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::Refused { .. })).count();
    assert_eq!(refusals, refused.len(), "including refused actions");
    let by_itself =
        |step: Step| entries.iter().any(|entry| entry.event.name == step && !events.contains(&entry.event.id));
    assert!(by_itself(Step::Escalate) && by_itself(Step::Deescalate));

    // Each call names the handler with its source location, and its result with the reason.
    let calls: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.kind {
            AuditKind::HandlerCalled { handler, result } => Some((handler, result)),
            _ => None,
        })
        .collect();
    for (handler, _) in &calls {
        assert_eq!(handler.file(), file!());
        assert!(handler.line() > 1);
    }
    let names: BTreeSet<_> = calls.iter().map(|(handler, _)| handler.name()).collect();
    assert_eq!(names, ["get_permissions", "get_request_notifications", "on_request"].into());
    let fired = |result: &HandlerResult| matches!(result, HandlerResult::Fired { event: Step::Approve, reason: Some(reason) } if reason == "it is urgent");
    assert!(calls.iter().any(|(_, result)| fired(result)));
    let failed = |result: &HandlerResult| matches!(result, HandlerResult::Failed { error } if error.message == "the on-call list cannot be read");
    assert!(calls.iter().any(|(_, result)| failed(result)));
    assert!(entries.iter().any(|entry| matches!(entry.kind, AuditKind::GrantFailed { attempt: 1, .. })));

    let log = &**harness.runtime().engine();
    assert_eq!(audit::verify(log).await.unwrap().records, entries.len() as u64);
}

#[tokio::test]
async fn a_repeated_input_adds_no_entries() {
    let mut harness = builder().build().await.unwrap();
    let submission =
        || Submission::request("prod", "ana@example.com").input("duration", "1h").key(InputKey::new("api:1"));
    harness.simulation_mut().submit(submission()).await.unwrap();
    let once = lines(&harness).await.len();
    harness.simulation_mut().submit(submission()).await.unwrap();
    assert_eq!(lines(&harness).await.len(), once);
}

/// The lines with the status `completed` or `error` are the objects of Sym: one per event.
#[tokio::test]
async fn settled_lines_are_one_object_per_event_as_in_syms_schema() {
    let mut harness = builder().build().await.unwrap();
    let run = harness.request("prod").duration("1h").await.unwrap();
    harness.approve_as(run, "ana@example.com").await.unwrap_err();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    harness.advance(2 * HOUR).await.unwrap();
    let lines = json(&harness).await;
    let objects = lines.iter().filter(|line| line["state"]["status"] != "processing").map(|line| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let actors: Vec<_> = line["run"]["actors"].as_object().unwrap().iter().collect();
        let actors: Vec<_> =
            actors.iter().map(|(step, actor)| format!("{step}={}", text(&actor["username"]))).collect();
        format!(
            "{} {} by {}, {}, so far {}\n",
            text(&line["event"]["type"]),
            text(&line["state"]["status"]),
            text(&line["actor"]["username"]),
            text(&line["event"]["channel"]),
            actors.join(" "),
        )
    });
    expect![[r#"
        request completed by ana@example.com, sym, so far request=ana@example.com
        approve error by ana@example.com, sym, so far request=ana@example.com
        approve completed by ben@example.com, sym, so far approve=ben@example.com request=ana@example.com
        escalate completed by ben@example.com, internal, so far approve=ben@example.com escalate=ben@example.com request=ana@example.com
        deescalate completed by ben@example.com, internal, so far approve=ben@example.com deescalate=ben@example.com escalate=ben@example.com request=ana@example.com
    "#]].assert_eq(&objects.collect::<String>());
}

#[tokio::test]
async fn a_line_has_the_members_of_syms_schema() {
    let person = |email| User::from_email(email).unwrap();
    let builder = builder().user(person("ana@example.com")).user(person("ben@example.com"));
    let mut harness = builder.build().await.unwrap();
    let run = harness.request("prod").duration("1h").field("reason", "incident 42").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let lines = json(&harness).await;
    let completed = |line: &&Value| line["event"]["type"] == "approve" && line["state"]["status"] == "completed";
    let mut line = lines.iter().find(completed).unwrap().clone();
    assert_eq!(line["audit"]["entry"]["kind"], "completed");
    assert_eq!(line["audit"]["entry"]["event"]["id"], line["event"]["id"]);
    for ours in ["audit", "id"] {
        line.as_object_mut().unwrap().remove(ours).unwrap();
    }
    expect![[r#"
        {
          "actor": {
            "identity": {
              "external_id": "cloud",
              "service": "sym",
              "user_id": "9d6fd21c-fff2-5fa1-965e-35e36667931f"
            },
            "name": "",
            "user": "acme:user:normal:9d6fd21c-fff2-5fa1-965e-35e36667931f:latest",
            "username": "ben@example.com"
          },
          "event": {
            "channel": "sym",
            "id": "eb0d39a6-9319-59b7-9c30-b1afbe6f57b6",
            "srn": "sym:event-spec:approval:1.0.0:approve",
            "template": "sym:template:approval:1.0.0",
            "timestamp": "2024-02-29T12:00:00Z",
            "type": "approve"
          },
          "fields": {
            "duration": 3600,
            "reason": "incident 42",
            "target": {
              "label": "admins",
              "name": "admins",
              "settings": {},
              "srn": "acme:access_target:test:admins:latest:af73ea36-aa46-5a0d-84b2-95e9f4661545",
              "type": "test"
            },
            "target_id": "af73ea36-aa46-5a0d-84b2-95e9f4661545"
          },
          "meta": {
            "schema_version": 6
          },
          "run": {
            "actors": {
              "approve": {
                "identity": {
                  "external_id": "cloud",
                  "service": "sym",
                  "user_id": "9d6fd21c-fff2-5fa1-965e-35e36667931f"
                },
                "name": "",
                "user": "acme:user:normal:9d6fd21c-fff2-5fa1-965e-35e36667931f:latest",
                "username": "ben@example.com"
              },
              "request": {
                "identity": {
                  "external_id": "cloud",
                  "service": "sym",
                  "user_id": "e82b6fd2-400a-5b11-a81c-81f1a8f18819"
                },
                "name": "",
                "user": "acme:user:normal:e82b6fd2-400a-5b11-a81c-81f1a8f18819:latest",
                "username": "ana@example.com"
              }
            },
            "flow": "acme:flow:prod:1.0.0",
            "id": "2a300af3-f849-54af-81d9-d7c5ff64069d",
            "srn": "acme:run:prod:1.0.0:2a300af3-f849-54af-81d9-d7c5ff64069d"
          },
          "state": {
            "errors": [],
            "status": "completed"
          },
          "type": "event"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&line).unwrap());
}

#[tokio::test]
async fn lines_contain_errors() {
    let mut harness = builder().build().await.unwrap();
    let broken = harness.request("prod").duration("1h").field("reason", "broken").await.unwrap();
    let lines = json(&harness).await;
    let failed = |line: &&Value| line["run"]["id"] == broken.to_string().as_str() && line["state"]["status"] == "error";
    let state = &lines.iter().find(failed).unwrap()["state"];
    assert_eq!(
        *state,
        serde_json::json!({
            "status": "error",
            "errors": [{ "message": "the on-call list cannot be read", "code": "SymSDK:HANDLER_FAILED" }]
        })
    );
}

#[tokio::test]
async fn the_run_of_a_flow_picker_is_the_parent() {
    let mut harness = builder().build().await.unwrap();
    let menu = RunId::from_uuid(uuid::Uuid::from_u128(7));
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h").parent(menu);
    harness.simulation_mut().submit(request).await.unwrap();
    for line in json(&harness).await {
        assert_eq!(line["run"]["parent"], format!("acme:run:flow_selection:1.0.0:{menu}"));
    }
}

/// In Slack people have an account; elsewhere they have their Sym identity.
#[tokio::test]
async fn actors_have_their_identity_in_the_service_of_the_channel() {
    let ana = User::from_email("ana@example.com").unwrap();
    let ana = ana.with_name("Ana", "Lee").with_identity(UserIdentity::new("slack", "T1", "U1"));
    let mut harness = builder().user(ana).build().await.unwrap();
    let slack = Channel::new(ChannelType::Slack);
    harness.request("prod").duration("1h").channel(slack).await.unwrap();
    let line = json(&harness).await.remove(0);
    assert_eq!(
        line["actor"]["identity"],
        serde_json::json!({ "service": "slack", "external_id": "T1", "user_id": "U1" })
    );
    assert_eq!((&line["actor"]["name"], &line["event"]["channel"]), (&"Ana Lee".into(), &"slack".into()));
    harness.request("prod").duration("1h").channel(Channel::new(ChannelType::Web)).await.unwrap();
    let line = json(&harness).await.pop().unwrap();
    assert_eq!(
        (&line["actor"]["identity"]["service"], &line["actor"]["identity"]["external_id"]),
        (&"sym".into(), &"cloud".into())
    );
}

struct Vault {
    token: SecretString,
}

impl IntegrationClient for Vault {
    const TYPE: &'static str = "vault";

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self { token: config.secret("token_secret")?.clone() })
    }
}

#[hook]
fn after_approve(vault: &Vault) -> Result<()> {
    Err(Error::handler(format!("the vault is sealed: {:?}", vault.token)))
}

/// Clients contain secrets and strategies return them; neither may reach the log.
#[tokio::test]
async fn lines_contain_no_secrets() {
    let secrets = |config: &mut config::Config| {
        config.secret_sources.push(config::SecretSource {
            kind: "environment".into(),
            name: "env".into(),
            ..Default::default()
        });
        config.secrets.push(config::Secret {
            name: "token".into(),
            path: "TOKEN".into(),
            source: "env".into(),
            ..Default::default()
        });
        config.integrations.push(config::Integration {
            kind: "vault".into(),
            name: "vault".into(),
            external_id: "acme".into(),
            settings: [("token_secret".to_owned(), "token".to_owned())].into(),
            ..Default::default()
        });
        config.environments[0].integrations.insert("vault".into(), "vault".into());
    };
    let mut declared = config::Config::default();
    let builder = Harness::builder().access_flow("prod", ["admins"]).declare(secrets);
    let builder = builder.declare(|config| {
        config.organization.domains.push("example.com".into());
        declared = config.clone();
    });
    drop(builder);
    let strategy = sym_sdk::testing::RecordingStrategy::new();
    strategy.set_output(StepOutput(serde_json::json!({ "password": "hunter2" })));
    let runtime = sym_sdk::runtime::Runtime::builder(declared)
        .registry(handlers![get_permissions, after_approve])
        .secrets(LocalSecrets::with_variables([("TOKEN", "hunter2")]))
        .strategy_type(sym_sdk::strategy::StrategyType::new("test", move |_| Ok(strategy.clone())))
        .build()
        .await
        .unwrap();
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    let state = runtime.run(run).await.unwrap().state;
    assert_eq!(state.run.step_output(Step::Escalate).unwrap()["password"], "hunter2", "handlers see it");
    let lines = audit::lines(&**runtime.engine(), 0, usize::MAX).await.unwrap();
    assert!(lines.iter().any(|line| line.as_str().contains("the vault is sealed")));
    assert!(lines.iter().all(|line| !line.as_str().contains("hunter2")));
}

#[tokio::test]
async fn the_line_of_an_ignored_event_says_why() {
    let mut harness = builder().build().await.unwrap();
    let spam = harness.request("prod").duration("1h").field("reason", "spam").await.unwrap();
    let lines = json(&harness).await;
    let line =
        lines.iter().find(|line| line["run"]["id"] == spam.to_string().as_str() && line["state"]["status"] == "error");
    assert_eq!(line.unwrap()["state"]["errors"], serde_json::json!([{ "message": "not now", "code": null }]));
}
