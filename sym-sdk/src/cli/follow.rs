//! Tells what happens, as it happens.

use std::convert::Infallible;
use std::io;

use crate::audit::{AuditKind, AuditRecord};
use crate::cli::output::Output;
use crate::error::Error;
use crate::integration::Outbox;
use crate::runtime::Runtime;
use crate::simulation::{EntryDetails, Table, Timeline, TimelineEntry};

/// So many records are read at once.
const PAGE: usize = 256;

/// Follows the audit log of a runtime.
#[derive(Debug)]
pub(in crate::cli) struct Follower {
    runtime: Runtime,
    outbox: Outbox,
    table: Table,
    /// The number of the last record that was told.
    seq: u64,
    sent: usize,
    failed: bool,
}

/// Why no more is told.
#[derive(Debug)]
pub(in crate::cli) enum Lost {
    /// It cannot be read.
    Record(Error),
    /// It cannot be written.
    Output(io::Error),
}

impl<E: Into<Error>> From<E> for Lost {
    fn from(error: E) -> Self {
        Self::Record(error.into())
    }
}

impl Follower {
    /// Tells what comes after the record with this number, of so many Runs.
    pub(in crate::cli) fn new(runtime: Runtime, outbox: Outbox, seq: u64, runs: usize) -> Self {
        Self { runtime, outbox, table: Table::new(runs), seq, sent: 0, failed: false }
    }

    /// The number of the last record that was told.
    pub(in crate::cli) fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether something was refused or failed.
    pub(in crate::cli) fn has_seen_a_failure(&self) -> bool {
        self.failed
    }

    /// Writes what is new, for as long as this is awaited.
    pub(in crate::cli) async fn follow(&mut self, output: &mut Output<'_>) -> Result<Infallible, Lost> {
        loop {
            let runtime = self.runtime.clone();
            let changed = runtime.engine().next_commit();
            self.catch_up(output).await?;
            changed.await;
        }
    }

    /// Writes what is new by now.
    pub(in crate::cli) async fn catch_up(&mut self, output: &mut Output<'_>) -> Result<(), Lost> {
        loop {
            let records = self.runtime.engine().records_after(self.seq, PAGE).await?;
            let Some(last) = records.last() else { return Ok(()) };
            self.seq = last.seq;
            let entries = records.iter().map(AuditRecord::entry).collect::<Result<Vec<_>, _>>()?;
            let sent = self.outbox.sent_after(self.sent);
            self.sent += sent.len();
            let users = self.runtime.directory().users().await?;
            let names = users.iter().map(|user| (user.id(), user.username().to_owned())).collect();
            let mut new = Timeline::default();
            new.extend(self.runtime.clock().now(), &entries, sent, &names);
            self.write(&new, output).map_err(Lost::Output)?;
        }
    }

    fn write(&mut self, new: &Timeline, output: &mut Output<'_>) -> io::Result<()> {
        for entry in new.entries() {
            self.failed |= tells_of_failure(entry);
            if output.json {
                output.line(entry)?;
                continue;
            }
            let mut line = String::new();
            // Writing to a text does not fail.
            let _ = self.table.write(entry, &mut line);
            output.out.write_all(line.as_bytes())?;
        }
        output.out.flush()
    }
}

fn tells_of_failure(entry: &TimelineEntry) -> bool {
    let EntryDetails::Audit(kind) = &entry.details else { return false };
    matches!(kind, AuditKind::Refused { .. } | AuditKind::Failed { .. } | AuditKind::Reported { .. })
}
