//! A flow, a service, people and a clock, around a store that is opened again and again.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use storage_faults::Disk;
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::config::{Config, Environment, Flow, FlowParams, Integration, PromptField, Reference, Strategy, Target};
use sym_sdk::engine::{InputKey, SqliteOptions, SqliteStore};
use sym_sdk::handlers;
use sym_sdk::model::{AccessTarget, RunId};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope, StrategyType};
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);

/// The number of errors in a row after which time passes.
const ERRORS: usize = 5;

/// The name of the file.
pub(crate) const FILE: &str = "runs.db";

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// Something that can be seen from outside.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// The submission with this key was accepted.
    Accepted(&'static str),
    /// The service granted access.
    Granted(AccessTarget, String),
    /// The service took it away.
    Revoked,
}

/// The events that were seen, each with the number of operations of the disk and the time.
pub(crate) type Journal = Arc<Mutex<Vec<(usize, Timestamp, Seen)>>>;

/// The world around a store.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) service: RecordingStrategy,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) journal: Journal,
    pub(crate) disk: Option<Disk>,
}

impl World {
    pub(crate) fn at(now: Timestamp, disk: Option<Disk>) -> Self {
        let clock = Arc::new(VirtualClock::at(now));
        Self { service: RecordingStrategy::new(), clock, journal: Journal::default(), disk }
    }

    pub(crate) async fn open(&self, dir: &Path) -> Arc<SqliteStore> {
        let mut options = SqliteOptions::default();
        options.reserve_bytes = 64 * 1024;
        options.vfs = self.disk.as_ref().map(|disk| disk.name().to_owned());
        Arc::new(SqliteStore::open_with(dir.join(FILE), options).await.unwrap())
    }

    pub(crate) async fn start(&self, store: Arc<SqliteStore>) -> Runtime {
        let world = self.clone();
        let built = Runtime::builder(config())
            .registry(handlers![get_permissions])
            .delivery(RecordingDelivery::new())
            .strategy_type(StrategyType::new("test", move |_| Ok(world.clone())))
            .clock(self.clock.clone())
            .sqlite(store)
            .build()
            .await;
        built.unwrap()
    }

    pub(crate) fn see(&self, seen: Seen) {
        let count = self.disk.as_ref().map_or(0, Disk::len);
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).push((count, self.clock.now(), seen));
    }

    /// Returns what was seen before an operation of the disk, and the time then.
    pub(crate) fn seen_before(&self, operation: usize) -> Vec<(Timestamp, Seen)> {
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let before = journal.iter().take_while(|(count, ..)| *count <= operation);
        before.map(|(_, at, seen)| (*at, seen.clone())).collect()
    }

    /// Submits something once.
    pub(crate) async fn submit(&self, runtime: &Runtime, key: &'static str, run: Option<RunId>) -> Result<RunId> {
        let receipt = match run {
            None => {
                let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
                runtime.submit(request.key(InputKey::new(key))).await?
            }
            Some(run) => {
                // Nobody decides with their first contact.
                runtime.directory().contact("ben@example.com").await?;
                runtime.submit(Submission::approve(run, "ben@example.com").key(InputKey::new(key))).await?
            }
        };
        self.see(Seen::Accepted(key));
        Ok(receipt.run)
    }

    /// Does what is due for this time, whatever fails.
    pub(crate) async fn pass(&self, runtime: &Runtime, time: Duration) {
        let end = self.clock.now() + time;
        loop {
            // An error is that of one attempt; others may be due.
            let mut errors = 0;
            while errors < ERRORS {
                match runtime.run_one().await {
                    Ok(false) => break,
                    Ok(true) => errors = 0,
                    Err(_) => errors += 1,
                }
            }
            if self.clock.now() >= end {
                return;
            }
            self.clock.advance((time / 16).max(SECOND));
        }
    }

    pub(crate) fn has_access(&self) -> bool {
        !self.service.granted().is_empty()
    }
}

/// The service, whose calls are noted.
impl AccessStrategy for World {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        self.service.fetch_remote_identity(user).await
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let granted = self.service.escalate(request).await;
        self.see(Seen::Granted(request.target().clone(), request.identity().to_owned()));
        granted
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        let revoked = self.service.deescalate(request).await;
        self.see(Seen::Revoked);
        revoked
    }

    fn revocation_scope(&self) -> RevocationScope {
        self.service.revocation_scope()
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        self.service.list_current(target).await
    }
}

fn config() -> Config {
    let reference = Reference::typed("test", "test");
    let mut config = Config::default();
    config.organization.domains.push("example.com".into());
    config.environments.push(Environment { name: "main".into(), ..Environment::default() });
    config.integrations.push(Integration {
        kind: "test".into(),
        name: "test".into(),
        external_id: "test".into(),
        ..Integration::default()
    });
    config.targets.push(Target { kind: "test".into(), name: "test".into(), ..Target::default() });
    config.strategies.push(Strategy {
        kind: "test".into(),
        name: "test".into(),
        integration: Some(reference.clone()),
        targets: vec![reference.clone()],
        ..Strategy::default()
    });
    let duration = PromptField {
        name: "duration".into(),
        field_type: "duration".into(),
        allowed_values: Some(["1h"].map(Into::into).into()),
        ..PromptField::default()
    };
    let params = FlowParams { strategy: Some(reference), prompt_fields: vec![duration], ..FlowParams::default() };
    config.flows.push(Flow { name: "prod".into(), environment: "main".into(), params, ..Flow::default() });
    config
}

pub(crate) fn noon() -> Timestamp {
    "2024-02-29T12:00:00Z".parse().unwrap()
}
