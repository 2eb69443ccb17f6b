//! Prints what happens in a running program, as it happens.

use std::convert::Infallible;
use std::io;

use super::exit::CommandError;
use super::output::Output;
use crate::audit::{AuditKind, AuditRecord};
use crate::integration::Outbox;
use crate::runtime::Runtime;
use crate::simulation::{EntryDetails, Table, Timeline, TimelineEntry};

/// The number of audit records that are read at once.
const PAGE_SIZE: usize = 256;

/// A follower of a runtime's audit log, which prints it as a timeline.
#[derive(Debug)]
pub(super) struct Follower {
    runtime: Runtime,
    outbox: Outbox,
    table: Table,
    /// The number of the last record that was printed.
    seq: u64,
    /// The number of messages of the outbox that were printed.
    sent: usize,
    failed: bool,
}

impl Follower {
    /// Returns a follower that starts after the record `seq`, and numbers up to `runs` Runs.
    pub(super) fn new(runtime: Runtime, outbox: Outbox, seq: u64, runs: usize) -> Self {
        Self { runtime, outbox, table: Table::new(runs), seq, sent: 0, failed: false }
    }

    /// Returns the number of the last record that was printed.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Reports whether anything was refused or failed so far.
    pub(super) fn has_seen_a_failure(&self) -> bool {
        self.failed
    }

    /// Prints new entries until the future is dropped.
    ///
    /// # Errors
    /// If the audit log cannot be read or the output cannot be written.
    pub(super) async fn follow(&mut self, output: &mut Output<'_>) -> Result<Infallible, CommandError> {
        loop {
            let runtime = self.runtime.clone();
            // Subscribe before reading, so that a commit in between is not missed.
            let changed = runtime.engine().next_commit();
            self.catch_up(output).await?;
            changed.await;
        }
    }

    /// Prints the entries that are new.
    ///
    /// # Errors
    /// Those of [`follow`](Self::follow).
    pub(super) async fn catch_up(&mut self, output: &mut Output<'_>) -> Result<(), CommandError> {
        loop {
            let records = self.runtime.engine().records_after(self.seq, PAGE_SIZE).await?;
            let Some(last) = records.last() else { return Ok(()) };
            self.seq = last.seq;
            let entries = records.iter().map(AuditRecord::entry).collect::<Result<Vec<_>, _>>()?;
            let sent = self.outbox.sent_after(self.sent);
            self.sent += sent.len();
            let users = self.runtime.directory().users().await?;
            let names = users.iter().map(|user| (user.id(), user.username().to_owned())).collect();
            let mut new = Timeline::default();
            new.extend(self.runtime.clock().now(), &entries, sent, &names);
            self.write(&new, output)?;
        }
    }

    fn write(&mut self, new: &Timeline, output: &mut Output<'_>) -> io::Result<()> {
        for entry in new.entries() {
            self.failed |= is_failure(entry);
            if output.json {
                output.line(entry)?;
                continue;
            }
            let mut line = String::new();
            // Writing to a string cannot fail.
            let _ = self.table.write(entry, &mut line);
            output.out.write_all(line.as_bytes())?;
        }
        output.out.flush()
    }
}

fn is_failure(entry: &TimelineEntry) -> bool {
    let EntryDetails::Audit(kind) = &entry.details else { return false };
    matches!(kind, AuditKind::Refused { .. } | AuditKind::Failed { .. } | AuditKind::Reported { .. })
}
