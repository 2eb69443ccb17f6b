//! Outages of the store: for a while it cannot write, or cannot be used at all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sym_sdk::engine::StoreError;

/// A kind of outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutageKind {
    /// The disk is full: nothing can be written.
    Full,
    /// The file can only be read.
    ReadOnly,
    /// Nothing can be read either.
    Dead,
    /// Each n-th call fails, whatever it is.
    EveryNth(u32),
}

impl OutageKind {
    /// Returns the name for counting.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ReadOnly => "read-only",
            Self::Dead => "dead",
            Self::EveryNth(_) => "fails at the n-th call",
        }
    }

    fn error(self) -> StoreError {
        let not_writable = |problem: &str| StoreError::NotWritable {
            problem: problem.into(),
            hint: "make room on the disk, or mount it to be written".into(),
        };
        match self {
            Self::Full => not_writable("no space left on device"),
            Self::ReadOnly => not_writable("attempt to write a readonly database"),
            Self::Dead | Self::EveryNth(_) => StoreError::Unavailable("the disk does not respond".into()),
        }
    }
}

/// The outage of a store, if there is one. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Outage(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    current: Option<Current>,
    /// The time since which the store takes writes.
    over_since: Option<Timestamp>,
}

#[derive(Clone, Copy)]
struct Current {
    kind: OutageKind,
    until: Timestamp,
    calls: u32,
    /// The time of the first write that was refused to the current process, and after which none was reported to it as written.
    refused_since: Option<Timestamp>,
}

impl Outage {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an outage, unless there is one.
    pub(crate) fn begin(&self, kind: OutageKind, until: Timestamp) -> bool {
        let mut state = self.lock();
        let begins = state.current.is_none();
        if begins {
            state.current = Some(Current { kind, until, calls: 0, refused_since: None });
        }
        begins
    }

    /// Ends the outage if its time is over. Returns whether it has ended just now.
    pub(crate) fn end_if_over(&self, now: Timestamp) -> bool {
        let mut state = self.lock();
        let is_over = state.current.is_some_and(|current| current.until <= now);
        if is_over {
            state.current = None;
            state.over_since = Some(now);
        }
        is_over
    }

    /// Ends the outage at once.
    pub(crate) fn end(&self, now: Timestamp) {
        let mut state = self.lock();
        if state.current.take().is_some() {
            state.over_since = Some(now);
        }
    }

    /// Returns the kind of outage that there is.
    pub(crate) fn kind(&self) -> Option<OutageKind> {
        self.lock().current.map(|current| current.kind)
    }

    /// Returns the time since which writes of the current process are refused.
    pub(crate) fn refused_since(&self) -> Option<Timestamp> {
        self.lock().current.and_then(|current| current.refused_since)
    }

    /// Records that another process has started, which knows nothing of the outage.
    pub(crate) fn process_started(&self) {
        if let Some(current) = &mut self.lock().current {
            current.refused_since = None;
        }
    }

    /// Records that the current process learns of a write that was taken. It does not know of the outage then, until the next one is
    /// refused.
    pub(crate) fn write_reported(&self) {
        self.process_started();
    }

    /// Returns the error of a call, if it fails. `is_noted` says whether the process notes that the store takes no writes as soon as it
    /// gets the error.
    pub(crate) fn refuse(&self, is_write: bool, is_noted: bool, now: Timestamp) -> Option<StoreError> {
        let mut state = self.lock();
        let current = state.current.as_mut()?;
        current.calls += 1;
        let fails = match current.kind {
            OutageKind::Full | OutageKind::ReadOnly => is_write,
            OutageKind::Dead => true,
            OutageKind::EveryNth(nth) => current.calls.is_multiple_of(nth),
        };
        if fails && is_noted && !matches!(current.kind, OutageKind::EveryNth(_)) {
            current.refused_since.get_or_insert(now);
        }
        fails.then(|| current.kind.error())
    }
}
