//! Anchors that a program writes by itself.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use secrecy::SecretString;
use sym_sdk::audit::{AuditAnchor, AuditKey, JsonLines, Verified, Verifier, VerifyError};
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::engine::{SqliteStore, WorkerLimits};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{AuditAnchors, Runtime, Submission};
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};

use super::*;
use crate::support::access_flow;

const INTERVAL: Duration = Duration::from_secs(60 * 60);

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

fn key() -> AuditKey {
    AuditKey::new(&SecretString::from("k".repeat(32))).unwrap()
}

struct World {
    dir: tempfile::TempDir,
    clock: Arc<VirtualClock>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
        Self { dir: tempfile::tempdir().unwrap(), clock }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn anchors(&self) -> AuditAnchors {
        AuditAnchors::new(Some(key())).every(INTERVAL).file(self.path("anchors.jsonl"))
    }

    async fn start(&self, store: &str, anchors: AuditAnchors) -> Runtime {
        let mut config = access_flow("test");
        config.organization.domains = vec!["example.com".into()];
        Runtime::builder(config)
            .registry(handlers![get_permissions])
            .strategy_type(StrategyType::new("test", |_| Ok(SimulatedStrategy::default())))
            .clock(self.clock.clone())
            .sqlite(Arc::new(SqliteStore::open(self.path(store)).await.unwrap()))
            .audit_destination(JsonLines::file(self.path("audit.jsonl")))
            .audit_anchors(anchors)
            .build()
            .await
            .unwrap()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    async fn verify(&self, runtime: &Runtime) -> Result<Verified, VerifyError> {
        let mut verifier = Verifier::new().with_key(key());
        verifier.read_anchors("anchors", std::io::BufReader::new(file(&self.path("anchors.jsonl"))))?;
        verifier.read_log(&**runtime.engine()).await?;
        Ok(verifier.finish()?)
    }
}

fn file(path: &Path) -> std::fs::File {
    std::fs::File::open(path).unwrap()
}

async fn request(runtime: &Runtime) {
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    runtime.submit(request).await.unwrap();
    runtime.run_until_idle().await.unwrap();
}

/// Waits for what workers do.
async fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let waiting = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect(what);
}

/// Safety finding 8.
#[tokio::test]
async fn workers_write_anchors_at_start_and_periodically() {
    let world = World::new();
    let runtime = world.start("sym.db", world.anchors().to_destinations()).await;
    assert_eq!(runtime.write_audit_anchor().await.unwrap(), None, "there is nothing to anchor yet");
    request(&runtime).await;
    let workers = runtime.start(WorkerLimits::default());
    until("the first one is written", || world.lines("anchors.jsonl").len() == 1).await;
    let is_delivered = |count: usize| {
        let lines = world.lines("audit.jsonl");
        lines.iter().filter(|line| AuditAnchor::parse(line.as_bytes()).is_ok()).count() == count
    };
    until("a destination has it, too", || is_delivered(1)).await;
    request(&runtime).await;
    // The task may not sleep yet.
    until("the second one is written", || {
        world.clock.advance(INTERVAL);
        world.lines("anchors.jsonl").len() >= 2
    })
    .await;
    workers.shutdown(Duration::from_secs(10)).await;
    let verified = world.verify(&runtime).await.unwrap();
    assert!(verified.is_authenticated && verified.anchors >= 2, "{verified:?}");
    let mut of_destination = Verifier::new().with_key(key());
    of_destination.read("audit.jsonl", std::io::BufReader::new(file(&world.path("audit.jsonl")))).unwrap();
    assert!(of_destination.finish().unwrap().anchors >= 1);
}

#[tokio::test]
async fn a_log_that_was_replaced_is_noticed_at_the_next_anchor() {
    let world = World::new();
    let runtime = world.start("sym.db", world.anchors()).await;
    request(&runtime).await;
    runtime.write_audit_anchor().await.unwrap().unwrap();
    runtime.write_audit_anchor().await.unwrap().unwrap();
    drop(runtime);

    // Another program, and another log with more entries.
    let runtime = world.start("other.db", world.anchors()).await;
    request(&runtime).await;
    request(&runtime).await;
    let error = runtime.write_audit_anchor().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, &codes::AUDIT_LOG));
    assert!(error.message().contains("of the audit log was rewritten since 2024-02-29T12:00:00Z"), "{error}");
    assert!(runtime.write_audit_anchor().await.is_err(), "and at each one after that");
    assert!(world.verify(&runtime).await.is_err());
}

#[tokio::test]
async fn a_log_that_was_cut_off_is_noticed_at_the_next_anchor() {
    let world = World::new();
    let runtime = world.start("sym.db", world.anchors()).await;
    request(&runtime).await;
    request(&runtime).await;
    runtime.write_audit_anchor().await.unwrap().unwrap();
    drop(runtime);
    let runtime = world.start("other.db", world.anchors()).await;
    request(&runtime).await;
    let error = runtime.write_audit_anchor().await.unwrap_err();
    assert!(error.message().ends_with("is not there any more"), "{error}");
}

/// The case "an anchor that is not there any more".
#[tokio::test]
async fn an_anchor_that_is_not_in_the_file_any_more_is_noticed() {
    let world = World::new();
    let runtime = world.start("sym.db", world.anchors()).await;
    request(&runtime).await;
    runtime.write_audit_anchor().await.unwrap().unwrap();
    let text = world.lines("anchors.jsonl");
    for replacement in [Some(""), None] {
        match replacement {
            Some(text) => std::fs::write(world.path("anchors.jsonl"), text).unwrap(),
            None => std::fs::remove_file(world.path("anchors.jsonl")).unwrap(),
        }
        let error = runtime.write_audit_anchor().await.unwrap_err();
        assert!(error.message().starts_with("the anchor of 2024-02-29T12:00:00Z is not in "), "{error}");
        assert_eq!(world.lines("anchors.jsonl").len(), 1, "the new one is written");
    }
    // Lines of others do not matter.
    std::fs::write(world.path("anchors.jsonl"), format!("{0}\n{0}\n", text[0])).unwrap();
    runtime.write_audit_anchor().await.unwrap().unwrap();
}

/// The file is removed while no program runs: the store knows that anchors were written to it.
#[tokio::test]
async fn a_file_that_is_missing_at_start_is_reported_whichever_process_has_written_it() {
    let world = World::new();
    let first = {
        let runtime = world.start("sym.db", world.anchors()).await;
        request(&runtime).await;
        let first = runtime.write_audit_anchor().await.unwrap().unwrap().head().seq;
        request(&runtime).await;
        runtime.write_audit_anchor().await.unwrap();
        first
    };
    let path = world.path("anchors.jsonl");
    let written = std::fs::read_to_string(&path).unwrap();
    let last = world.start("sym.db", world.anchors()).await.engine().head().await.unwrap().seq;
    let start = async || {
        let runtime = world.start("sym.db", world.anchors()).await;
        request(&runtime).await;
        runtime.write_audit_anchor().await.map(drop).map_err(|error| {
            assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, &codes::AUDIT_LOG));
            assert!(error.hint().unwrap().starts_with("somebody has removed it"), "{error:?}");
            error.message().replace(&path.display().to_string(), "FILE")
        })
    };

    // The last anchor is removed, and then the file.
    let (one, _) = written.split_once('\n').unwrap();
    std::fs::write(&path, format!("{one}\n")).unwrap();
    let gone = |seq: u64| format!("the anchor of entry {seq} that was written to `FILE` is not there any more");
    assert_eq!(start().await.unwrap_err(), gone(last));
    std::fs::remove_file(&path).unwrap();
    let error = start().await.unwrap_err();
    assert!(error.starts_with(&format!("anchors of the entries {first} to ")), "{error}");
    assert!(error.ends_with(" were written to `FILE`, and none is there any more"), "{error}");
    // Later anchors do not hide that, at any start.
    for _ in 0..2 {
        assert_eq!(start().await.unwrap_err(), gone(first));
    }
    // Restored, it is as it was.
    std::fs::write(&path, written + &std::fs::read_to_string(&path).unwrap()).unwrap();
    start().await.unwrap();
    // Another file is another matter.
    let runtime = world.start("sym.db", AuditAnchors::new(Some(key())).file(world.path("others.jsonl"))).await;
    runtime.write_audit_anchor().await.unwrap().unwrap();
}

/// An earlier version has written anchors, and the store knows nothing of them.
#[tokio::test]
async fn a_file_of_an_earlier_version_is_taken_as_it_is() {
    let world = World::new();
    let runtime = world.start("sym.db", world.anchors()).await;
    request(&runtime).await;
    let earlier = AuditAnchor::new(runtime.engine().head().await.unwrap(), world.clock.now(), Some(&key()));
    std::fs::write(world.path("anchors.jsonl"), earlier.to_line() + "\n").unwrap();
    request(&runtime).await;
    for _ in 0..2 {
        runtime.write_audit_anchor().await.unwrap().unwrap();
    }
    drop(runtime);
    // From now on, the store knows of the earlier anchor, too.
    let text = world.lines("anchors.jsonl");
    std::fs::write(world.path("anchors.jsonl"), format!("{}\n", text[1..].join("\n"))).unwrap();
    let error = world.start("sym.db", world.anchors()).await.write_audit_anchor().await.unwrap_err();
    assert!(error.message().starts_with(&format!("the anchor of entry {} ", earlier.head().seq)), "{error}");
}

#[tokio::test]
async fn an_anchor_of_another_key_is_noticed() {
    let world = World::new();
    let runtime = world.start("sym.db", world.anchors()).await;
    request(&runtime).await;
    let forged = AuditAnchor::new(runtime.engine().head().await.unwrap(), world.clock.now(), None);
    std::fs::write(world.path("anchors.jsonl"), forged.to_line() + "\n").unwrap();
    let error = runtime.write_audit_anchor().await.unwrap_err();
    assert!(error.message().ends_with("is not authenticated by the key"), "{error}");
}

/// The file system of the file can hang, like that of a server that is down.
#[cfg(unix)]
#[tokio::test]
async fn a_write_that_hangs_blocks_no_later_one() {
    let world = World::new();
    let runtime = world.start("sym.db", world.anchors()).await;
    request(&runtime).await;
    let path = world.path("anchors.jsonl");
    // Opening it waits until somebody opens its other end.
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let (first, second) = (pin!(runtime.write_audit_anchor()), pin!(runtime.write_audit_anchor()));
    let (Either::Left((later, hanging)) | Either::Right((later, hanging))) = select(first, second).await;
    let error = later.unwrap_err();
    assert!(error.message().ends_with("an earlier write is still in progress"), "{error}");
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(hanging.await.unwrap_err().kind(), ErrorKind::Timeout);
    // The thread ends.
    std::fs::OpenOptions::new().write(true).open(path).unwrap();
}

/// The case "an anchor that is not there any more", while the file cannot be written.
#[tokio::test]
async fn an_anchor_that_was_removed_is_reported_once_the_file_can_be_written_again() {
    let world = World::new();
    let runtime = world.start("sym.db", world.anchors()).await;
    request(&runtime).await;
    runtime.write_audit_anchor().await.unwrap().unwrap();
    let path = world.path("anchors.jsonl");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let error = runtime.write_audit_anchor().await.unwrap_err();
    assert!(error.message().starts_with("cannot write an anchor of the audit log to `"), "{error}");
    std::fs::remove_dir(&path).unwrap();
    let error = runtime.write_audit_anchor().await.unwrap_err();
    assert!(error.message().starts_with("the anchor of 2024-02-29T12:00:00Z is not in "), "{error}");
}

#[tokio::test]
async fn no_anchor_is_written_if_anchors_go_nowhere() {
    let world = World::new();
    let runtime = world.start("sym.db", AuditAnchors::new(None)).await;
    request(&runtime).await;
    assert_eq!(runtime.write_audit_anchor().await.unwrap(), None);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error() {
    let world = World::new();
    let anchors = AuditAnchors::new(None).file(world.path("missing/anchors.jsonl"));
    let runtime = world.start("sym.db", anchors).await;
    request(&runtime).await;
    let error = runtime.write_audit_anchor().await.unwrap_err();
    assert!(error.message().starts_with("cannot write an anchor of the audit log to `"), "{error}");
}
