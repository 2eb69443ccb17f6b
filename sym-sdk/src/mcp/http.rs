//! The routes: streamable HTTP, with sessions of our own.
//!
//! The library serves each message on its own, as the protocol does since 2026-07-28. Clients of earlier versions expect a session: its id is
//! handed out here, checked with each call and ended by `DELETE`. There is no stream from the server outside of a call, because nothing
//! would be sent on it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any_service;
use futures_util::future::{Either, select};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tower_http::catch_panic::CatchPanicLayer;

use super::front_end::{Mcp, McpState};
use super::server::{AgentServer, CallSession};
use super::sessions::{self, SessionId, unknown_session};
use super::silence::end_session;
use crate::error::{Error, ErrorKind, codes};
use crate::runtime::RouterContext;
use crate::server::caller::Caller;
use crate::server::guard::{CallRates, Guard, guard};
use crate::server::problem::{Problem, panicked, render, unknown_route};

const SESSION_HEADER: HeaderName = HeaderName::from_static("mcp-session-id");

/// The hosts of the loopback interface.
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Interval of the comments in a stream, so that proxies keep it open.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

pub(super) fn routes(mcp: &Mcp, context: RouterContext) -> Router {
    let mut hosts: Vec<String> = LOCAL_HOSTS.map(str::to_owned).into_iter().chain(mcp.hosts.iter().cloned()).collect();
    let public_url = context.public_url.as_ref();
    hosts.extend(public_url.and_then(|url| url.as_str().split_once("://")).map(|(_, authority)| authority.to_owned()));
    let origins = public_url.map(|url| url.as_str().to_owned());
    let message_bytes = mcp.limits.message_bytes.saturating_add(context.runtime.limits().fields_bytes);
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts)
        .with_allowed_origins(origins)
        .enforce_origin_validation()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(Some(KEEP_ALIVE_INTERVAL))
        .with_cancellation_token(context.stop.child_token())
        .with_max_request_body_bytes(message_bytes);
    let state = McpState::new(context.runtime.clone(), context.stop, mcp.limits, mcp.activity.clone());
    let served = state.clone();
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(AgentServer::of_requests(served.clone())), sessions, config);
    let limits = mcp.limits;
    let rates =
        CallRates { reads: limits.calls, writes: limits.calls, failed_authentications: limits.failed_authentications };
    let proxies = mcp.trusted_proxies.iter().chain(&context.trusted_proxies).copied().collect();
    let admission = Arc::new(Guard::new(context.runtime, rates, proxies, Caller::require_agent));
    // Each layer wraps those before it.
    Router::new()
        .route("/", any_service(service))
        .layer(from_fn_with_state(state.clone(), with_session))
        .fallback(unknown_route)
        .layer(from_fn_with_state(admission, guard))
        .layer(from_fn_with_state(state, bounded))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(say_how_to_authenticate))
        .layer(from_fn(render))
}

/// Limits the time until a call is answered. A wait is the longest of them.
async fn bounded(State(state): State<McpState>, request: Request, next: Next) -> Response {
    let limit = state.limits.wait.saturating_add(state.limits.call);
    let answering = std::pin::pin!(next.run(request));
    match select(answering, state.runtime.clock().sleep(limit)).await {
        Either::Left((response, _)) => response,
        Either::Right(((), _)) => {
            let message = format!("the call was not answered within {limit:?}");
            Problem::from(Error::new(ErrorKind::Timeout, codes::REQUEST_TIMED_OUT, message)).into_response()
        }
    }
}

/// Tells clients that a token is needed here, and nothing else: they would look for a way to sign in with a browser.
async fn say_how_to_authenticate(request: Request, next: Next) -> Response {
    let has_token = request.headers().contains_key(header::AUTHORIZATION);
    let mut response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = match has_token {
            true => "Bearer realm=\"sym\", error=\"invalid_token\"",
            false => "Bearer realm=\"sym\"",
        };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// Checks the session of a call, begins the one that it asks for, and ends the one that a client is done with.
async fn with_session(
    State(state): State<McpState>,
    Extension(caller): Extension<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let named = match read_session(request.headers()) {
        Ok(named) => named,
        Err(problem) => return problem.into_response(),
    };
    if let Some(session) = named
        && let Err(error) = sessions::check(&state.runtime, caller.user().id(), session).await
    {
        return Problem::from(error).into_response();
    }
    if request.method() == Method::DELETE {
        return end(&state, &caller, named).await.unwrap_or_else(IntoResponse::into_response);
    }
    let session = CallSession { current: named, ..CallSession::default() };
    request.extensions_mut().insert(session.clone());
    let mut response = next.run(request).await;
    if let Some(begun) = session.begun.get()
        && let Ok(id) = HeaderValue::try_from(begun.to_string())
    {
        response.headers_mut().insert(SESSION_HEADER, id);
    }
    response
}

fn read_session(headers: &HeaderMap) -> Result<Option<SessionId>, Problem> {
    let mut values = headers.get_all(SESSION_HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return match headers.contains_key(SESSION_HEADER) {
            true => Err(unknown_session().into()),
            false => Ok(None),
        };
    };
    let session = value.to_str().ok().and_then(SessionId::parse);
    session.map(Some).ok_or_else(|| unknown_session().into())
}

async fn end(state: &McpState, caller: &Caller, session: Option<SessionId>) -> Result<Response, Problem> {
    let Some(session) = session else {
        let message = "the header `Mcp-Session-Id` is missing, which names the session to end";
        return Err(Error::invalid(codes::INVALID_PARAMETER, message).into());
    };
    end_session(&state.runtime, &state.activity, caller.user(), session).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
