//! The program of a team that has an axum application already: the flows run inside of it, beside routes of its own.
//!
//! There is no `App` and no command line here. `main` builds the runtime, mounts its routes, starts its workers, and stops everything in
//! the right order.

mod routes;

use std::net::SocketAddr;
use std::sync::Arc;

use sym_integrations::slack;
use sym_sdk::config::Config;
use sym_sdk::engine::{SqliteStore, WorkerLimits};
use sym_sdk::prelude::*;
use sym_sdk::runtime::Runtime;
use sym_sdk::server::{CancellationToken, Server, axum, listen};

use routes::Freeze;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(flow.var("request_channel")?)?)])
}

/// Denies requests during a freeze. The application's own route sets it, and handlers read it: both have the same value.
#[hook]
fn on_request(freeze: State<Freeze>) -> Option<NextEvent> {
    freeze.is_on().then(|| ApprovalTemplate::deny().reason("production is frozen"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let mut config = Config::from_terraform_dir(env!("CARGO_MANIFEST_DIR"))?.config;
    config.organization.domains.push("example.com".to_owned());

    let (store, freeze) = (Arc::new(SqliteStore::open("own-server.db").await?), Freeze::default());
    let builder = Runtime::builder(config).with(sym_integrations::all()).sqlite(store.clone()).state(freeze.clone());
    // Starts with what can be built, so that a lost secret does not keep access from being revoked. `Runtime::unavailable` lists the rest.
    let runtime = builder.build_degraded().await?;

    let stop = CancellationToken::new();
    let server = Server::new(runtime.clone()).stop(stop.clone());
    let application = routes::router(runtime.clone(), freeze).merge(server.router());
    let listener = listen(SocketAddr::from(([127, 0, 0, 1], 3000))).await?;
    // Front ends limit requests by address, so they need that of the client.
    let service = application.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());

    // The workers call handlers and strategies. Without them, requests are stored and nothing happens.
    let workers = runtime.start(WorkerLimits::default());
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
        stop.cancel();
    };
    tokio::select! {
        // The store has failed for good. The exit code tells the supervisor to start the program again.
        error = runtime.failure() => return Err(error.into()),
        (served, (), ()) = async { tokio::join!(serving, server.run_front_ends(stop.clone()), interrupted) } => served?,
    }
    // First nothing new arrives, then what is in progress gets half a minute, and then the file is closed.
    workers.shutdown(Duration::from_secs(30)).await;
    store.close().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
