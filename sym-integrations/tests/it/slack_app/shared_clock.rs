//! Worlds in which all have one clock, so that what waits for Slack takes the time of everybody along.

use std::future::pending;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use sym_integrations::http::Connection;
use sym_integrations::slack::Slack;
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::signature::SigningSecret;
use sym_sdk::BoxFuture;
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::runtime::FrontEnd;
use sym_sdk::testing::HarnessBuilder;
use tokio_util::sync::CancellationToken;

use super::{SIGNING_SECRET, Workspace, World};

/// The clock of the harness, once there is one. A wait of the client between two attempts is over at once, and the clock has advanced by it.
/// Its timeouts are ordinary ones. Waits differ from them by a random fraction of a second.
#[derive(Clone, Debug, Default)]
struct SharedClock(Arc<OnceLock<Arc<VirtualClock>>>);

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.0.get().map_or_else(|| "2024-02-29T12:00:00Z".parse().unwrap(), |clock| clock.now())
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        match self.0.get() {
            Some(clock) => clock.sleep_until(at),
            None => Box::pin(pending()),
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        match self.0.get() {
            Some(clock) if duration.subsec_nanos() == 0 => clock.sleep(duration),
            Some(clock) => Box::pin(async move { clock.advance(duration) }),
            None => Box::pin(pending()),
        }
    }
}

impl World {
    /// Starts a world in which the workspace, the client and the runtime have one clock.
    pub(super) async fn on_one_clock(harness: HarnessBuilder) -> Self {
        let app = |slack| SlackApp::new(slack, SigningSecret::new(SIGNING_SECRET.into()).unwrap());
        Self::on_one_clock_with(harness, app).await
    }

    /// Starts such a world with this front end.
    pub(super) async fn on_one_clock_with(harness: HarnessBuilder, app: impl FnOnce(Slack) -> SlackApp) -> Self {
        let clock = SharedClock::default();
        let unused = Arc::new(VirtualClock::at(clock.now()));
        let workspace = Workspace::start_with(unused, Arc::new(clock.clone())).await;
        let connection = Connection::default().with_clock(Arc::new(clock.clone()));
        let world = Self::in_workspace(workspace, harness, |slack| app(slack.connection(connection).build().unwrap()));
        let world = world.await;
        clock.0.set(world.harness.simulation().clock().clone()).unwrap();
        world
    }

    /// Waits for all that follows from what was done: the work after responses, and what is due now.
    pub(super) async fn quiet(&mut self) {
        for _ in 0..2 {
            let stop = CancellationToken::new();
            stop.cancel();
            self.app.run(self.harness.runtime().clone(), stop).await.unwrap();
            self.settle().await;
        }
    }

    pub(super) async fn advance(&mut self, seconds: u64) {
        self.harness.advance(Duration::from_secs(seconds)).await.unwrap();
    }
}
