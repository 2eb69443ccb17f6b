//! Sym's calls, and repeated ones.

use serde_json::{Value, json};
use sym_sdk::prelude::*;

use super::TestApi;
use super::client::Call;

impl TestApi {
    fn request_body(&self) -> Value {
        json!({ "flow_srn": "prod", "flow_inputs": { "target_srn": self.target(), "duration": 3_600 } })
    }
}

/// The pattern of Sym's CI: request, poll the event, read the Run.
#[tokio::test]
async fn a_build_requests_polls_and_goes_on() {
    let mut api = TestApi::start().await;
    let flow = api.harness.runtime().flow("prod").unwrap().srn().to_string();
    let mut body = api.request_body();
    body["flow_srn"] = flow.into();
    let receipt = api.post(&api.ci, "/events/request", body.clone()).await.ok();
    assert_eq!(receipt["request_body"], body);
    let (run, event) = (receipt["run_id"].as_str().unwrap(), receipt["event_id"].as_str().unwrap());
    let path = format!("/events/{event}");
    assert_eq!(api.get(&api.ci, &path).await.ok()["status"], "processing");
    api.settle().await;
    let polled = api.get(&api.ci, &path).await.ok();
    assert_eq!(
        (&polled["status"], &polled["name"], &polled["run_id"]),
        (&json!("success"), &json!("request"), &json!(run))
    );
    assert_eq!(polled["error"], Value::Null);
    api.approve(run).await;
    let gate = api.get(&api.ci, &format!("/runs/{run}")).await.ok();
    assert_eq!(gate["status"], "escalated");
    assert!(gate["run_srn"].as_str().unwrap().ends_with(run), "{gate}");

    let ended = api.post(&api.ci, "/events/deescalate", json!({ "run_id": run })).await.ok();
    assert_eq!(ended["request_body"], json!({ "run_id": run }));
    api.settle().await;
    assert_eq!(api.get(&api.ci, &format!("/runs/{run}")).await.ok()["status"], "deescalated");
    let again = api.post(&api.ci, "/events/deescalate", json!({ "run_id": run })).await;
    assert_eq!(again.problem(), (400, "DeescalateAPI:INVALID_RUN".to_owned()));
}

#[tokio::test]
async fn errors_name_what_is_wrong() {
    let api = TestApi::start().await;
    let with = |name: &str, value: Value| {
        let mut body = api.request_body();
        body["flow_inputs"][name] = value;
        body
    };
    let mut both = api.request_body();
    both["user_email"] = "cleo@example.com".into();
    both["user_id"] = "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f".into();
    let table = [
        (with("duration", "1h".into()), 200, ""),
        (with("duration", "2d".into()), 400, "SymSDK:INVALID_DURATION"),
        (with("duration", "soon".into()), 400, "SymSDK:INVALID_DURATION"),
        (with("nothing", 1.into()), 400, "SymSDK:UNKNOWN_FIELD"),
        (with("target_srn", "acme:access_target:test:nothing:latest".into()), 400, "SymSDK:UNKNOWN_TARGET"),
        (json!({ "flow_srn": "prdo", "flow_inputs": {} }), 404, "SymSDK:UNKNOWN_FLOW"),
        (both, 400, "SymSDK:INVALID_FIELD_VALUE"),
    ];
    for (body, status, code) in table {
        let answer = api.post(&api.ci, "/events/request", body.clone()).await;
        match status {
            200 => drop(answer.ok()),
            _ => assert_eq!(answer.problem(), (status, code.to_owned()), "{body}: {}", answer.text),
        }
    }
}

/// A flow that one may not see does not exist, and is not suggested either.
#[tokio::test]
async fn hidden_flows_are_as_if_they_did_not_exist() {
    let api = TestApi::start().await;
    let request = |flow: &str| json!({ "flow_srn": flow, "flow_inputs": {} });
    let hidden = api.post(&api.ci, "/events/request", request("secret")).await;
    let missing = api.post(&api.ci, "/events/request", request("secrem")).await;
    assert_eq!(hidden.problem(), (404, "SymSDK:UNKNOWN_FLOW".to_owned()));
    assert_eq!(hidden.problem(), missing.problem());
    assert_eq!(hidden.json()["message"].as_str().unwrap().replace("secret", "secrem"), missing.json()["message"]);
    assert!(!missing.text.contains("`secret`"), "{}", missing.text);
    for path in ["/flows/secret", "/flows/secrem"] {
        assert_eq!(api.get(&api.ci, path).await.problem(), (404, "SymSDK:UNKNOWN_FLOW".to_owned()));
    }
    let flows = api.get(&api.ci, "/flows").await.ok();
    assert_eq!(flows["flows"].as_array().unwrap().len(), 1, "{flows}");
    assert_eq!(api.get(&api.ops, "/flows").await.ok()["flows"].as_array().unwrap().len(), 2);
}

/// A repeated call is one request, however its JSON is written; of a refused one nothing is kept.
#[tokio::test]
async fn repeated_calls_are_one_request() {
    let mut api = TestApi::start().await;
    let body = api.request_body();
    let send = |text: String| {
        let call = Call::new(sym_sdk::server::axum::http::Method::POST, "/events/request").token(&api.ci);
        call.header("content-type", "application/json")
            .header("idempotency-key", "deploy-4711")
            .body(text)
            .send(&api.routes)
    };
    let mut wrong = body.clone();
    wrong["flow_inputs"]["duration"] = "soon".into();
    assert_eq!(send(wrong.to_string()).await.status, 400);
    let first = send(body.to_string()).await.ok();
    let reordered = format!(
        "{{ \"flow_inputs\": {{ \"duration\": 3600, \"target_srn\": {:?} }},\n \"flow_srn\": \"prod\" }}",
        api.target()
    );
    let (a, b) = tokio::join!(send(reordered.clone()), send(body.to_string()));
    for again in [a.ok(), b.ok()] {
        assert_eq!((&again["run_id"], &again["event_id"]), (&first["run_id"], &first["event_id"]));
    }
    let mut other = body.clone();
    other["flow_inputs"]["duration"] = 1_800.into();
    assert_eq!(send(other.to_string()).await.problem(), (422, "SymSDK:IDEMPOTENCY_KEY_REUSED".to_owned()));
    // The key is the caller's own.
    let other =
        Call::post("/events/request", body.clone()).token(&api.deployer).header("idempotency-key", "deploy-4711");
    assert_ne!(other.send(&api.routes).await.ok()["run_id"], first["run_id"]);
    api.settle().await;
    let runs = api.get(&api.ops, "/runs").await.ok();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2, "{runs}");
}

#[tokio::test]
async fn bots_with_role_guest_request_nothing_for_others() {
    let api = TestApi::start().await;
    let guest = api.token_of("visitor", UserRole::Guest).await;
    let mut body = api.request_body();
    body["user_email"] = "cleo@example.com".into();
    assert_eq!(api.post(&guest, "/events/request", body).await.problem(), (403, "SymSDK:NOT_PERMITTED".to_owned()));
}
