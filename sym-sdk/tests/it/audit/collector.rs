//! A destination that stores lines in memory, and fails on demand.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditDestination, AuditLine};
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};
use uuid::Uuid;

/// A destination in memory. Clones share their lines.
#[derive(Clone)]
pub(super) struct Collector {
    name: String,
    batch: usize,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    lines: Vec<AuditLine>,
    calls: usize,
    mood: Mood,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Mood {
    #[default]
    Willing,
    /// It responds with this status.
    Answers(u16),
    /// It responds with this retry-after delay.
    Busy(Duration),
    /// It stores at most this many lines.
    KeepsAtMost(usize),
    /// It stores the lines, and never responds.
    KeepsAndHangs,
    Hangs,
    Panics,
}

impl Collector {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), batch: 10, kept: Arc::default() }
    }

    pub(super) fn is(&self, mood: Mood) {
        self.kept().mood = mood;
    }

    pub(super) fn lines(&self) -> Vec<AuditLine> {
        self.kept().lines.clone()
    }

    pub(super) fn seqs(&self) -> Vec<u64> {
        self.kept().lines.iter().map(AuditLine::seq).collect()
    }

    pub(super) fn ids(&self) -> BTreeSet<Uuid> {
        self.kept().lines.iter().map(AuditLine::id).collect()
    }

    pub(super) fn calls(&self) -> usize {
        self.kept().calls
    }

    /// Returns the lines as in a file.
    pub(super) fn text(&self) -> String {
        self.kept().lines.iter().map(|line| format!("{}\n", line.as_str())).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }
}

impl AuditDestination for Collector {
    fn name(&self) -> &str {
        &self.name
    }

    fn batch_size(&self) -> usize {
        self.batch
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        let mut kept = self.kept();
        kept.calls += 1;
        assert!(!lines.is_empty() && lines.len() <= self.batch);
        let most = match kept.mood {
            Mood::Willing | Mood::KeepsAndHangs => lines.len(),
            Mood::KeepsAtMost(most) => most.min(lines.len()),
            Mood::Answers(_) | Mood::Busy(_) | Mood::Hangs | Mood::Panics => 0,
        };
        kept.lines.extend_from_slice(&lines[..most]);
        match kept.mood {
            Mood::Willing | Mood::KeepsAtMost(_) => Box::pin(async move { Ok(most) }),
            Mood::KeepsAndHangs | Mood::Hangs => Box::pin(std::future::pending()),
            Mood::Panics => {
                drop(kept);
                panic!("a panic of the destination")
            }
            Mood::Busy(wait) => {
                let code = ErrorCode::new("Test", "BUSY");
                let error = Error::new(ErrorKind::RateLimited, code, "called too often").with_retry_after(wait);
                Box::pin(async move { Err(error) })
            }
            Mood::Answers(status) => {
                let kind = if status >= 500 { ErrorKind::Unavailable } else { ErrorKind::Unauthorized };
                let error = Error::new(kind, ErrorCode::new("Test", "ANSWERED"), "it was answered").with_status(status);
                Box::pin(async move { Err(error) })
            }
        }
    }
}
