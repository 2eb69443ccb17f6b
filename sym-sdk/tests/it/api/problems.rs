//! Every refusal has one shape.

use serde_json::json;
use sym_sdk::prelude::*;
use sym_sdk::server::axum::http::Method;

use super::TestApi;
use super::client::Call;
use crate::api::Answer;

/// The framework's own refusals are no plain text.
#[tokio::test]
async fn refusals_of_every_kind_have_one_shape() {
    let api = TestApi::start().await;
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let request = |body: &str| Call::new(Method::POST, "/events/request").body(body);
    let json = |body: &str| request(body).header("content-type", "application/json");
    let unknown = "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f";
    let huge = "x".repeat(3_000_000);
    let table = [
        (Call::get("/nothing"), 404, "SymSDK:UNKNOWN_ROUTE"),
        (Call::get("/api/v2/me"), 404, "SymSDK:UNKNOWN_ROUTE"),
        (Call::get("/runs/"), 404, "SymSDK:UNKNOWN_ROUTE"),
        (Call::new(Method::DELETE, "/me"), 405, "SymSDK:METHOD_NOT_ALLOWED"),
        (Call::new(Method::TRACE, "/me"), 405, "SymSDK:METHOD_NOT_ALLOWED"),
        (Call::new(Method::PUT, "/runs"), 405, "SymSDK:METHOD_NOT_ALLOWED"),
        (Call::get("/runs/nonsense"), 400, "SymSDK:INVALID_ID"),
        (Call::get(&format!("/runs/{unknown}")), 404, "SymSDK:UNKNOWN_RUN"),
        (Call::get(&format!("/events/{unknown}")), 404, "SymSDK:UNKNOWN_EVENT"),
        (Call::get("/runs/%ff"), 400, "SymSDK:INVALID_PARAMETER"),
        (Call::get("/runs/%00"), 400, "SymSDK:INVALID_ID"),
        (Call::get("/runs?limit=0"), 400, "SymSDK:INVALID_PARAMETER"),
        (Call::get("/runs?limit=201"), 400, "SymSDK:INVALID_PARAMETER"),
        (Call::get("/runs?limit=x"), 400, "SymSDK:INVALID_PARAMETER"),
        (Call::get("/runs?limit=1&limit=2"), 400, "SymSDK:INVALID_PARAMETER"),
        (Call::get("/runs?nonsense=1"), 400, "SymSDK:INVALID_PARAMETER"),
        (Call::get("/runs?after=nonsense"), 400, "SymSDK:INVALID_CURSOR"),
        (Call::get("/runs?relation=theirs"), 400, "SymSDK:INVALID_PARAMETER"),
        (Call::get(&format!("/runs/{unknown}?wait=26")), 400, "SymSDK:INVALID_PARAMETER"),
        (Call::get("/flows/nothing"), 404, "SymSDK:UNKNOWN_FLOW"),
        (Call::get("/flows/prod/fields/nothing/options"), 404, "SymSDK:UNKNOWN_FIELD"),
        (request("{}"), 415, "SymSDK:UNSUPPORTED_MEDIA_TYPE"),
        (request("{}").header("content-type", "text/plain"), 415, "SymSDK:UNSUPPORTED_MEDIA_TYPE"),
        (json(""), 400, "SymSDK:INVALID_JSON"),
        (json("{"), 400, "SymSDK:INVALID_JSON"),
        (json("[]"), 400, "SymSDK:INVALID_JSON"),
        (json("{} {}"), 400, "SymSDK:INVALID_JSON"),
        // The values of the members in their order.
        (json(r#" ["prod", {}]"#), 400, "SymSDK:INVALID_JSON"),
        (json("null"), 400, "SymSDK:INVALID_JSON"),
        (json(&deep), 400, "SymSDK:INVALID_JSON"),
        (json(&format!(r#"{{"flow_srn":"prod","flow_inputs":{{"x":{deep}}}}}"#)), 400, "SymSDK:INVALID_JSON"),
        (json(r#"{"flow_srn":"prod","flow_inputs":{},"flow":1}"#), 400, "SymSDK:UNKNOWN_FIELD"),
        (json(r#"{"flow_srn":"prod","flow_srn":"prod","flow_inputs":{}}"#), 400, "SymSDK:INVALID_JSON"),
        (json(&huge), 413, "SymSDK:TOO_LARGE"),
        (
            json(r#"{"flow_srn":"prod","flow_inputs":{}}"#).header("idempotency-key", "a b"),
            400,
            "SymSDK:INVALID_PARAMETER",
        ),
        (
            json(r#"{"flow_srn":"prod","flow_inputs":{}}"#).header("idempotency-key", &"k".repeat(256)),
            400,
            "SymSDK:INVALID_PARAMETER",
        ),
        (Call::get("/me").header("x-padding", &"x".repeat(40_000)), 431, "SymSDK:HEADERS_TOO_LARGE"),
    ];
    for (call, status, code) in table {
        // Each has a token of its own, so that no rate is exceeded.
        let name = format!("bot {}", uuid::Uuid::new_v4().simple());
        let token = api.token_of(&name, UserRole::Member).await;
        let answer = call.clone().token(&token).send(&api.routes).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{call:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{call:?}");
        if status == 405 {
            assert!(answer.header("allow").is_some(), "{call:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_method_is_told_with_the_whole_route() {
    let api = TestApi::start().await;
    let answer = Call::new(Method::PUT, "/runs").token(&api.ci).send(&api.routes).await;
    assert_eq!(answer.json()["message"], "`/api/v1/runs` does not take PUT");
}

#[tokio::test]
async fn unknown_members_are_named_with_the_version_of_the_server() {
    let api = TestApi::start().await;
    let answer =
        api.post(&api.ci, "/events/request", json!({ "flow_srn": "prod", "flow_inputs": {}, "expires": 1 })).await;
    let body = answer.json();
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("`expires`") && message.contains(env!("CARGO_PKG_VERSION")), "{message}");
    assert_eq!(body["errors"][0]["field"], "expires");
}

#[tokio::test]
async fn request_ids_of_clients_are_echoed_if_they_are_uuids() {
    let api = TestApi::start().await;
    let with = |id: &'static str| Call::get("/me").token(&api.ci).header("x-sym-request-id", id).send(&api.routes);
    let echoed = |answer: Answer| answer.header("x-sym-request-id").map(str::to_owned);
    let id = "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f";
    assert_eq!(echoed(with(id).await).as_deref(), Some(id));
    assert_eq!(echoed(with("a forged line").await), None);
    let (first, second) = (with(id).await, with(id).await);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[reducer(get_permissions)]
fn failing_permissions() -> Result<RequestPermission> {
    Err(Error::new(ErrorKind::Unavailable, "Okta:DOWN".parse()?, "okta says: token 00abc is bad"))
}

/// Messages of services are for administrators.
#[tokio::test]
async fn words_of_services_are_for_administrators() {
    let mut api =
        TestApi::with(Default::default(), |builder| builder.handlers(sym_sdk::handlers![failing_permissions])).await;
    let run = api.request().await;
    let path = format!("/runs/{run}");
    let (ops, timeline) = (api.ops.clone(), format!("{path}/timeline"));
    let run_of_ops = api.get(&ops, &path).await.ok();
    assert_eq!(run_of_ops["status"], "errored");
    assert!(run_of_ops["error"]["message"].as_str().unwrap().contains("okta says"), "{run_of_ops}");
    assert!(api.get(&ops, &timeline).await.text.contains("okta says"));

    // The bot that asks for itself sees its Run, and not those words.
    let body = json!({ "flow_srn": "prod", "flow_inputs": { "target_srn": api.target(), "duration": "1h" } });
    let own = api.post(&api.ci, "/events/request", body).await.ok();
    api.settle().await;
    let path = format!("/runs/{}", own["run_id"].as_str().unwrap());
    let event = format!("/events/{}", own["event_id"].as_str().unwrap());
    for path in [path.clone(), format!("{path}/timeline"), event] {
        let answer = api.get(&api.ci, &path).await;
        answer.ok();
        assert!(!answer.text.contains("okta says"), "{}", answer.text);
    }
}
