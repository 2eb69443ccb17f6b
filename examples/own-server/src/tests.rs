use sym_sdk::model::RunStatus;
use sym_sdk::server::Server;
use sym_sdk::server::axum::Router;
use sym_sdk::server::axum::body::{Body, to_bytes};
use sym_sdk::server::axum::http::{Method, Request, StatusCode};
use sym_sdk::testing::Harness;
use tower::ServiceExt;

use super::routes::{self, Freeze};

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Returns the flows on a virtual clock, and the application around them.
async fn application() -> TestResult<(Harness, Router)> {
    let freeze = Freeze::default();
    let builder = Harness::builder().terraform_dir(env!("CARGO_MANIFEST_DIR")).state(freeze.clone());
    let harness = builder.build().await?;
    let runtime = harness.runtime().clone();
    let routes = routes::router(runtime.clone(), freeze).merge(Server::new(runtime).router());
    Ok((harness, routes))
}

async fn call(routes: &Router, method: Method, path: &str) -> TestResult<(StatusCode, String)> {
    let request = Request::builder().method(method).uri(path).body(Body::empty())?;
    let response = routes.clone().oneshot(request).await?;
    let (status, body) = (response.status(), to_bytes(response.into_body(), 64 * 1024).await?);
    Ok((status, String::from_utf8(body.to_vec())?))
}

#[tokio::test]
async fn own_routes_see_what_the_flows_do() -> TestResult {
    let (mut harness, routes) = application().await?;
    let request = harness.request("production").target("operators").duration("1h").field("reason", "a deployment");
    let run = request.await?;
    assert_eq!(call(&routes, Method::GET, "/access").await?, (StatusCode::OK, "[]".to_owned()));
    harness.approve_as(run, "ben@example.com").await?;
    let (_, access) = call(&routes, Method::GET, "/access").await?;
    assert_eq!(access, r#"[{"user":"ana@example.com","flow":"production"}]"#);
    Ok(())
}

#[tokio::test]
async fn handlers_see_what_own_routes_do() -> TestResult {
    let (mut harness, routes) = application().await?;
    for (method, status) in [(Method::PUT, RunStatus::Denied), (Method::DELETE, RunStatus::Requested)] {
        assert_eq!(call(&routes, method, "/freeze").await?.0, StatusCode::NO_CONTENT);
        let request = harness.request("production").target("operators").duration("1h");
        let run = request.field("reason", "a deployment").await?;
        assert_eq!(harness.status(run).await?, status);
    }
    Ok(())
}

#[tokio::test]
async fn the_routes_of_the_runtime_are_mounted() -> TestResult {
    let (_harness, routes) = application().await?;
    assert_eq!(call(&routes, Method::GET, "/health").await?.0, StatusCode::OK);
    Ok(())
}
