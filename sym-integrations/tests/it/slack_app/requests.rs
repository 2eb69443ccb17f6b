//! Requests from Slack: signatures, malformed payloads and commands.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use sym_integrations::slack::fake::Member;
use sym_sdk::delivery::Delivery;
use sym_sdk::prelude::*;
use sym_sdk::runtime::FrontEnd;

use super::{WORKSPACE, World, encode, sign};

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn accepts_only_requests_that_slack_signed_recently() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let body = encode(&world.clicked("U0BEN", "approve", run));
    let now = world.harness.runtime().clock().now().as_second();
    let signed = |at: i64, signature: String| {
        let request = Request::post("/interactions").header("content-type", FORM);
        let request = request.header("x-slack-request-timestamp", at).header("x-slack-signature", signature);
        request.body(Body::from(body.clone())).unwrap()
    };
    let good = sign(&now.to_string(), &body);
    let forged = [
        signed(now, good.replace("v0=", "v1=")),
        signed(now, sign(&now.to_string(), "other")),
        signed(now - 301, sign(&(now - 301).to_string(), &body)),
        signed(now + 301, sign(&(now + 301).to_string(), &body)),
        signed(now - 1, good.clone()),
        Request::post("/interactions").header("content-type", FORM).body(Body::from(body.clone())).unwrap(),
    ];
    for request in forged {
        assert_eq!(world.send_as(request).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
    assert_eq!(world.send_as(signed(now, good)).await.status, StatusCode::OK);
    world.settle().await;
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Escalated);
}

#[tokio::test]
async fn rejects_malformed_requests_and_ignores_unknown_interactions() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let click = world.clicked("U0BEN", "approve", run);
    let answer = world.send("/interactions", click.to_string(), "application/json").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for body in ["payload=", "payload=%7B", "payload={}", "x=y", ""] {
        assert_eq!(world.send("/interactions", body.into(), FORM).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let mut other = click.clone();
    other["actions"][0]["action_id"] = json!("make_me_admin");
    let mut nothing = click.clone();
    nothing["actions"] = json!([]);
    let mut no_run = click.clone();
    no_run["actions"][0]["value"] = json!("1; drop table runs");
    for payload in [other, nothing, no_run, json!({ "type": "message_action" })] {
        assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    }
    assert_eq!(world.send("/commands", "ssl_check=1&token=x".into(), FORM).await.status, StatusCode::OK);
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
}

/// S01: Slack checks the certificate of a URL without a signature, and people open the URL in a browser.
#[tokio::test]
async fn certificate_checks_and_browsers_are_answered_without_a_signature() {
    let world = World::with_reason().await;
    for path in ["/commands", "/interactions", "/options"] {
        let get = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(world.send_as(get).await.status, StatusCode::OK, "{path}");
        for (body, expected) in [
            ("ssl_check=1", StatusCode::OK),
            ("ssl_check=1&token=x", StatusCode::OK),
            ("ssl_check=0", StatusCode::UNAUTHORIZED),
            ("ssl_check=1&command=/sym&text=whoami", StatusCode::UNAUTHORIZED),
            ("ssl_check=1&payload={}", StatusCode::UNAUTHORIZED),
        ] {
            let post = Request::post(path).header("content-type", FORM).body(Body::from(body)).unwrap();
            assert_eq!(world.send_as(post).await.status, expected, "{path} {body}");
        }
    }
}

/// S02: only `ssl_check=1` is a check.
#[tokio::test]
async fn a_command_with_ssl_check_0_is_a_command() {
    let world = World::with_reason().await;
    let command = format!("ssl_check=0&command=/sym&team_id={WORKSPACE}&user_id=U0ADA&text=whoami&trigger_id=1.1");
    let answer = world.send("/commands", command, FORM).await;
    assert_eq!(answer.body["text"], "You are *ada@example.com*, an administrator.");
}

/// S05, S09: a member that is null counts as one that is absent.
#[tokio::test]
async fn null_counts_as_absent_in_interactions() {
    let mut world = World::with_reason().await;
    for (object, member) in [
        ("", "state"),
        ("", "response_url"),
        ("/message", "text"),
        ("/message", "blocks"),
        ("/actions/0", "block_id"),
    ] {
        let run = world.request().await;
        let mut click = world.clicked("U0BEN", "approve", run);
        click.pointer_mut(object).unwrap()[member] = json!(null);
        assert_eq!(world.interact(&click).await.status, StatusCode::OK, "{object}/{member}");
        world.settle().await;
        assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Escalated, "{object}/{member}");
    }
    // A click outside of any message decides nothing.
    let run = world.request().await;
    let mut click = world.clicked("U0BEN", "approve", run);
    click["container"] = json!(null);
    assert_eq!(world.interact(&click).await.status, StatusCode::OK);
    world.settle().await;
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
}

#[tokio::test]
async fn whoami_and_help_respond_ephemerally() {
    let world = World::with_reason().await;
    let answer = world.command("U0ADA", "whoami").await;
    assert_eq!(
        answer.body,
        json!({ "response_type": "ephemeral", "text": "You are *ada@example.com*, an administrator." })
    );
    let answer = world.command("U0ANA", "WhoAmI").await;
    assert_eq!(answer.body["text"], "You are *ana@example.com*, a member.");
    assert!(world.command("U0ANA", "help").await.body["text"].as_str().unwrap().contains("/sym req"));
    let answer = world.command("U0ANA", "sudo <!channel>").await;
    assert!(answer.body["text"].as_str().unwrap().starts_with("Unknown command `/sym sudo`."));
    // Each account is fetched once and cached.
    assert_eq!(world.fake.calls("users.info").len(), 2);
    world.fake.join(Member::new("U0BOT").bot());
    assert_eq!(world.command("U0BOT", "whoami").await.body["text"], "Bots cannot use this app.");
}

#[tokio::test]
async fn is_ready_if_the_token_belongs_to_the_workspace() {
    let world = World::with_reason().await;
    FrontEnd::check(&world.app).await.unwrap();
    world.fake.refuse("auth.test", "token_revoked");
    let error = FrontEnd::check(&world.app).await.unwrap_err();
    assert_eq!(error.code().to_string(), "Slack:TOKEN_REVOKED");
    assert_eq!((FrontEnd::name(&world.app), Delivery::name(&world.app)), ("slack", "slack"));
    assert!(!format!("{:?}", world.app).contains("S3CRET"));
}
