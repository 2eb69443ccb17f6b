//! The typed client, over loopback.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use sym_sdk::client::{Call, Client, Decision, Method, NewRequest, RunQuery};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::prelude::*;
use sym_sdk::server::axum::response::Redirect;
use sym_sdk::server::axum::routing::get;
use sym_sdk::server::axum::{self, Router};
use sym_sdk::server::listen;

use super::TestApi;

/// Serves routes until the runtime of the test ends.
async fn serve(routes: Router) -> SocketAddr {
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

fn client(address: SocketAddr, token: &str) -> Client {
    Client::new(&format!("http://{address}"), token.into()).unwrap()
}

#[tokio::test]
async fn requests_waits_and_decides() {
    let mut api = TestApi::start().await;
    let address = serve(api.routes.clone()).await;
    let (ci, deployer, ops) = (client(address, &api.ci), client(address, &api.deployer), client(address, &api.ops));
    let me = ci.me().await.unwrap();
    assert_eq!((me.user.username.as_str(), me.is_admin, me.can_request_for_others), ("ci", false, true));
    assert!(ci.flows().await.unwrap().iter().any(|flow| flow.name == "prod"));
    api.harness.runtime().directory().contact("ana@example.com").await.unwrap();
    let flow = ci.flow("prod").await.unwrap();
    assert!(flow.gives_access);
    assert_eq!(flow.targets.len(), 2);

    let request = NewRequest::new("prod").for_user("ana@example.com").key("deploy-1");
    let request = request.input("target_srn", flow.targets[0].srn.as_str()).input("duration", "1h");
    let preview = ci.preview(&request).await.unwrap();
    assert!(preview.is_valid, "{preview:?}");
    assert_eq!(preview.deciders.unwrap().users.len(), 2);
    let receipt = ci.request(&request).await.unwrap();
    assert_eq!(ci.request(&request).await.unwrap(), receipt, "a repeated call has the same receipt");
    api.settle().await;

    let run = receipt.run_id;
    let seen = deployer.run(run).await.unwrap();
    assert_eq!((seen.status, seen.is_undecided(), seen.duration), (RunStatus::Requested, true, Some(3_600)));
    assert_eq!(deployer.wait_for_change(run, seen.version, Duration::ZERO).await.unwrap(), None);
    let waiting = {
        let (deployer, version) = (deployer.clone(), seen.version);
        tokio::spawn(async move { deployer.wait_for_change(run, version, Duration::from_secs(25)).await })
    };
    let decision = Decision::new().message("go ahead").duration("10m").seen(seen.seen.clone().unwrap());
    let refused = deployer.approve(run, &Decision::new().seen(format!("{}x", "0".repeat(42)))).await.unwrap_err();
    assert!([ErrorKind::Conflict, ErrorKind::InvalidInput].contains(&refused.kind()), "{refused:?}");
    deployer.approve(run, &decision).await.unwrap();
    let changed = waiting.await.unwrap().unwrap().expect("it has changed");
    assert!(changed.version > seen.version);
    api.settle().await;

    let held = ops.run(run).await.unwrap();
    assert_eq!((held.status, held.access.state.as_str()), (RunStatus::Escalated, "held"));
    assert_eq!(held.decision.unwrap().message.as_deref(), Some("go ahead"));
    assert_eq!(ops.access(Some("ana@example.com")).await.unwrap()[0].run_id, run);
    assert_eq!(ops.access(Some("eve@example.com")).await.unwrap(), []);
    let timeline = ops.timeline(run, 0).await.unwrap();
    let middle = timeline.entries[1].seq;
    assert_eq!(ops.timeline(run, middle).await.unwrap().entries, timeline.entries[2..]);
    assert_eq!(ops.deciders(run).await.unwrap().users.len(), 2);
    let page = ops.runs(&RunQuery::new().holding().requester("ana@example.com")).await.unwrap();
    assert_eq!((page.runs.len(), page.next), (1, None));

    ops.revoke(run).await.unwrap();
    api.settle().await;
    assert_eq!(ops.run(run).await.unwrap().status, RunStatus::Deescalated);
    let again = ops.revoke(run).await.unwrap_err();
    assert_eq!(again.code(), &codes::DEESCALATE_INVALID_RUN);
    assert_eq!(ops.write_off(run, "scrapped").await.unwrap_err().code(), &codes::DEESCALATE_INVALID_RUN);
}

#[tokio::test]
async fn problems_become_errors() {
    let api = TestApi::start().await;
    let address = serve(api.routes.clone()).await;
    let ci = client(address, &api.ci);
    let unknown = ci.request(&NewRequest::new("prd")).await.unwrap_err();
    assert_eq!((unknown.kind(), unknown.status()), (ErrorKind::NotFound, Some(404)));
    assert_eq!(unknown.code(), &codes::UNKNOWN_FLOW);
    assert!(unknown.hint().is_some_and(|hint| hint.contains("prod")), "{unknown:?}");
    assert!(unknown.request_id().is_some());
    let forbidden = ci.call(&Call::get(["users"])).await.unwrap_err();
    assert_eq!((forbidden.kind(), forbidden.code()), (ErrorKind::Forbidden, &codes::NOT_PERMITTED));
    let body = json!({ "inputs": {}, "inptus": {} });
    let malformed = ci.call(&Call::post(["flows", "prod", "preview"]).body(body)).await.unwrap_err();
    assert_eq!((malformed.kind(), malformed.code()), (ErrorKind::InvalidInput, &codes::UNKNOWN_FIELD));
    let nobody = client(address, "symbot_x").me().await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::Unauthorized);
    let method = ci.call(&Call::new(Method::DELETE, ["runs"])).await.unwrap_err();
    assert_eq!(method.status(), Some(405));

    let mut export = client(address, &api.ops).download(&Call::get(["audit", "export"])).await.unwrap();
    while export.chunk().await.unwrap().is_some() {}
    assert!(ci.download(&Call::get(["audit", "export"])).await.is_err());
}

/// Nothing but the program answers in its name, and the token stays with the server that was named.
#[tokio::test]
async fn other_servers_are_told_apart() {
    let closed = {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        listener.local_addr().unwrap()
    };
    let error = client(closed, "symbot_secret").me().await.unwrap_err();
    assert_eq!(error.code(), &codes::SERVER_UNREACHABLE);
    assert!(error.message().contains(&closed.to_string()), "{error}");

    let page = Router::new().route("/api/v1/me", get(async || "<html>"));
    assert_eq!(client(serve(page).await, "t").me().await.unwrap_err().code(), &codes::INVALID_JSON);
    let elsewhere = Router::new().fallback(async || Redirect::temporary("http://127.0.0.1:9/stolen"));
    let error = client(serve(elsewhere).await, "symbot_secret").me().await.unwrap_err();
    assert_eq!((error.code(), error.status()), (&codes::SERVER_UNREACHABLE, Some(307)));

    let client = client(closed, "symbot_secret");
    assert!(!format!("{client:?} {error:?}").contains("secret"));
    assert_eq!(client_of_malformed_token(closed).await, ErrorKind::Unauthorized);
}

async fn client_of_malformed_token(address: SocketAddr) -> ErrorKind {
    client(address, "symbot_x\n").me().await.unwrap_err().kind()
}
