//! Many requests.

use std::io;

use sym_sdk::engine::Store;

use super::*;
use crate::sqlite::{at, commit, requested, run_id};

/// A reader of the output that keeps the last of it, and looks at the memory of the process on the way.
#[derive(Default)]
struct Reader {
    rows: usize,
    last: String,
    /// The memory after the first and after the last thousand requests, in KiB.
    memory: Vec<usize>,
}

impl io::Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let rows = text.matches('\n').count();
        self.rows += rows;
        if rows > 0 && self.rows.is_multiple_of(1_000) {
            self.memory.extend(resident());
        }
        self.last.push_str(&text);
        let excess = self.last.len().saturating_sub(1_000);
        self.last = self.last.chars().skip(excess).collect();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The resident memory of the process in KiB, where it can be told, and where no other test runs in the process.
fn resident() -> Option<usize> {
    std::env::var_os("NEXTEST")?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Ten thousand requests are replayed one after the other: none is kept.
#[tokio::test]
async fn replays_ten_thousand_requests_in_bounded_memory() {
    const REQUESTS: u128 = 10_000;
    let mut config = crate::support::flows(&["prod"]);
    config.organization.domains.push("example.com".into());
    let recording = Recording::with(recorded_handlers(), config.clone());
    let store = SqliteStore::open(recording.path()).await.unwrap();
    // Together, so that they share commits to the disk.
    let commits = (1..=REQUESTS).map(|number| {
        let run = run_id(number);
        let mut commit = commit(run, 0, &number.to_string());
        commit.audit = requested("prod", run, at(i64::try_from(number).unwrap())).audit;
        store.commit(commit)
    });
    futures_util::future::try_join_all(commits).await.unwrap();
    store.close().await.unwrap();

    let (mut out, mut err) = (Reader::default(), Vec::new());
    let path = recording.path();
    let args = ["program", "replay", "--db", path.to_str().unwrap()];
    let exit = app(recorded_handlers(), config).run_from(args, &mut out, &mut err).await;
    assert_eq!(exit, Exit::Success, "{}", out.last);
    assert!(out.last.contains("10000 requests: 10000 same"), "{}", out.last);
    if let [first, .., last] = out.memory[..] {
        assert!(last < first + 16 * 1024, "{first} KiB after 1,000 requests, {last} after 10,000");
    }
}
