//! Power that fails after each operation of the disk.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use storage_faults::{Disk, PowerLoss};
use sym_sdk::audit;
use sym_sdk::engine::{InputKey, RunFilter};
use sym_sdk::model::RunStatus;

use super::world::{HOUR, Seen, World, noon};

/// Requests access, has it approved and granted, and lets it end. Returns the number of operations after which the store was open.
async fn life(world: &World) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let store = world.open(dir.path()).await;
    let opened = world.disk.as_ref().unwrap().len();
    let runtime = world.start(store.clone()).await;
    let run = world.submit(&runtime, "request", None).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    world.submit(&runtime, "approve", Some(run)).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    assert!(world.has_access());
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    assert!(!world.has_access());
    drop(runtime);
    store.close().await.unwrap();
    opened
}

/// Restarts on what is left of the files, in a world in which all this was seen, and checks the promises.
async fn check(files: &BTreeMap<String, Vec<u8>>, seen: &[(Timestamp, Seen)], what: &str) {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let world = World::at(seen.last().map_or(noon(), |(at, _)| *at), None);
    for (_, seen) in seen {
        match seen {
            Seen::Granted(target, identity) => world.service.grant_externally(target, identity),
            Seen::Revoked => world.service.granted().iter().for_each(|(target, identity)| {
                world.service.revoke_externally(target, identity);
            }),
            Seen::Accepted(_) => {}
        }
    }
    let store = world.open(dir.path()).await;
    audit::verify(&*store).await.unwrap_or_else(|error| panic!("{what}: P6: {error}"));
    let runtime = world.start(store.clone()).await;
    let accepted: Vec<_> = seen
        .iter()
        .filter_map(|(_, seen)| match seen {
            Seen::Accepted(key) => Some(*key),
            _ => None,
        })
        .collect();
    for key in &accepted {
        assert!(runtime.is_accepted(&InputKey::new(*key)).await.unwrap(), "{what}: P1: `{key}` is lost");
    }
    let health = runtime.health().await.unwrap();
    assert_eq!(health.missing_expiry, 0, "{what}: P2");
    assert!(!world.has_access() || health.total() == 1, "{what}: P2: nothing on record would end the access");
    runtime.run_until_idle().await.unwrap();
    world.clock.advance(2 * HOUR);
    runtime.run_until_idle().await.unwrap();
    assert!(!world.has_access(), "{what}: P3");
    let runs = runtime.runs(RunFilter::default(), 10).await.unwrap();
    if accepted.contains(&"approve") {
        assert_eq!(runs[0].state.run.status(), RunStatus::Deescalated, "{what}");
    }
    drop(runtime);
    store.close().await.unwrap();
}

/// A file that was never opened completely holds nothing, so this begins when it was.
#[tokio::test]
async fn promises_hold_after_a_power_loss_at_every_point() {
    let disk = Disk::register("power");
    let world = World::at(noon(), Some(disk.clone()));
    let opened = life(&world).await;
    let mut known = HashSet::new();
    for count in opened..=disk.len() {
        let seen = world.seen_before(count);
        for loss in [PowerLoss::LosesAll, PowerLoss::TearsLast, PowerLoss::LosesSome(count as u64)] {
            let files = disk.after_power_loss(count, loss);
            let mut hasher = DefaultHasher::new();
            (&files, format!("{seen:?}")).hash(&mut hasher);
            if known.insert(hasher.finish()) {
                check(&files, &seen, &format!("{loss:?} after operation {count} of {}", disk.len())).await;
            }
        }
    }
    assert!(known.len() > 200, "{} different disks", known.len());
}
