//! Decisions, and the end of access.

use serde_json::json;
use sym_sdk::config::PromptField;
use sym_sdk::runtime::Submission;

use super::TestApi;
use super::client::Call;

#[tokio::test]
async fn an_approval_may_shorten_the_access() {
    let mut api = TestApi::with(Default::default(), |builder| {
        builder.declare(|config| {
            config.flows[0].params.prompt_fields.push(PromptField {
                name: "duration".to_owned(),
                field_type: "duration".to_owned(),
                allowed_values: Some(vec!["30m".to_owned(), "1h".to_owned()]),
                ..PromptField::default()
            });
        })
    })
    .await;
    let run = api.request().await;
    let approve = format!("/runs/{run}/approve");
    for (duration, code) in [
        (json!("2h"), "SymSDK:INVALID_DURATION"),
        (json!(["1h"]), "SymSDK:INVALID_DURATION"),
        (json!("soon"), "SymSDK:INVALID_DURATION"),
    ] {
        let answer = api.post(&api.deployer, &approve, json!({ "duration": duration })).await;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{}", answer.text);
    }
    api.post(&api.deployer, &approve, json!({ "duration": 1_800 })).await.ok();
    api.settle().await;
    let run = api.get(&api.deployer, &format!("/runs/{run}")).await.ok();
    assert_eq!(run["access"]["until"], "2024-02-29T12:30:00Z");
}

#[tokio::test]
async fn a_decision_about_what_has_changed_is_refused_with_what_it_is_now() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    let path = format!("/runs/{run}");
    let seen = api.get(&api.deployer, &path).await.ok()["seen"].clone();
    let other = "0".repeat(64);
    let answer = api.post(&api.deployer, &format!("{path}/approve"), json!({ "seen": other })).await;
    assert_eq!(answer.problem(), (409, "SymSDK:REQUEST_CHANGED".to_owned()));
    assert_eq!((&answer.json()["run"]["run_id"], &answer.json()["run"]["seen"]), (&json!(run), &seen));
    api.post(&api.deployer, &format!("{path}/approve"), json!({ "seen": seen })).await.ok();
}

#[tokio::test]
async fn the_machine_decides_and_says_why_not() {
    let mut api = TestApi::start().await;
    let body = json!({ "flow_srn": "prod", "flow_inputs": { "target_srn": api.target(), "duration": "1h" } });
    let own = api.post(&api.deployer, "/events/request", body).await.ok();
    api.settle().await;
    let path = format!("/runs/{}", own["run_id"].as_str().unwrap());
    let you = api.get(&api.deployer, &path).await.ok()["you"].clone();
    assert_eq!((&you["approve"]["allowed"], &you["approve"]["code"]), (&json!(false), &json!("SymSDK:SELF_APPROVAL")));
    let refused = api.post(&api.deployer, &format!("{path}/approve"), json!({})).await;
    assert_eq!(refused.problem(), (403, "SymSDK:SELF_APPROVAL".to_owned()));
    assert_eq!(you["approve"]["message"], refused.json()["message"]);
    let early = api.post(&api.deployer, &format!("{path}/revoke"), json!({})).await;
    assert_eq!(early.problem(), (400, "DeescalateAPI:INVALID_RUN".to_owned()));
    // The requester withdraws with a denial.
    api.post(&api.deployer, &format!("{path}/deny"), json!({})).await.ok();
    api.settle().await;
    assert_eq!(api.get(&api.deployer, &path).await.ok()["status"], "denied");
    let late = api.post(&api.ops, &format!("{path}/approve"), json!({})).await;
    assert_eq!(late.problem(), (409, "SymSDK:ALREADY_DECIDED".to_owned()));
}

#[tokio::test]
async fn access_is_revoked_and_written_off() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    api.approve(&run).await;
    let path = format!("/runs/{run}");
    let early = api.post(&api.ops, &format!("{path}/write-off"), json!({ "reason": "removed by hand" })).await;
    assert_eq!(early.problem(), (400, "DeescalateAPI:INVALID_RUN".to_owned()), "nothing is being revoked");
    api.harness.strategy("test").unwrap().fail_revocations(100);
    // A call without a body.
    let revoke = Call::new(sym_sdk::server::axum::http::Method::POST, &format!("{path}/revoke")).token(&api.ops);
    revoke.send(&api.routes).await.ok();
    api.settle().await;
    let stuck = api.get(&api.ops, &path).await.ok();
    assert_eq!(
        (&stuck["access"]["state"], &stuck["access"]["failed_attempts"]),
        (&json!("revoking"), &json!(1)),
        "{stuck}"
    );
    assert!(stuck["access"]["next_attempt_at"].is_string());
    let without = api.post(&api.ops, &format!("{path}/write-off"), json!({})).await;
    assert_eq!(without.problem(), (400, "SymSDK:INVALID_JSON".to_owned()));
    api.post(&api.ops, &format!("{path}/write-off"), json!({ "reason": "removed by hand" })).await.ok();
    api.settle().await;
    assert_eq!(api.get(&api.ops, &path).await.ok()["access"]["state"], "written_off");
}

/// A call that is sent again before the service has answered has not failed.
#[tokio::test]
async fn all_access_of_a_user_is_revoked_once_and_again_without_a_failure() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    api.approve(&run).await;
    let body = json!({ "username": "ana@example.com" });
    let first = api.post(&api.ops, "/access/revoke", body.clone()).await.ok()["results"].clone();
    assert!(first[0]["run_id"] == *run && first[0]["done"] == true && first[0]["event_id"].is_string(), "{first}");
    let again = api.post(&api.ops, "/access/revoke", body.clone()).await.ok()["results"].clone();
    assert_eq!(again, json!([{ "run_id": run, "done": true }]));
    // One by one, it is said that there is nothing more to do.
    let single = api.post(&api.ops, &format!("/runs/{run}/revoke"), json!({})).await;
    assert_eq!(single.problem(), (400, "DeescalateAPI:INVALID_RUN".to_owned()));
    api.settle().await;
    assert_eq!(api.post(&api.ops, "/access/revoke", body).await.ok(), json!({ "results": [] }));
}

/// Some may be done although others are refused, and a repeated call does nothing again.
#[tokio::test]
async fn many_decisions_have_a_result_each() {
    let mut api = TestApi::start().await;
    let (first, second) = (api.request().await, api.request().await);
    let submission = Submission::deny(second.parse().unwrap(), "ben@example.com");
    api.harness.runtime().submit(submission).await.unwrap();
    api.settle().await;
    let body = json!({ "decisions": [
        { "run_id": first, "action": "approve", "message": "fine" },
        { "run_id": second, "action": "approve" },
    ] });
    let send = || {
        Call::post("/runs/decide", body.clone()).token(&api.deployer).header("idempotency-key", "k").send(&api.routes)
    };
    let results = send().await.ok()["results"].clone();
    assert_eq!((&results[0]["done"], &results[1]["done"]), (&json!(true), &json!(false)));
    assert_eq!(results[1]["problem"]["code"], "SymSDK:ALREADY_DECIDED");
    let again = send().await.ok()["results"].clone();
    assert_eq!(again[0], results[0]);

    let many: Vec<_> = (0..101).map(|_| json!({ "run_id": first, "action": "deny" })).collect();
    assert_eq!(api.post(&api.deployer, "/runs/decide", json!({ "decisions": many })).await.problem().0, 400);
}
