//! The routes, and the layers that apply to all of them.

use std::any::Any;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::Instrument as _;

use super::ServerLimits;
use super::readiness::Readiness;
use super::request_id::{CLIENT_REQUEST_ID, REQUEST_ID, RequestId, client_request_id};
use crate::runtime::RouterContext;
#[cfg(feature = "api")]
use crate::runtime::Runtime;

pub(super) fn router(context: &RouterContext, readiness: Arc<Readiness>) -> Router {
    let limits = context.limits;
    let own = Router::new().route("/health", get(health)).route("/ready", get(ready)).with_state(readiness);
    let own = limited(own, limits);
    let front_ends = context.runtime.front_ends().iter();
    let all = front_ends.fold(own, |all, front_end| {
        let routes = front_end.router(context.clone());
        let routes = if front_end.limits_requests() { routes } else { limited(routes, limits) };
        all.nest(&format!("/{}", front_end.name()), routes)
    });
    // These have paths below those of a front end for browsers, which may be there or not.
    #[cfg(feature = "api")]
    let all = match context.runtime.sign_in_issuer() {
        Some(_) => all.merge(limited(super::sign_in::router(context.clone()), limits)),
        None => all,
    };
    // Clients that look for a way to sign in read an answer in JSON, also where there is nothing.
    #[cfg(any(feature = "api", feature = "mcp"))]
    let all = {
        use super::problem::{render, unknown_route};
        all.fallback_service(Router::new().fallback(unknown_route).layer(middleware::from_fn(render)))
    };
    // Before anything else sees a request, it loses what only the proxy that signs people in may say.
    #[cfg(feature = "api")]
    let all = match context.runtime.sign_in_proxy() {
        Some(_) => all.layer(middleware::from_fn_with_state(context.runtime.clone(), without_forged_headers)),
        None => all,
    };
    // Each layer wraps those before it. axum's own body limit applies to its extractors only, so others replace it.
    all.layer(DefaultBodyLimit::disable()).layer(CatchPanicLayer::custom(panicked)).layer(middleware::from_fn(traced))
}

/// Removes the headers by which a request claims to come from the proxy that signs people in, unless it does.
#[cfg(feature = "api")]
async fn without_forged_headers(State(runtime): State<Runtime>, mut request: Request, next: Next) -> Response {
    if let Some(proxy) = runtime.sign_in_proxy() {
        let peer = super::peer::peer_of(request.extensions());
        proxy.remove_forged(peer, request.headers_mut());
    }
    next.run(request).await
}

/// Limits the bodies and the time of requests.
fn limited(routes: Router, limits: ServerLimits) -> Router {
    routes
        .layer(RequestBodyLimitLayer::new(limits.body_bytes))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits.request))
}

async fn health(State(readiness): State<Arc<Readiness>>) -> impl IntoResponse {
    let (status, body) = match readiness.dead() {
        None => (StatusCode::OK, json!({ "status": "alive" })),
        Some(part) => (StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "dead", "dead": part })),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body))
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> impl IntoResponse {
    let not_ready = readiness.not_ready().await;
    let status = if not_ready.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "ready": not_ready.is_empty(), "not_ready": not_ready });
    let (unavailable, blocked) = (readiness.unavailable(), readiness.blocked_access());
    if !unavailable.is_empty() || blocked > 0 {
        body["unavailable"] = json!(unavailable);
        body["blocked_access"] = json!(blocked);
    }
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body))
}

/// Responds to a panic. Its message is not logged, because it can contain data of the request.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("answering a request panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, "internal error").into_response()
}

/// Assigns a request id, and logs the request under it, and under the client's own. Of the path only the route is logged, because a client can
/// put a secret anywhere.
async fn traced(route: Option<MatchedPath>, mut request: Request, next: Next) -> Response {
    let id = RequestId::random();
    let clients = client_request_id(request.headers());
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!("request", id = id.as_str(), client_id = tracing::field::Empty, method = %request.method(), route);
    if let Some(clients) = clients {
        span.record("client_id", tracing::field::display(clients));
    }
    request.extensions_mut().insert(id.clone());
    let answer = async {
        let response = next.run(request).await;
        tracing::debug!(status = response.status().as_u16(), "answered");
        response
    };
    let mut response = answer.instrument(span).await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(clients) = clients.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
        headers.insert(CLIENT_REQUEST_ID, clients);
    }
    response
}
