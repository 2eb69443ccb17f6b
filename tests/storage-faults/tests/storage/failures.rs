//! A disk on which one operation fails, or all do from one on.
//!
//! Each point takes a whole life, so only some points are tried. `STORAGE_FAULT_STRIDE=1` tries all.

use storage_faults::{Disk, Failure};
use sym_sdk::audit;
use sym_sdk::engine::InputKey;
use sym_sdk::model::{RunId, RunStatus};
use sym_sdk::runtime::Runtime;

use super::world::{HOUR, SECOND, World, noon};

/// The distance between the points at which the disk fails, unless the environment says otherwise.
const STRIDE: usize = 7;

/// The number of attempts that a person makes.
const ATTEMPTS: usize = 20;

/// Submits something until it is accepted, as people do. While nothing is stored, an access that has been granted ends in time.
async fn insist(world: &World, runtime: &Runtime, key: &'static str, run: Option<RunId>, what: &str) -> RunId {
    for _ in 0..ATTEMPTS {
        if let Ok(run) = world.submit(runtime, key, run).await {
            return run;
        }
        world.pass(runtime, 4 * SECOND).await;
        end_outage(world, runtime, what).await;
    }
    panic!("{what}: `{key}` is never accepted");
}

/// If the disk fails, lets the time of any access pass, and heals the disk only then.
async fn end_outage(world: &World, runtime: &Runtime, what: &str) {
    let disk = world.disk.as_ref().unwrap();
    if disk.failed() == 0 {
        return;
    }
    world.clock.advance(HOUR);
    world.pass(runtime, 120 * SECOND).await;
    assert!(!world.has_access(), "{what}: P3: access goes on while the disk fails");
    disk.heal();
    world.pass(runtime, 120 * SECOND).await;
}

/// Lives a whole life on a disk that fails at some point. Returns whether it failed at all.
async fn life(disk: &Disk, lasts: bool, failure: Failure, after: usize) -> bool {
    let what = format!("{failure:?} from operation {after} on, lasts: {lasts}");
    let dir = tempfile::tempdir().unwrap();
    let world = World::at(noon(), Some(disk.clone()));
    let failed_before = disk.failed();
    let store = world.open(dir.path()).await;
    let runtime = world.start(store.clone()).await;
    match lasts {
        true => disk.fail_from(failure, after),
        false => disk.fail_once(failure, after),
    }
    let run = insist(&world, &runtime, "request", None, &what).await;
    world.pass(&runtime, 4 * SECOND).await;
    end_outage(&world, &runtime, &what).await;
    insist(&world, &runtime, "approve", Some(run), &what).await;
    world.pass(&runtime, 10 * SECOND).await;
    end_outage(&world, &runtime, &what).await;
    world.clock.advance(HOUR);
    world.pass(&runtime, 120 * SECOND).await;
    assert!(!world.has_access(), "{what}: P3");
    disk.heal();
    world.pass(&runtime, 120 * SECOND).await;
    let status = runtime.run(run).await.unwrap().state.run.status();
    // A grant is not made any more if the outage lasts until after its end.
    assert!(matches!(status, RunStatus::Deescalated | RunStatus::Errored), "{what}: the Run is {status}");
    let has_failed = disk.failed() > failed_before;
    drop(runtime);
    store.close().await.unwrap();
    disk.forget();

    let store = World { disk: None, ..world.clone() }.open(dir.path()).await;
    audit::verify(&*store).await.unwrap_or_else(|error| panic!("{what}: P6: {error}"));
    let runtime = world.start(store).await;
    for key in ["request", "approve"] {
        assert!(runtime.is_accepted(&InputKey::new(key)).await.unwrap(), "{what}: P1: `{key}` is lost");
    }
    has_failed
}

async fn live_with(name: &str, lasts: bool, failure: Failure) {
    let stride = std::env::var("STORAGE_FAULT_STRIDE").map_or(STRIDE, |stride| stride.parse().unwrap());
    let mut after = 0;
    loop {
        // Each has a count of failures of its own.
        let disk = Disk::register(&format!("{name}-{after}"));
        if !life(&disk, lasts, failure, after).await {
            break;
        }
        after += stride;
    }
    assert!(after > 100, "{after} operations");
}

#[tokio::test]
async fn promises_hold_when_one_operation_finds_the_disk_full() {
    live_with("full-once", false, Failure::Full).await;
}

#[tokio::test]
async fn promises_hold_when_one_operation_fails() {
    live_with("io-once", false, Failure::Io).await;
}

#[tokio::test]
async fn promises_hold_when_the_disk_is_full_from_any_operation_on() {
    live_with("full-from", true, Failure::Full).await;
}

#[tokio::test]
async fn promises_hold_when_the_disk_fails_from_any_operation_on() {
    live_with("io-from", true, Failure::Io).await;
}
