//! What is out of order around the workers: the disk, the store, the directory, the service. Nothing that was acknowledged is
//! lost for it, and access ends.

mod clock;
mod directory;
mod disk;
mod faulty_store;
mod store;
mod strategy;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use sym_sdk::model::{AccessTarget, RunId, User};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, Runtime, Submission};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope, StrategyType};
use sym_sdk::testing::RecordingStrategy;

use super::GRACE;
use super::world::World;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Lets time pass, a little whenever workers have had their turn, until this holds.
async fn time_passes_until(world: &World, what: &str, holds: impl Fn() -> bool) {
    let passing = async {
        while !holds() {
            a_moment(world).await;
        }
    };
    tokio::time::timeout(GRACE, passing).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}

/// Lets time pass while this is awaited.
async fn time_passes_during<T>(world: &World, work: impl Future<Output = T>) -> T {
    let passing = std::pin::pin!(async {
        loop {
            a_moment(world).await;
        }
    });
    let work = std::pin::pin!(tokio::time::timeout(GRACE, work));
    match select(work, passing).await {
        Either::Left((done, _)) => done.unwrap_or_else(|_| panic!("in vain: it hangs")),
        Either::Right((never, _)) => never,
    }
}

async fn time_passes_until_status(world: &World, runtime: &Runtime, run: RunId, status: RunStatus) {
    let reached = async {
        while runtime.run(run).await.unwrap().state.run.status() != status {
            a_moment(world).await;
        }
    };
    tokio::time::timeout(GRACE, reached).await.unwrap_or_else(|_| panic!("in vain: Run {run} {status:?}"));
}

async fn a_moment(world: &World) {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    world.clock.advance(Duration::from_millis(200));
}

async fn request(runtime: &Runtime, who: &str, duration: &str) -> RunId {
    runtime.submit(Submission::request("prod", who).input("duration", duration)).await.unwrap().run
}

async fn status(runtime: &Runtime, run: RunId) -> RunStatus {
    runtime.run(run).await.unwrap().state.run.status()
}

/// What happens as soon as the service has granted (`true`) or taken away what it was asked to, and what it answers then.
type Aftermath = Arc<dyn Fn(bool) -> Result<GrantResult> + Send + Sync>;

/// A service to which something happens after each call.
struct Meddled {
    record: RecordingStrategy,
    then: Aftermath,
}

fn meddled(world: &World, then: impl Fn(bool) -> Result<GrantResult> + Send + Sync + 'static) -> Builder {
    let (record, then) = (world.strategy.clone(), Arc::new(then));
    world.builder().strategy_type(StrategyType::new("test", move |_| {
        Ok(Arc::new(Meddled { record: record.clone(), then: then.clone() }))
    }))
}

impl AccessStrategy for Meddled {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        self.record.fetch_remote_identity(user).await
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let _ = self.record.escalate(request).await?;
        (self.then)(true)
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        let output = self.record.deescalate(request).await?;
        (self.then)(false).map(|_| output)
    }

    fn revocation_scope(&self) -> RevocationScope {
        self.record.revocation_scope()
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        self.record.list_current(target).await
    }
}
