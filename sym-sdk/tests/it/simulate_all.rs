//! The command `simulate --all`, on configurations in which something is not reached.

use expect_test::expect;
use sym_sdk::App;
use sym_sdk::app::Exit;
use sym_sdk::config::Config;
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::prelude::*;

use crate::app::{directory, run};

/// Lets the requester alone decide about the target `vault`, without allowing self-approval, and members about others.
#[reducer]
fn get_permissions(event: &Event) -> Result<RequestPermission> {
    let is_vault = event.target().is_some_and(|target| target.name() == "vault");
    let scope = match is_vault {
        true => PermissionScope::try_from(user_ids([event.user()]))?,
        false => PermissionLevel::Member.into(),
    };
    Ok(RequestPermission::decided_by(scope))
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#access")?)])
}

/// Refuses one of the urgencies, and everything for the target `gone`.
#[hook]
fn on_request(event: &Event) -> Result<Option<NextEvent>> {
    if event.fields().text("urgency").is_ok_and(|urgency| urgency == "Never") {
        return Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_FIELD_VALUE, "never is not an urgency"));
    }
    let is_gone = event.target().is_some_and(|target| target.name() == "gone");
    Ok(is_gone.then(ApprovalTemplate::deny))
}

/// Is never called: the only notification has no timeout.
#[hook]
fn after_request_forward() {}

const FLOWS: &str = r##"
provider "sym" {
  org = "acme"
}

resource "sym_environment" "main" {
  name = "main"
}

resource "sym_integration" "db" {
  type        = "custom"
  name        = "db"
  external_id = "db"
}

resource "sym_target" "all" {
  for_each = toset(["db", "gone", "vault"])
  type     = "custom"
  name     = each.key
}

resource "sym_strategy" "db" {
  type           = "custom"
  name           = "db"
  integration_id = sym_integration.db.id
  targets        = [for target in sym_target.all : target.id]
}

resource "sym_flow" "prod" {
  name           = "prod"
  label          = "Production"
  environment_id = sym_environment.main.id

  params {
    strategy_id = sym_strategy.db.id

    prompt_field {
      name           = "urgency"
      type           = "string"
      required       = false
      allowed_values = ["Now", "Never", "Later"]
    }

    prompt_field {
      name           = "duration"
      type           = "duration"
      allowed_values = ["30m"]
    }
  }
}

resource "sym_flow" "approval" {
  name           = "approval"
  environment_id = sym_environment.main.id

  params {
    prompt_field {
      name = "reason"
      type = "string"
    }
  }
}
"##;

fn app(config: &str, test: &str) -> App {
    let dir = directory(test, &[("main.tf", config)]);
    let handlers = handlers![get_permissions, get_request_notifications, on_request, after_request_forward];
    App::new().registry(handlers).config_dir(dir).domain("example.com")
}

/// Issue 14, part 5: a target without approvers or that is never granted, an option that always fails, and a handler that is
/// never called.
#[tokio::test]
async fn reports_what_is_not_reached() {
    let done = run(app(FLOWS, "all"), &["simulate", "--all"]).await;
    done.is(Exit::Failure, expect![[r#"
        == approval (approval)

        #  REQUEST       OPTIONS  ROUTED TO  WHO COULD DECIDE  OUTCOME
        1  minimal form  -        #access    members           approved
        2  full form     -        #access    members           approved
        3  full form     -        #access    members           denied
        4  full form     -        #access    members           expired

        == prod (Production)

        #  REQUEST              OPTIONS                      ROUTED TO  WHO COULD DECIDE       OUTCOME
        1  db, minimal form     duration=30m                 #access    members                granted, then revoked
        2  gone, minimal form   duration=30m                 -          -                      denied
        3  vault, minimal form  duration=30m                 #access    requester@example.com  granted, then revoked
        4  db, full form        duration=30m, urgency=Now    #access    members                granted, then revoked
        5  gone, full form      duration=30m, urgency=Never  -          -                      errored
        6  vault, full form     duration=30m, urgency=Later  #access    requester@example.com  granted, then revoked
        7  db, full form        duration=30m, urgency=Now    #access    members                denied
        8  db, full form        duration=30m, urgency=Now    #access    members                expired
          #5: never is not an urgency (SymSDK:INVALID_FIELD_VALUE)

        problem: after_request_forward (sym-sdk/tests/it/simulate_all.rs:40) was never called
        problem: prod: too few of the listed approvers may approve requests for target `vault`, so administrators have to
        problem: prod: no request for target `gone` was granted
        problem: prod: every request with urgency=Never fails
        problem: prod: request 5 (full form): never is not an urgency
        2 flows, 12 requests: 5 problems
    "#]], expect![[r#""#]]);
}

#[tokio::test]
async fn reports_as_json() {
    let done = run(app(FLOWS, "all-json"), &["simulate", "--all", "--json"]).await;
    assert_eq!(done.exit, Exit::Failure);
    let json: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let kinds: std::collections::BTreeSet<_> =
        json["findings"].as_array().unwrap().iter().filter_map(|finding| finding["kind"].as_str()).collect();
    let expected = ["handler_not_called", "no_approver", "option_fails", "request_failed", "target_not_reached"];
    assert_eq!(kinds, expected.into());
    let request = &json["flows"][0]["requests"][0];
    assert_eq!((&request["form"], &request["course"]), (&"minimal".into(), &"approved".into()));
    assert_eq!(request["routed_to"], serde_json::json!(["#access"]));
}

/// Handlers of a flow whose form offers services.
mod services {
    use super::*;

    /// Returns more services than are tried.
    #[prefetch(field = "service")]
    pub(super) fn service() -> Result<Vec<FieldOption>> {
        (1..=30).map(|number| FieldOption::try_from(format!("service-{number:02}"))).collect()
    }

    #[prefetch(field = "region")]
    pub(super) fn region() -> Result<Vec<FieldOption>> {
        ["eu", "us"].into_iter().map(FieldOption::try_from).collect()
    }

    /// Lets admins decide about some of the services.
    #[reducer]
    pub(super) fn get_permissions(event: &Event) -> Result<RequestPermission> {
        let is_critical = ["service-03", "service-05", "service-21"].contains(&event.fields().text("service")?);
        let level = if is_critical { PermissionLevel::Admin } else { PermissionLevel::Member };
        Ok(RequestPermission::decided_by(level))
    }

    /// Refuses one of the services.
    #[hook]
    pub(super) fn on_request(event: &Event) -> Result<Option<NextEvent>> {
        match event.fields().text("service")? {
            "service-07" => Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_FIELD_VALUE, "it is gone")),
            _ => Ok(None),
        }
    }
}

const SERVICES: &str = r#"
provider "sym" {
  org = "acme"
}

resource "sym_environment" "main" {
  name = "main"
}

resource "sym_flow" "deploy" {
  name           = "deploy"
  environment_id = sym_environment.main.id

  params {
    prompt_field {
      name     = "service"
      type     = "string"
      prefetch = true
    }

    prompt_field {
      name     = "region"
      type     = "string"
      prefetch = true
    }
  }
}
"#;

/// Issue 14, part 5: routing that depends on an option which is not the first is found, and the options that are not tried are counted.
#[tokio::test]
async fn tries_further_options_of_prefetched_fields() {
    let app = || {
        let handlers = handlers![
            services::service,
            services::region,
            services::get_permissions,
            services::on_request,
            get_request_notifications
        ];
        let dir = directory("all-prefetched", &[("main.tf", SERVICES)]);
        App::new().registry(handlers).config_dir(dir).domain("example.com")
    };
    let done = run(app(), &["simulate", "--all"]).await;
    done.is(
        Exit::Failure,
        expect![[r#"
        == deploy (deploy)

        #  REQUEST       OPTIONS                        ROUTED TO  WHO COULD DECIDE  OUTCOME
        1  minimal form  region=eu, service=service-01  #access    members           approved
        2  full form     region=eu, service=service-01  #access    members           approved
        3  full form     region=eu, service=service-01  #access    members           denied
        4  full form     region=eu, service=service-01  #access    members           expired
        5  full form     region=eu, service=service-03  #access    admins            approved
        6  full form     region=eu, service=service-07  -          -                 errored
          #6: it is gone (SymSDK:INVALID_FIELD_VALUE)
          service: the first 20 of 30 options were tried, and requests with another result are listed
          region: 2 of 2 options were tried, with the same result

        problem: deploy: every request with service=service-07 fails
        problem: deploy: request 6 (full form): it is gone
        1 flow, 6 requests: 2 problems
    "#]],
        expect![[r#""#]],
    );

    let done = run(app(), &["simulate", "--all", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let expected = serde_json::json!([
        { "field": "service", "offered": 30, "tried": 20, "differing": 2 },
        { "field": "region", "offered": 2, "tried": 2, "differing": 0 },
    ]);
    assert_eq!(json["flows"][0]["prefetched"], expected);
    assert_eq!(json["flows"][0]["requests"][4]["options"]["service"], "service-03");
}

#[tokio::test]
async fn a_configuration_without_flows_is_said_to_have_none() {
    let app = App::new().registry(handlers![get_permissions]).config(Config::default()).domain("example.com");
    let done = run(app, &["simulate", "--all"]).await;
    done.is(
        Exit::Success,
        expect![[r#"
        0 flows: there is nothing to simulate
    "#]],
        expect![[r#""#]],
    );
}

#[tokio::test]
async fn takes_no_request() {
    let done = run(app(FLOWS, "all-usage"), &["simulate", "--all", "request.json"]).await;
    assert_eq!(done.exit, Exit::Usage);
    assert!(done.err.contains("cannot be used with"), "{}", done.err);
    let done = run(app(FLOWS, "all-usage"), &["simulate"]).await;
    assert_eq!(done.exit, Exit::Usage);
}
