//! More time for access, reminders of those who decide, and the addresses of a request.

use std::time::Duration;

use serde_json::json;
use sym_sdk::api::ApiLimits;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::server::Server;
use sym_sdk::server::axum::http::Method;

use super::client::Call;
use super::{HOUR, TestApi, get_flows, get_permissions};

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
}

/// The API of flows that notify a channel.
async fn notifying() -> TestApi {
    TestApi::with(ApiLimits::default(), |builder| {
        builder.handlers(handlers![get_permissions, get_flows, get_request_notifications])
    })
    .await
}

impl TestApi {
    /// Makes a request as the bot `ci` for itself, and returns the path of its Run.
    async fn own_request(&mut self) -> String {
        let body = json!({ "flow_srn": "prod", "flow_inputs": { "target_srn": self.target(), "duration": 3_600 } });
        let receipt = self.post(&self.ci, "/events/request", body).await.ok();
        self.settle().await;
        format!("/runs/{}", receipt["run_id"].as_str().unwrap())
    }
}

#[tokio::test]
async fn access_is_extended_once_that_is_approved() {
    let mut api = notifying().await;
    let path = api.own_request().await;
    let extend = format!("{path}/extend");
    let early = api.post(&api.ci, &extend, json!({ "duration": "10m" })).await;
    let you = api.get(&api.ci, &path).await.ok()["you"].clone();
    assert_eq!(early.problem().1, you["extend"]["code"].as_str().unwrap(), "there is no access yet");
    api.post(&api.deployer, &format!("{path}/approve"), json!({})).await.ok();
    api.settle().await;
    api.harness.advance(HOUR / 2).await.unwrap();

    for (body, code) in [
        (json!({}), "SymSDK:INVALID_JSON"),
        (json!({ "duration": "soon" }), "SymSDK:INVALID_DURATION"),
        (json!({ "duration": 0 }), "SymSDK:INVALID_DURATION"),
        (json!({ "duration": "10m", "until": "noon" }), "SymSDK:UNKNOWN_FIELD"),
    ] {
        assert_eq!(api.post(&api.ci, &extend, body).await.problem(), (400, code.to_owned()));
    }
    let of_another = api.post(&api.deployer, &extend, json!({ "duration": "10m" })).await;
    assert_eq!(of_another.problem(), (403, "SymSDK:NOT_PERMITTED".to_owned()));
    let hidden =
        api.post(&api.token_of("visitor", UserRole::Member).await, &extend, json!({ "duration": "10m" })).await;
    assert_eq!(hidden.problem(), (404, "SymSDK:UNKNOWN_RUN".to_owned()));

    let send = || {
        let body = json!({ "duration": 600, "reason": "the migration takes longer" });
        Call::post(&extend, body).token(&api.ci).header("idempotency-key", "k").send(&api.routes)
    };
    let receipt = send().await.ok();
    assert_eq!(send().await.ok(), receipt, "a repeated call has the same receipt");
    api.settle().await;
    let run = api.get(&api.ci, &path).await.ok();
    assert_eq!(
        (&run["extension"]["id"], &run["extension"]["status"], &run["extension"]["reason"]),
        (&receipt["event_id"], &json!("open"), &json!("the migration takes longer"))
    );
    let approval = json!({ "extension": receipt["event_id"] });
    api.post(&api.deployer, &format!("{path}/approve"), approval).await.ok();
    api.settle().await;
    let run = api.get(&api.ci, &path).await.ok();
    assert_eq!(
        (&run["extension"]["status"], &run["access"]["until"]),
        (&json!("granted"), &json!("2024-02-29T13:10:00Z"))
    );
}

#[tokio::test]
async fn the_requester_has_those_who_decide_reminded() {
    let mut api = notifying().await;
    let path = api.own_request().await;
    // A call without a body.
    let remind = |token: &str| Call::new(Method::POST, &format!("{path}/remind")).token(token).send(&api.routes);
    let early = remind(&api.ci).await;
    assert_eq!(early.problem(), (429, "SymSDK:TOO_MANY_REQUESTS".to_owned()));
    let of_another = remind(&api.deployer).await;
    assert_eq!(of_another.status, early.status, "the state comes first");
    api.harness.advance(2 * HOUR).await.unwrap();
    let remind = |token: &str| Call::new(Method::POST, &format!("{path}/remind")).token(token).send(&api.routes);
    assert_eq!(remind(&api.deployer).await.problem(), (403, "SymSDK:NOT_PERMITTED".to_owned()));
    remind(&api.ci).await.ok();
    assert_eq!(remind(&api.ci).await.problem(), (429, "SymSDK:TOO_MANY_REQUESTS".to_owned()));
    api.settle().await;
    assert_eq!(api.harness.delivery().reminders().len(), 1);
}

/// The address is that of the operator, whatever the headers of a call claim.
#[tokio::test]
async fn a_run_links_to_its_message_and_to_itself() {
    let mut api = notifying().await;
    let path = api.own_request().await;
    let links = |routes| {
        let call =
            Call::get(&path).token(&api.ci).header("host", "evil.example").header("x-forwarded-host", "evil.example");
        async move { call.send(routes).await.ok()["links"].clone() }
    };
    assert_eq!(links(&api.routes).await, json!({ "recording": "https://messages.example/1" }));
    let url = "https://sym.example.com".parse().unwrap();
    let public = Server::new(api.harness.runtime().clone()).public_url(url).router();
    let own = format!("https://sym.example.com/api/v1{path}");
    assert_eq!(links(&public).await, json!({ "api": own, "recording": "https://messages.example/1" }));
    let listed = Call::get("/runs").token(&api.ci).send(&public).await.ok();
    assert_eq!(listed["runs"][0]["links"], json!({ "api": own }), "no front end is asked for a list");
}

mod failing {
    use super::*;

    #[reducer]
    pub(super) fn get_permissions() -> Result<RequestPermission> {
        Err(Error::handler("the roster has no shift"))
    }
}

#[tokio::test]
async fn operations_name_the_handlers_that_have_failed() {
    let change = |builder: sym_sdk::testing::HarnessBuilder| builder.handlers(handlers![failing::get_permissions]);
    let mut api = TestApi::with(ApiLimits::default(), change).await;
    assert_eq!(api.get(&api.ops, "/operations").await.ok()["handler_errors"], json!([]));
    let _first = api.own_request().await;
    api.harness.advance(HOUR).await.unwrap();
    let last = api.own_request().await;
    let operations = api.get(&api.ops, "/operations").await.ok();
    let errors = operations["handler_errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{operations}");
    assert!(errors[0]["handler"].as_str().unwrap().starts_with("get_permissions ("), "{operations}");
    assert_eq!(
        (&errors[0]["count"], &errors[0]["last_at"], &errors[0]["message"], &errors[0]["last_run_id"]),
        (
            &json!(2),
            &json!("2024-02-29T13:00:00Z"),
            &json!("the roster has no shift"),
            &json!(last.trim_start_matches("/runs/"))
        )
    );
    api.harness.advance(Duration::from_secs(8 * 24 * 3_600)).await.unwrap();
    assert_eq!(api.get(&api.ops, "/operations").await.ok()["handler_errors"], json!([]));
}
