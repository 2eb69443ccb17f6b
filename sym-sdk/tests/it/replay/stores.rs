//! Stores: empty, in use, pruned, and of an earlier schema.

use std::path::Path;

use super::*;

/// The names of the files beside the store.
fn files(recording: &Recording) -> Vec<String> {
    let files = recording.dir.path().read_dir().unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

#[tokio::test]
async fn an_empty_store_has_no_requests() {
    let recording = Recording::new();
    drop(recording.start().await);
    let done = recording.replay(recorded_handlers()).await;
    assert_eq!((done.exit, done.out.as_str()), (Exit::Success, "No requests found\n"), "{}", done.err);
    let (_, replayed) = recording.json(recorded_handlers(), config()).await;
    assert_eq!(replayed["requests"], Value::Array(Vec::new()));
    assert_eq!(replayed["summary"]["requests"], 0);
}

#[tokio::test]
async fn a_store_that_is_missing_is_not_created() {
    let recording = Recording::new();
    let done = recording.replay(recorded_handlers()).await;
    assert_eq!(done.exit, Exit::Failure);
    assert!(done.err.contains("runs.db` does not exist"), "{}", done.err);
    assert_eq!(files(&recording), Vec::<String>::new());
}

#[tokio::test]
async fn takes_requests_since_a_time() {
    let recording = Recording::new();
    let runtime = recording.start().await;
    request(&runtime, "zoë@example.com", "1h").await;
    recording.clock.advance(24 * HOUR);
    request(&runtime, "zoë@example.com", "10m").await;
    drop(runtime);
    let since = async |since: &str| recording.replay_with(recorded_handlers(), config(), &["--since", since]).await;

    assert!(since("2024-02-29").await.out.contains("2 requests"));
    assert!(since("2024-03-01T12:00:00Z").await.out.contains("1 request:"));
    assert!(since("3650d").await.out.contains("2 requests"));
    let none = since("30d").await;
    assert_eq!(none.exit, Exit::Success);
    assert!(none.out.starts_with("No requests since "), "{}", none.out);
    let future = since("2999-12-31").await;
    assert_eq!((future.exit, future.out.as_str()), (Exit::Success, "No requests since 2999-12-31T00:00:00Z\n"));
    let mistaken = since("soon").await;
    assert_eq!(mistaken.exit, Exit::Usage);
    assert!(mistaken.err.contains("or `30d` for 30 days ago"), "{}", mistaken.err);
}

/// The log keeps what was pruned.
#[tokio::test]
async fn pruned_runs_are_replayed_beside_the_program_that_runs() {
    let recording = Recording::new();
    let runtime = recording.start().await;
    let run = request(&runtime, "zoë@example.com", "1h").await;
    approve(&runtime, run, "ben@example.com").await;
    recording.clock.advance(2 * HOUR);
    runtime.run_until_idle().await.unwrap();
    recording.clock.advance(2 * HOUR);
    assert_eq!(runtime.prune(HOUR).await.unwrap(), 1);
    let done = recording.replay(recorded_handlers()).await;
    assert_eq!(done.exit, Exit::Success, "{}{}", done.out, done.err);
    assert!(done.out.contains("1 request: 1 same"), "{}", done.out);
    request(&runtime, "ana@example.com", "1h").await;
    drop(runtime);
}

/// A new version of a program is tried on the store of the old one, which is not migrated for that.
#[tokio::test]
async fn stores_of_earlier_schemas_are_read_from_a_copy() {
    for schema in 1..=4 {
        let recording = Recording::new();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/schema-{schema}.db"));
        std::fs::copy(&golden, recording.path()).unwrap();
        let permissions = handlers![members::get_permissions];
        let done = recording.replay(permissions).await;
        assert_eq!(done.exit, Exit::Success, "schema {schema}: {}{}", done.out, done.err);
        assert!(done.out.contains("6 requests: 6 same"), "schema {schema}: {}", done.out);
        assert_eq!(std::fs::read(recording.path()).unwrap(), std::fs::read(&golden).unwrap(), "schema {schema}");
        let left = files(&recording);
        assert!(left.iter().all(|name| !name.contains("replay")), "schema {schema}: {left:?}");
    }
}
