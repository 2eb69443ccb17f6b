//! The application's own routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use sym_sdk::engine::RunFilter;
use sym_sdk::runtime::Runtime;
use sym_sdk::server::axum::extract::State;
use sym_sdk::server::axum::http::StatusCode;
use sym_sdk::server::axum::routing::{get, put};
use sym_sdk::server::axum::{Json, Router};

/// The most Runs that one response lists.
const MAX_LISTED: usize = 100;

/// Whether production is frozen. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Freeze(Arc<AtomicBool>);

impl Freeze {
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, is_on: bool) {
        self.0.store(is_on, Ordering::Relaxed);
    }
}

/// Somebody with access.
#[derive(Serialize)]
struct Access {
    user: String,
    flow: String,
}

/// Returns the application's own routes. Authenticate their callers as you do elsewhere: the routes of front ends do it by themselves.
pub(crate) fn router(runtime: Runtime, freeze: Freeze) -> Router {
    let freezing = put(freeze_production).delete(unfreeze_production).with_state(freeze);
    Router::new().route("/access", get(list_access)).with_state(runtime).route("/freeze", freezing)
}

async fn freeze_production(State(freeze): State<Freeze>) -> StatusCode {
    freeze.set(true);
    StatusCode::NO_CONTENT
}

async fn unfreeze_production(State(freeze): State<Freeze>) -> StatusCode {
    freeze.set(false);
    StatusCode::NO_CONTENT
}

/// Lists who has access now.
async fn list_access(State(runtime): State<Runtime>) -> Result<Json<Vec<Access>>, StatusCode> {
    let mut filter = RunFilter::default();
    filter.may_hold_access = true;
    let runs = runtime.runs(filter, MAX_LISTED).await.map_err(|error| {
        tracing::error!(%error, "the store does not list access");
        StatusCode::SERVICE_UNAVAILABLE
    })?;
    let access = runs.iter().filter_map(|stored| {
        let run = &stored.state.run;
        Some(Access { user: run.requester()?.username().to_owned(), flow: run.flow().slug().to_owned() })
    });
    Ok(Json(access.collect()))
}
