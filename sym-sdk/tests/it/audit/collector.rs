//! A destination that stores lines in memory, and fails on demand.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditAnchor, AuditDestination, AuditLine};
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};
use uuid::Uuid;

/// A destination in memory. Clones share their lines.
#[derive(Clone)]
pub(super) struct Collector {
    name: String,
    batch: usize,
    stored: Arc<Mutex<Stored>>,
}

#[derive(Default)]
struct Stored {
    lines: Vec<AuditLine>,
    calls: usize,
    behaviour: Behaviour,
    anchors: Vec<AuditAnchor>,
    anchor_calls: usize,
    refuses_anchors: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Behaviour {
    #[default]
    Accepts,
    /// It responds with this status.
    Responds(u16),
    /// It responds with this retry-after delay.
    Busy(Duration),
    /// It stores at most this many lines.
    StoresAtMost(usize),
    /// It stores the lines, and never responds.
    StoresAndHangs,
    Hangs,
    Panics,
}

impl Collector {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), batch: 10, stored: Arc::default() }
    }

    pub(super) fn set_behaviour(&self, behaviour: Behaviour) {
        self.stored().behaviour = behaviour;
    }

    pub(super) fn lines(&self) -> Vec<AuditLine> {
        self.stored().lines.clone()
    }

    pub(super) fn seqs(&self) -> Vec<u64> {
        self.stored().lines.iter().map(AuditLine::seq).collect()
    }

    pub(super) fn ids(&self) -> BTreeSet<Uuid> {
        self.stored().lines.iter().map(AuditLine::id).collect()
    }

    pub(super) fn calls(&self) -> usize {
        self.stored().calls
    }

    pub(super) fn refuse_anchors(&self, refuse: bool) {
        self.stored().refuses_anchors = refuse;
    }

    pub(super) fn anchors(&self) -> Vec<AuditAnchor> {
        self.stored().anchors.clone()
    }

    pub(super) fn anchor_calls(&self) -> usize {
        self.stored().anchor_calls
    }

    /// Returns the lines as in a file.
    pub(super) fn text(&self) -> String {
        self.stored().lines.iter().map(|line| format!("{}\n", line.as_str())).collect()
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap()
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
        let mut stored = self.stored();
        stored.calls += 1;
        assert!(!lines.is_empty() && lines.len() <= self.batch);
        let limit = match stored.behaviour {
            Behaviour::Accepts | Behaviour::StoresAndHangs => lines.len(),
            Behaviour::StoresAtMost(limit) => limit.min(lines.len()),
            Behaviour::Responds(_) | Behaviour::Busy(_) | Behaviour::Hangs | Behaviour::Panics => 0,
        };
        stored.lines.extend_from_slice(&lines[..limit]);
        match stored.behaviour {
            Behaviour::Accepts | Behaviour::StoresAtMost(_) => Box::pin(async move { Ok(limit) }),
            Behaviour::StoresAndHangs | Behaviour::Hangs => Box::pin(std::future::pending()),
            Behaviour::Panics => {
                drop(stored);
                panic!("a panic of the destination")
            }
            Behaviour::Busy(wait) => {
                let code = ErrorCode::new("Test", "BUSY");
                let error = Error::new(ErrorKind::RateLimited, code, "called too often").with_retry_after(wait);
                Box::pin(async move { Err(error) })
            }
            Behaviour::Responds(status) => {
                let kind = if status >= 500 { ErrorKind::Unavailable } else { ErrorKind::Unauthorized };
                let error = Error::new(kind, ErrorCode::new("Test", "ANSWERED"), "it was answered").with_status(status);
                Box::pin(async move { Err(error) })
            }
        }
    }

    fn deliver_anchor<'a>(&'a self, anchor: &'a AuditAnchor) -> BoxFuture<'a, Result<()>> {
        let mut stored = self.stored();
        stored.anchor_calls += 1;
        let result = if stored.refuses_anchors {
            Err(Error::new(ErrorKind::InvalidInput, ErrorCode::new("Test", "REFUSED"), "anchors are not taken"))
        } else {
            stored.anchors.push(anchor.clone());
            Ok(())
        };
        Box::pin(async move { result })
    }
}
