//! The metrics of the program in Prometheus' text format, on a listener of their own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::ServerLimits;
use super::accept::{self, Transport};
use crate::engine::observability;
use crate::error::{Error, ErrorKind, Result, codes};

/// The upper bounds of the buckets of histograms, in seconds: from a commit to a revocation that waits for a service to recover.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0];

/// Interval at which samples of histograms are merged into buckets if nobody reads them, so that they do not accumulate.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Maximum number of concurrent connections to the listener.
const MAX_CONNECTIONS: usize = 16;

/// The metrics of the program for Prometheus, served as `GET /metrics`.
///
/// Whoever can connect can read them, and they say how a team works: how many requests there are, and how many fail. Listen on an address
/// that only the collector reaches, which is why they have a listener of their own.
///
/// ```no_run
/// use sym_sdk::server::{CancellationToken, PrometheusMetrics, listen};
///
/// async fn serve(stop: CancellationToken) -> sym_sdk::Result<()> {
///     // Before the runtime is started: what is counted earlier is lost.
///     let metrics = PrometheusMetrics::install()?;
///     let listener = listen("127.0.0.1:9464".parse().unwrap()).await?;
///     metrics.serve(listener, stop).await;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct PrometheusMetrics {
    handle: Arc<PrometheusHandle>,
}

impl PrometheusMetrics {
    /// Installs a recorder for all metrics of the program, and describes those of the engine.
    ///
    /// # Errors
    /// If the program has installed a recorder already. A program has one.
    pub fn install() -> Result<Self> {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS).map_err(|error| {
            Error::new(ErrorKind::Internal, codes::METRICS, format!("the metrics could not be set up: {error}"))
        })?;
        let recorder = builder.build_recorder();
        let handle = Arc::new(recorder.handle());
        metrics::set_global_recorder(recorder).map_err(|_| {
            Error::new(ErrorKind::Conflict, codes::METRICS, "the program has installed a recorder of metrics already")
                .with_hint("export the metrics with that recorder, and do not ask for a listener of metrics here")
        })?;
        observability::describe();
        Ok(Self { handle })
    }

    /// Returns the metrics as Prometheus reads them.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Returns the route `/metrics`, for an application that has a listener already.
    pub fn router(&self) -> Router {
        Router::new().route("/metrics", get(respond)).with_state(self.clone())
    }

    /// Serves `GET /metrics` until `stop` is cancelled.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let limits = ServerLimits { connections: MAX_CONNECTIONS, ..ServerLimits::default() };
        let upkeep = async {
            let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
            loop {
                interval.tick().await;
                self.handle.run_upkeep();
            }
        };
        tokio::select! {
            () = accept::accept(listener, self.router(), limits, Transport::Tcp, stop) => {}
            () = upkeep => {}
        }
    }
}

impl std::fmt::Debug for PrometheusMetrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PrometheusMetrics").finish_non_exhaustive()
    }
}

async fn respond(State(metrics): State<PrometheusMetrics>) -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, metrics.render())
}
