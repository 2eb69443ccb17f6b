//! People who have signed in on a command line.

use serde_json::json;
use sym_sdk::directory::SessionKind;
use sym_sdk::model::UserId;
use sym_sdk::prelude::*;

use super::client::Call;
use super::{HOUR, TestApi};

impl TestApi {
    /// Signs in as a person, and returns their id and the token.
    async fn sign_in(&self, email: &str, kind: SessionKind) -> (UserId, String) {
        let runtime = self.harness.runtime();
        let user = runtime.directory().get_or_create_user_by_email(email).await.unwrap().id();
        let (_, secret) = runtime.begin_session(&user, kind).await.unwrap();
        (user, secrecy::ExposeSecret::expose_secret(&secret).to_owned())
    }
}

const ENDED: &str = "Authentication:SESSION_ENDED";

#[tokio::test]
async fn people_call_with_the_token_of_their_session() {
    let mut api = TestApi::start().await;
    let (ana, token) = api.sign_in("ana@example.com", SessionKind::CommandLine).await;
    let me = api.get(&token, "/me").await.ok();
    assert_eq!((&me["user"]["username"], &me["is_admin"]), (&json!("ana@example.com"), &json!(false)));
    assert_eq!(me["can_request_for_others"], false);
    assert_eq!(api.get(&token, "/users").await.status, 403);

    let mut request = json!({ "flow_srn": "prod", "flow_inputs": { "target_srn": api.target(), "duration": "1h" } });
    let receipt = api.post(&token, "/events/request", request.clone()).await.ok();
    request["user_email"] = "ben@example.com".into();
    assert_eq!(api.post(&token, "/events/request", request).await.status, 403);
    api.settle().await;
    let run = receipt["run_id"].as_str().unwrap();
    // Her own request, which she cannot decide.
    assert_eq!(api.get(&token, &format!("/runs/{run}")).await.ok()["requester"]["id"], json!(ana));
    let (_, of_ben) = api.sign_in("ben@example.com", SessionKind::CommandLine).await;
    assert_eq!(api.get(&of_ben, &format!("/runs/{run}")).await.status, 200);

    // A role that was given counts from the next call on, and one that was taken away ends the session.
    let directory = api.harness.runtime().directory().clone();
    directory.set_role(ana, UserRole::Admin).await.unwrap();
    assert_eq!(api.get(&token, "/users").await.status, 200);
    directory.set_role(ana, UserRole::Member).await.unwrap();
    assert_eq!(api.get(&token, "/me").await.problem(), (401, ENDED.to_owned()));

    api.harness.advance(12 * HOUR).await.unwrap();
    assert_eq!(api.get(&of_ben, "/me").await.problem(), (401, ENDED.to_owned()));
}

#[tokio::test]
async fn sessions_of_browsers_are_no_bearer_tokens() {
    let api = TestApi::start().await;
    let (_, token) = api.sign_in("ana@example.com", SessionKind::Browser).await;
    assert_eq!(api.get(&token, "/me").await.problem(), (401, "Authentication:INVALID_JWT".to_owned()));
    let disguised = token.replace("symweb", "symcli");
    assert_eq!(api.get(&disguised, "/me").await.problem(), (401, ENDED.to_owned()));
    let (_, token) = api.sign_in("ana@example.com", SessionKind::CommandLine).await;
    let both = Call::get("/me").token(&token).header("cookie", "__Host-sym=abc").send(&api.routes).await;
    assert_eq!(both.problem(), (400, "Authentication:AMBIGUOUS_CREDENTIALS".to_owned()));
    assert_eq!(Call::get(&format!("/me?token={token}")).send(&api.routes).await.status, 401);
}

/// The second part of QB14: a sign-out counts at once.
#[tokio::test]
async fn administrators_sign_out_others_and_everybody_themselves() {
    let api = TestApi::start().await;
    let (ana, token) = api.sign_in("ana@example.com", SessionKind::CommandLine).await;
    let (_, cookie) = api.sign_in("ana@example.com", SessionKind::Browser).await;
    let (ben, of_ben) = api.sign_in("ben@example.com", SessionKind::CommandLine).await;
    let sign_out = |user: UserId| format!("/users/{user}/sign-out");
    let nobody = Call::post(&sign_out(ana), json!({})).send(&api.routes).await;
    assert_eq!(nobody.status, 401);
    assert_eq!(api.post(&of_ben, &sign_out(ana), json!({})).await.status, 403, "another member");
    assert_eq!(api.post(&api.ci, &sign_out(ana), json!({})).await.status, 403, "a bot that is a member");
    assert_eq!(api.post(&api.ops, &sign_out(UserId::random()), json!({})).await.status, 404);

    assert_eq!(api.post(&api.ops, &sign_out(ana), json!({})).await.ok(), json!({ "sessions": 2 }));
    assert_eq!(api.get(&token, "/me").await.problem(), (401, ENDED.to_owned()));
    let runtime = api.harness.runtime();
    assert!(runtime.session(&cookie.into()).await.unwrap().is_none());
    assert_eq!(api.post(&of_ben, &sign_out(ben), json!({})).await.ok(), json!({ "sessions": 1 }));
    assert_eq!(api.get(&of_ben, "/me").await.problem(), (401, ENDED.to_owned()));
    // The person may sign in again.
    let (_, token) = api.sign_in("ana@example.com", SessionKind::CommandLine).await;
    api.get(&token, "/me").await.ok();
    runtime.lock_user("ana@example.com", "ada@example.com", "lost her laptop").await.unwrap();
    assert_eq!(api.get(&token, "/me").await.problem(), (401, ENDED.to_owned()));
}
