//! Users, bots, tokens and operations.

use serde_json::{Value, json};
use sym_sdk::server::axum::http::Method;

use super::client::{Answer, Call};
use super::{TestApi, account_record};

impl TestApi {
    async fn as_ops(&self, method: Method, path: &str, body: Value) -> Answer {
        Call::new(method, path).json(body).token(&self.ops).send(&self.routes).await
    }
}

#[tokio::test]
async fn a_token_is_shown_once_and_ends() {
    let api = TestApi::start().await;
    let bot = api.post(&api.ops, "/bots", json!({ "name": "nightly", "role": "member" })).await;
    assert_eq!(bot.status, 201);
    let bot = bot.json()["id"].as_str().unwrap().to_owned();
    let tokens = format!("/bots/{bot}/tokens");
    for (body, code) in [
        (json!({ "label": "x", "for": "soon" }), "SymSDK:INVALID_DURATION"),
        (json!({ "label": "x" }), "SymSDK:INVALID_JSON"),
        (json!({ "label": "a\nb", "for": "1d" }), "SymSDK:INVALID_TOKEN"),
    ] {
        assert_eq!(api.post(&api.ops, &tokens, body).await.problem(), (400, code.to_owned()));
    }
    let issued = api.post(&api.ops, &tokens, json!({ "label": "nightly build", "for": "30d" })).await;
    assert_eq!((issued.status.as_u16(), issued.header("cache-control")), (201, Some("no-store")));
    let secret = issued.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&secret, "/me").await.ok()["user"]["username"], "nightly");
    let listed = api.get(&api.ops, &tokens).await;
    assert_eq!(listed.ok()["tokens"][0]["label"], "nightly build");
    assert_eq!(listed.ok()["tokens"][0]["last_used_on"], "2024-02-29");
    let all = api.get(&api.ops, "/bots").await;
    assert!(!listed.text.contains(&secret) && !all.text.contains(&secret));
    let id = issued.json()["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let revoked = api.as_ops(Method::DELETE, &format!("/tokens/{id}"), json!({})).await.ok();
        assert!(revoked["revoked_at"].is_string());
    }
    assert_eq!(api.get(&secret, "/me").await.problem(), (401, "Authentication:TOKEN_REVOKED".to_owned()));
    // A list is no object, and `null` is no body.
    let lists = api.as_ops(Method::DELETE, &format!("/bots/{bot}"), json!(["unused"])).await;
    assert_eq!(lists.problem(), (400, "SymSDK:INVALID_JSON".to_owned()));
    api.as_ops(Method::DELETE, &format!("/bots/{bot}"), json!(null)).await.ok();
    assert_eq!(api.get(&secret, "/me").await.problem().1, "Authentication:BOT_DELETED");
}

#[tokio::test]
async fn users_are_listed_in_pages() {
    let api = TestApi::start().await;
    for name in ["dee", "eve", "fay"] {
        let body = json!({ "email": format!("{name}@example.com"), "role": "member" });
        assert_eq!(api.post(&api.ops, "/users", body).await.status, 201);
    }
    let names = |page: &Value| -> Vec<String> {
        page["users"].as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
    };
    let (mut after, mut all) = (String::new(), Vec::new());
    loop {
        let page = api.get(&api.ops, &format!("/users?type=normal&limit=2&after={after}")).await.ok();
        all.extend(names(&page));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(all, ["ada@example.com", "dee@example.com", "eve@example.com", "fay@example.com"]);
    assert_eq!(names(&api.get(&api.ops, "/users?prefix=E").await.ok()), ["eve@example.com"]);
    assert_eq!(names(&api.get(&api.ops, "/users?email=Dee@example.com").await.ok()), ["dee@example.com"]);
}

#[tokio::test]
async fn whoever_is_locked_loses_their_access() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    api.approve(&run).await;
    let ana = api.get(&api.ops, "/users?email=ana@example.com").await.ok()["users"][0].clone();
    let path = format!("/users/{}", ana["id"].as_str().unwrap());
    let locked = api.as_ops(Method::PATCH, &path, json!({ "is_locked": true, "reason": "lost laptop" })).await.ok();
    assert_eq!((&locked["user"]["is_locked"], &locked["ended"]["revoking"]), (&json!(true), &json!([run])));
    api.settle().await;
    assert_eq!(api.get(&api.ops, "/access").await.ok()["access"], json!([]));
    let unlocked = api.as_ops(Method::PATCH, &path, json!({ "is_locked": false })).await.ok();
    assert_eq!(unlocked["user"]["is_locked"], false);
    let admin = api.as_ops(Method::PATCH, &path, json!({ "role": "admin", "first_name": "Ana" })).await.ok();
    assert_eq!((&admin["user"]["role"], &admin["user"]["first_name"]), (&json!("admin"), &json!("Ana")));

    let identity = json!({ "service": "slack", "service_id": "T1", "user_id": "U1" });
    let with = api.as_ops(Method::POST, &format!("{path}/identities"), identity.clone()).await.ok();
    assert!(with["identities"].as_array().unwrap().contains(&identity), "{with}");
    let path_of_identity = format!("{path}/identities?service=slack&service_id=T1");
    let without = Call::new(Method::DELETE, &path_of_identity).token(&api.ops).send(&api.routes).await.ok();
    assert!(!without["identities"].as_array().unwrap().contains(&identity), "{without}");
    api.as_ops(Method::DELETE, &path, json!({ "reason": "left" })).await.ok();
    assert_eq!(api.get(&api.ops, &path).await.problem(), (404, "SymSDK:UNKNOWN_USER".to_owned()));
}

#[tokio::test]
async fn operations_tell_what_is_there_and_what_differs() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    api.approve(&run).await;
    let operations = api.get(&api.ops, "/operations").await.ok();
    assert_eq!(operations["access"]["holding"], json!({ "prod": 1 }));
    assert_eq!(operations["front_ends"], json!(["api"]));
    let found = api.post(&api.ops, "/operations/reconcile", json!({})).await.ok();
    assert_eq!(
        (&found["is_clean"], &found["compared"]),
        (&json!(true), &json!(2)),
        "both targets of the flow: {found}"
    );
}

/// Whoever gives or takes rights is on record, with what was before.
#[tokio::test]
async fn roles_and_tokens_are_on_record() {
    let api = TestApi::start().await;
    let eve = api.post(&api.ops, "/users", json!({ "email": "eve@example.com", "role": "member" })).await;
    let eve = format!("/users/{}", eve.json()["id"].as_str().unwrap());
    for role in ["admin", "admin", "guest"] {
        api.as_ops(Method::PATCH, &eve, json!({ "role": role, "reason": "on call" })).await.ok();
    }
    let bot = api.post(&api.ops, "/bots", json!({ "name": "nightly", "role": "guest" })).await;
    let tokens = format!("/bots/{}/tokens", bot.json()["id"].as_str().unwrap());
    let issued = api.post(&api.ops, &tokens, json!({ "label": "build", "for": "30d" })).await.json();
    let token = format!("/tokens/{}", issued["id"].as_str().unwrap());
    for _ in 0..2 {
        api.as_ops(Method::DELETE, &token, json!({})).await.ok();
    }
    let record = account_record(api.harness.runtime(), &[issued["token"].as_str().unwrap()]).await;
    assert_eq!(
        record,
        [
            "ops: changed the role of eve@example.com from member to admin",
            "ops: changed the role of eve@example.com from admin to guest",
            "ops: changed the role of nightly from member to guest",
            "ops: issued the token “build” of nightly, until 2024-03-30T12:00:00Z",
            "ops: revoked the token “build” of nightly",
        ]
    );
    // They are searched and exported like all others.
    let found = api.get(&api.ops, "/audit?kind=role_changed&actor=ops").await.ok();
    let entries = found["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0]["kind"], "role_changed");
    assert_eq!((&entries[2]["details"]["from"], &entries[2]["details"]["to"]), (&json!("member"), &json!("admin")));
    let by_event = entries[0]["event"]["id"].as_str().unwrap();
    let found = api.get(&api.ops, &format!("/audit?event={by_event}")).await.ok();
    assert_eq!(found["entries"].as_array().unwrap().len(), 1, "{found}");
    let csv = api.get(&api.ops, "/audit/export?format=csv&kind=token_revoked").await;
    assert_eq!(csv.text.lines().count(), 2, "{}", csv.text);
    // Somebody who is no administrator is on record, too, and changes nothing.
    let runtime = api.harness.runtime();
    let (ben, ana) = ("ben@example.com", "ana@example.com");
    for user in [ben, ana] {
        runtime.directory().get_or_create_user_by_email(user).await.unwrap();
    }
    runtime.change_role(ana, sym_sdk::model::UserRole::Admin, ben, "please").await.unwrap_err();
    assert!(!runtime.directory().user_by_email(ana).await.unwrap().unwrap().is_admin());
    let record = account_record(runtime, &[]).await;
    assert_eq!(
        record.last().unwrap(),
        "ben@example.com: could not change the role of ana@example.com from member to admin: ben@example.com is not an \
         administrator (SymSDK:NOT_PERMITTED)"
    );
}
