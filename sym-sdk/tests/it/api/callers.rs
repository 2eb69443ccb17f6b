//! Callers, and their rights.

use serde_json::{Value, json};
use sym_sdk::prelude::*;
use sym_sdk::server::axum::http::Method;

use super::client::Call;
use super::{HOUR, TestApi};

#[tokio::test]
async fn credentials_that_are_not_good_are_refused() {
    let mut api = TestApi::start().await;
    let directory = api.harness.runtime().directory().clone();
    let bearer = |token: &str| Call::get("/me").header("authorization", token);
    let malformed = ["Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "symbot_x"];
    for authorization in malformed {
        let answer = bearer(authorization).send(&api.routes).await;
        assert_eq!(answer.problem(), (401, "Authentication:MISSING_CREDENTIALS".to_owned()), "{authorization}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let nobody = Call::get("/me").send(&api.routes).await;
    assert_eq!(nobody.problem(), (401, "Authentication:MISSING_CREDENTIALS".to_owned()));
    let unknown = bearer("Bearer symbot_0_1").send(&api.routes).await;
    assert_eq!(unknown.problem(), (401, "Authentication:INVALID_JWT".to_owned()));
    // URLs are logged by everything on the way.
    for path in [format!("/me?token={}", api.ci), format!("/me?access_token={}", api.ci)] {
        assert_eq!(Call::get(&path).send(&api.routes).await.status, 401);
    }
    let both = Call::get("/me").token(&api.ci).header("cookie", "theme=dark; __Host-sym=abc").send(&api.routes).await;
    assert_eq!(both.problem(), (400, "Authentication:AMBIGUOUS_CREDENTIALS".to_owned()));
    let twice = Call::get("/me").token(&api.ci).token(&api.ops).send(&api.routes).await;
    assert_eq!(twice.problem(), (400, "Authentication:AMBIGUOUS_CREDENTIALS".to_owned()));
    let other_cookie = Call::get("/me").token(&api.ci).header("cookie", "theme=dark").send(&api.routes).await;
    other_cookie.ok();

    let bot = directory.bots().await.unwrap().into_iter().find(|bot| bot.username() == "deployer").unwrap();
    let token = directory.tokens(Some(bot.id())).await.unwrap()[0].id;
    directory.revoke_token(token).await.unwrap();
    let revoked = api.get(&api.deployer, "/me").await;
    assert_eq!(revoked.problem(), (401, "Authentication:TOKEN_REVOKED".to_owned()));
    api.harness.advance(31 * 24 * HOUR).await.unwrap();
    assert_eq!(api.get(&api.ci, "/me").await.problem(), (401, "Authentication:TOKEN_EXPIRED".to_owned()));
}

/// The table of section 3.6 of the design: roles and calls.
#[tokio::test]
async fn roles_and_calls() {
    let mut api = TestApi::start().await;
    let guest = api.token_of("visitor", UserRole::Guest).await;
    let others = api.request().await;
    let own_request = json!({ "flow_srn": "prod", "flow_inputs": { "target_srn": api.target(), "duration": "1h" } });
    let mut for_another = own_request.clone();
    for_another["user_email"] = "cleo@example.com".into();
    let post = |path: &str, body: &Value| Call::post(path, body.clone());
    let get = |path: &str| Call::get(path);
    let empty = json!({});
    let unknown = "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f";
    // The statuses for an administrator, a member, a guest and nobody.
    let table: Vec<(Call, [u16; 4])> = vec![
        (get("/me"), [200, 200, 200, 401]),
        (post(&format!("/runs/{others}/extend"), &json!({ "duration": "1h" })), [409, 404, 404, 401]),
        (post(&format!("/runs/{others}/remind"), &empty), [409, 404, 404, 401]),
        (get(&format!("/bots/{unknown}/trusts")), [404, 403, 403, 401]),
        (
            post(&format!("/bots/{unknown}/trusts"), &json!({ "provider": "gitlab", "audience": "x", "claims": {} })),
            [404, 403, 403, 401],
        ),
        (Call::new(Method::DELETE, &format!("/trusts/{unknown}")), [404, 403, 403, 401]),
        // Whoever calls it has no token of ours yet.
        (post("/tokens/exchange", &empty), [415, 415, 415, 415]),
        (post("/command-line/sign-ins", &empty), [503, 503, 503, 503]),
        (post("/command-line/sessions", &json!({ "secret": "x" })), [401, 401, 401, 401]),
        (post("/me/sign-out", &empty), [403, 403, 403, 401]),
        (get("/runs"), [200, 200, 200, 401]),
        (get("/access"), [200, 200, 200, 401]),
        (get("/flows"), [200, 200, 200, 401]),
        (get("/flows/prod"), [200, 200, 200, 401]),
        (post("/flows/prod/form", &empty), [200, 200, 403, 401]),
        (post("/flows/prod/preview", &empty), [200, 200, 403, 401]),
        (get(&format!("/runs/{others}")), [200, 404, 404, 401]),
        (get(&format!("/runs/{others}/timeline")), [200, 404, 404, 401]),
        (get(&format!("/runs/{others}/deciders")), [200, 404, 404, 401]),
        (get(&format!("/runs/{others}/changes")), [200, 404, 404, 401]),
        (post(&format!("/runs/{others}/write-off"), &json!({ "reason": "gone" })), [400, 404, 404, 401]),
        (post("/events/request", &own_request), [200, 200, 403, 401]),
        (post("/events/request", &for_another), [200, 200, 403, 401]),
        (get("/operations"), [200, 403, 403, 401]),
        (post("/operations/reconcile", &empty), [200, 403, 403, 401]),
        (get("/audit"), [200, 403, 403, 401]),
        (get("/audit/export"), [200, 403, 403, 401]),
        (get("/audit/head"), [200, 403, 403, 401]),
        (get("/users"), [200, 403, 403, 401]),
        (post("/users", &json!({ "email": "dee@example.com", "role": "member" })), [201, 403, 403, 401]),
        (get(&format!("/users/{unknown}")), [404, 403, 403, 401]),
        (Call::new(Method::PATCH, &format!("/users/{unknown}")).json(empty.clone()), [404, 403, 403, 401]),
        (Call::new(Method::DELETE, &format!("/users/{unknown}")), [404, 403, 403, 401]),
        (get("/bots"), [200, 403, 403, 401]),
        (post("/bots", &json!({ "name": "other" })), [201, 403, 403, 401]),
        (Call::new(Method::DELETE, &format!("/bots/{unknown}")), [404, 403, 403, 401]),
        (get(&format!("/bots/{unknown}/tokens")), [404, 403, 403, 401]),
        (post(&format!("/bots/{unknown}/tokens"), &json!({ "label": "x", "for": "30d" })), [404, 403, 403, 401]),
        (Call::new(Method::DELETE, &format!("/tokens/{unknown}")), [404, 403, 403, 401]),
        (get("/openapi.json"), [200, 200, 200, 200]),
    ];
    for (call, statuses) in table {
        let callers =
            [Some(&api.ops), Some(&api.deployer_of_nothing().await), Some(&guest), None].map(|token| token.cloned());
        for (token, status) in callers.into_iter().zip(statuses) {
            let with_token = match &token {
                Some(token) => call.clone().token(token),
                None => call.clone(),
            };
            // Some answers are streams that do not end.
            let answer = with_token.open(&api.routes).await;
            assert_eq!(answer.status().as_u16(), status, "{call:?}");
            // The rates of three callers would not last for the table.
            api.harness.advance(std::time::Duration::from_secs(1)).await.unwrap();
        }
    }
}

impl TestApi {
    /// Returns the token of a new member who is named nowhere.
    async fn deployer_of_nothing(&self) -> String {
        self.token_of(&format!("member {}", uuid::Uuid::new_v4().simple()), UserRole::Member).await
    }
}

#[tokio::test]
async fn a_bot_that_is_named_sees_and_decides() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    let seen = api.get(&api.deployer, &format!("/runs/{run}")).await.ok();
    assert_eq!(seen["you"]["approve"]["allowed"], true, "{seen}");
    assert_eq!(seen["source"], json!({ "type": "sym", "identifier": "bot:ci" }), "the record names both");
    assert_eq!(seen["requester"]["username"], "ana@example.com");
    api.post(&api.deployer, &format!("/runs/{run}/approve"), json!({ "message": "go ahead" })).await.ok();
    api.settle().await;
    let after = api.get(&api.deployer, &format!("/runs/{run}")).await.ok();
    assert_eq!((&after["status"], &after["access"]["state"]), (&json!("escalated"), &json!("held")));
    assert_eq!(after["decision"]["message"], "go ahead");
}

/// Otherwise one token would be enough for access in anybody's name.
#[tokio::test]
async fn a_bot_does_not_decide_alone_for_somebody_else() {
    let mut api = TestApi::start().await;
    // Ana is known by it.
    let _of_another_bot = api.request().await;
    let mut body = json!({ "flow_srn": "prod", "user_email": "ana@example.com" });
    body["flow_inputs"] = json!({ "target_srn": api.target(), "duration": "1h" });
    let preview = json!({ "user_email": "ana@example.com", "inputs": body["flow_inputs"] });
    let preview = api.post(&api.deployer, "/flows/prod/preview", preview).await.ok();
    let own = json!("SymSDK:SELF_APPROVAL");
    let is_barred = |barred: &Value| {
        let barred = barred.as_array().unwrap().iter().find(|barred| barred["user"]["username"] == "deployer");
        barred.is_some_and(|barred| barred["code"] == own)
    };
    assert!(is_barred(&preview["deciders"]["barred"]), "{preview}");
    let receipt = api.post(&api.deployer, "/events/request", body).await.ok();
    api.settle().await;
    let path = format!("/runs/{}", receipt["run_id"].as_str().unwrap());
    let you = api.get(&api.deployer, &path).await.ok()["you"].clone();
    assert_eq!((&you["approve"]["allowed"], &you["approve"]["code"]), (&json!(false), &own));
    let deciders = api.get(&api.deployer, &format!("{path}/deciders")).await.ok();
    assert!(is_barred(&deciders["barred"]), "{deciders}");
    let inbox = api.get(&api.deployer, "/runs?relation=can_decide").await.ok();
    let inbox: Vec<_> = inbox["runs"].as_array().unwrap().iter().map(|run| run["run_id"].clone()).collect();
    assert!(inbox.len() == 1 && inbox[0] != receipt["run_id"], "{inbox:?}");
    let refused = api.post(&api.deployer, &format!("{path}/approve"), json!({})).await;
    assert_eq!(refused.problem(), (403, "SymSDK:SELF_APPROVAL".to_owned()));
    assert_eq!(refused.json()["message"], you["approve"]["message"]);
    assert_eq!(api.get(&api.ops, &path).await.ok()["status"], "requested");
    api.approve(receipt["run_id"].as_str().unwrap()).await;
    assert_eq!(api.get(&api.ops, &path).await.ok()["status"], "escalated");
}

#[tokio::test]
async fn me_says_who_calls() {
    let api = TestApi::start().await;
    let me = api.get(&api.ci, "/me").await.ok();
    assert_eq!(
        (&me["user"]["username"], &me["user"]["type"], &me["user"]["role"]),
        (&json!("ci"), &json!("bot"), &json!("member"))
    );
    assert_eq!((&me["is_admin"], &me["can_request_for_others"]), (&json!(false), &json!(true)));
}
