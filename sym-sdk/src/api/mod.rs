//! The HTTP API, for programs: a [front end](crate::runtime::FrontEnd) named `api`, with version 1 below `/api/v1`.
//!
//! With it, bots make requests, programs wait for decisions, and administrators see and end access. The command `serve` of an
//! [`App`](crate::App) serves it if this feature is enabled; a program of its own adds it with
//! [`Builder::front_end`](crate::runtime::Builder::front_end):
//!
//! ```
//! use sym_sdk::api::Api;
//! use sym_sdk::config::Config;
//! use sym_sdk::runtime::Runtime;
//!
//! let builder = Runtime::builder(Config::default()).front_end(Api::new());
//! # let _ = builder;
//! ```
//!
//! It guarantees that
//!
//! - **the machine decides**: a handler submits what was asked for, under the name of its caller, and answers with the refusal of the machine;
//! - **what one may not see does not exist**: a Run that is hidden from the caller is answered as one that never was, in each call;
//! - **a GET changes nothing**, and what changes something can be repeated with an `Idempotency-Key`;
//! - **every error has one shape**, with a code that does not change, and never with the words of a service for somebody who is no
//!   administrator.
//!
//! Each resource has a module; `openapi` describes them all from the same types. `server` has what other front ends over HTTP share: the
//! [problem](crate::server) bodies, who calls, and how fast they may.

mod access;
pub(crate) mod audit;
mod bots;
mod changes;
mod command_line;
pub(crate) mod csv;
mod decisions;
mod events;
mod extract;
mod flows;
mod idempotency;
mod me;
mod openapi;
mod operations;
mod people;
mod run_body;
mod run_list;
mod runs;
mod schemas;
mod state;
pub(crate) mod streams;
mod timeline;
mod token_exchange;
mod trusts;
mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;

#[cfg(feature = "console")]
pub(crate) use self::run_body::access_state;
use self::state::ApiState;
use crate::runtime::{FrontEnd, RouterContext};
use crate::server::caller::Caller;
#[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
use crate::server::caller::Credentials;
#[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
use crate::server::guard::admit_operator;
use crate::server::guard::{CallRates, Guard, guard};
use crate::server::problem::{method_not_allowed, panicked, render, unknown_route};
#[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
use crate::server::request_id::with_request_id;
use crate::server::{IpRange, Rate};

/// The name of the front end, below which its routes are mounted.
pub(crate) const NAME: &str = "api";

/// The limits of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiLimits {
    /// The rate of calls that change nothing, for each caller. Default: 20 per second, 60 at once.
    pub reads: Rate,
    /// The rate of all other calls, for each caller. Default: 5 per second, 20 at once.
    pub writes: Rate,
    /// The rate of calls with credentials that are not good, for each client. Default: 10 per minute, 10 at once.
    pub failed_authentications: Rate,
    /// Timeout of a call, apart from streams. Default: 30 s.
    pub request: Duration,
    /// Maximum number of streams of changes that one caller has open. Default: 16.
    pub streams_per_caller: usize,
    /// Maximum number of streams of changes. Default: 256.
    pub streams: usize,
    /// Maximum size of a body in bytes, apart from those of requests and forms, whose size follows from
    /// [`Limits`](crate::runtime::Limits). Default: 128 KiB.
    pub body_bytes: usize,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            reads: Rate::per_second(20).with_burst(60),
            writes: Rate::per_second(5).with_burst(20),
            failed_authentications: Rate::per_minute(10),
            request: Duration::from_secs(30),
            streams_per_caller: 16,
            streams: 256,
            body_bytes: 128 * 1024,
        }
    }
}

/// The front end that serves the HTTP API. See the [module](self).
#[derive(Clone, Debug, Default)]
pub struct Api {
    limits: ApiLimits,
    trusted_proxies: Vec<IpRange>,
}

impl Api {
    /// Creates the front end, with default limits and no trusted proxies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: ApiLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the proxies whose header `X-Forwarded-For` is believed, beside those of the server. Without any, failed authentications count for
    /// the address of the proxy and the token.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = IpRange>) -> Self {
        self.trusted_proxies = proxies.into_iter().collect();
        self
    }

    /// Returns the OpenAPI document of the routes, as `GET /api/v1/openapi.json` serves it.
    pub fn openapi() -> serde_json::Value {
        openapi::document()
    }

    fn routes(&self, context: RouterContext) -> Router {
        let rates = CallRates {
            reads: self.limits.reads,
            writes: self.limits.writes,
            failed_authentications: self.limits.failed_authentications,
        };
        let admission = Arc::new(Guard::new(
            context.runtime.clone(),
            rates,
            self.trusted_proxies.iter().chain(&context.trusted_proxies).copied().collect(),
            Caller::require_no_agent,
        ));
        let state = ApiState::new(context, self.limits);
        let calls = calls().layer(from_fn_with_state(admission.clone(), guard));
        // Who calls these has no token of ours.
        let open_calls = Router::new()
            .nest("/v1", openapi::open_routes().into_router())
            .method_not_allowed_fallback(method_not_allowed)
            .layer(Extension(admission));
        mounted(calls.merge(open_calls), state)
    }

    /// Returns the routes for a caller within this process, with their whole path. Nothing limits the rate of calls.
    #[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
    pub(crate) fn routes_for(context: RouterContext, credentials: Credentials) -> Router {
        let admission = Arc::new((context.runtime.clone(), Arc::new(credentials)));
        let calls = calls().layer(from_fn_with_state(admission, admit_operator));
        let routes = mounted(calls, ApiState::new(context, ApiLimits::default()));
        Router::new().nest(&format!("/{NAME}"), routes).layer(from_fn(with_request_id))
    }
}

fn calls() -> Router<ApiState> {
    Router::new()
        .nest("/v1", openapi::routes().into_router())
        .fallback(unknown_route)
        .method_not_allowed_fallback(method_not_allowed)
}

fn mounted(calls: Router<ApiState>, state: ApiState) -> Router {
    // Each layer wraps those before it.
    Router::new()
        .merge(calls)
        .merge(openapi::document_route())
        .layer(from_fn_with_state(state.clone(), state::bounded))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(render))
        .with_state(state)
}

impl FrontEnd for Api {
    fn name(&self) -> &str {
        NAME
    }

    fn router(&self, context: RouterContext) -> Router {
        self.routes(context)
    }

    fn limits_requests(&self) -> bool {
        true
    }
}
