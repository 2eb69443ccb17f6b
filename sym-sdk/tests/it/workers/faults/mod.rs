//! Faults around the workers: of the disk, the store, the directory, the service and the clock. Nothing that was acknowledged is lost,
//! and access ends.

mod clock;
mod clock_and_store;
mod commit_leases;
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
use super::fixture::Fixture;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Advances the clock in small steps, whenever workers have run, until a condition holds.
async fn advance_until(fixture: &Fixture, what: &str, holds: impl Fn() -> bool) {
    let passing = async {
        while !holds() {
            advance_a_little(fixture).await;
        }
    };
    tokio::time::timeout(GRACE, passing).await.unwrap_or_else(|_| panic!("timed out waiting for {what}"));
}

/// Advances the clock while a future is awaited.
async fn advance_during<T>(fixture: &Fixture, work: impl Future<Output = T>) -> T {
    let passing = std::pin::pin!(async {
        loop {
            advance_a_little(fixture).await;
        }
    });
    let work = std::pin::pin!(tokio::time::timeout(GRACE, work));
    match select(work, passing).await {
        Either::Left((done, _)) => done.unwrap_or_else(|_| panic!("timed out: the future hangs")),
        Either::Right((never, _)) => never,
    }
}

async fn advance_until_status(fixture: &Fixture, runtime: &Runtime, run: RunId, status: RunStatus) {
    let reached = async {
        while runtime.run(run).await.unwrap().state.run.status() != status {
            advance_a_little(fixture).await;
        }
    };
    tokio::time::timeout(GRACE, reached)
        .await
        .unwrap_or_else(|_| panic!("timed out waiting for Run {run} to be {status:?}"));
}

async fn advance_a_little(fixture: &Fixture) {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    fixture.clock.advance(Duration::from_millis(200));
}

async fn request(runtime: &Runtime, who: &str, duration: &str) -> RunId {
    runtime.submit(Submission::request("prod", who).input("duration", duration)).await.unwrap().run
}

async fn status(runtime: &Runtime, run: RunId) -> RunStatus {
    runtime.run(run).await.unwrap().state.run.status()
}

/// Called when the service has granted (`true`) or revoked access. Returns the response of the service.
type Callback = Arc<dyn Fn(bool) -> Result<GrantResult> + Send + Sync>;

/// A service that calls a function after each call.
struct ServiceWithCallback {
    record: RecordingStrategy,
    then: Callback,
}

fn with_service(fixture: &Fixture, then: impl Fn(bool) -> Result<GrantResult> + Send + Sync + 'static) -> Builder {
    let (record, then) = (fixture.strategy.clone(), Arc::new(then));
    fixture.builder().strategy_type(StrategyType::new("test", move |_| {
        Ok(Arc::new(ServiceWithCallback { record: record.clone(), then: then.clone() }))
    }))
}

impl AccessStrategy for ServiceWithCallback {
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
