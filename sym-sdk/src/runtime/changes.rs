//! The feed of changes: one reader per process wakes at a commit, reads the audit log on from its own number, and tells all who listen.
//!
//! The log is the feed. Every commit that changes a Run appends to it, and its numbers have no gaps, so a listener that lags, or
//! comes back after a restart, reads on from its own number and misses nothing. What is told is where to look and not what is
//! there: front ends read the Run for the person who listens, who may not see all of it.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender, WeakSender};

use super::Runtime;
use crate::clock::Clock;
use crate::engine::{Change, Engine};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::sync::lock;

/// The number of changes that are kept for listeners who lag. Whoever lags more reads the log.
const BROADCAST_CAPACITY: usize = 1_024;

/// The maximum number of records that are read at once.
const PAGE_SIZE: usize = 512;

/// The interval of looking for commits that have woken nobody, because they timed out and were written later.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A place in the feed of changes: the number of a record of the audit log, and the start of its hash. Written as `1201-0b1e2f3a`.
///
/// The hash tells whether the store is the one that the number is from: one that was restored from a backup may have another record with
/// this number. A number alone, as `1201`, is a place too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeCursor {
    seq: u64,
    tag: Option<[u8; 4]>,
}

impl ChangeCursor {
    /// Creates a place by the number of a record alone.
    pub const fn at(seq: u64) -> Self {
        Self { seq, tag: None }
    }

    /// Returns the number of the record.
    pub const fn seq(&self) -> u64 {
        self.seq
    }
}

impl From<&Change> for ChangeCursor {
    fn from(change: &Change) -> Self {
        Self { seq: change.seq, tag: Some(change.tag) }
    }
}

impl fmt::Display for ChangeCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seq)?;
        match self.tag {
            Some(tag) => write!(f, "-{:08x}", u32::from_be_bytes(tag)),
            None => Ok(()),
        }
    }
}

impl FromStr for ChangeCursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (seq, tag) = text.split_once('-').map_or((text, None), |(seq, tag)| (seq, Some(tag)));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let seq = seq.parse().ok().filter(|_| is_number(seq));
        let tag = match tag {
            Some(tag) if tag.len() == 8 && is_number(tag) => u32::from_str_radix(tag, 16).ok().map(Some),
            Some(_) => None,
            None => Some(None),
        };
        match (seq, tag) {
            (Some(seq), Some(tag)) => Ok(Self { seq, tag: tag.map(u32::to_be_bytes) }),
            _ => {
                let message =
                    format!("`{text}` is not a place in the feed of changes; expected one such as `1201-0b1e2f3a`");
                Err(Error::invalid(codes::INVALID_CURSOR, message))
            }
        }
    }
}

/// The reader of the audit log that all listeners of a process share. It runs while there are any.
#[derive(Clone, Debug, Default)]
pub(super) struct ChangeReader(Arc<Mutex<Option<WeakSender<Change>>>>);

impl ChangeReader {
    /// Returns a receiver of what is written after the record `head`, and of more. Starts the reader if there is none.
    fn subscribe(&self, engine: &Arc<dyn Engine>, clock: &Arc<dyn Clock>, head: u64) -> Receiver<Change> {
        let mut reader = lock(&self.0);
        // A reader that has ended has dropped its sender.
        if let Some(sender) = reader.as_ref().and_then(WeakSender::upgrade) {
            return sender.subscribe();
        }
        let (sender, receiver) = broadcast::channel(BROADCAST_CAPACITY);
        *reader = Some(sender.downgrade());
        tokio::spawn(self.clone().read(engine.clone(), clock.clone(), sender, head));
        receiver
    }

    async fn read(self, engine: Arc<dyn Engine>, clock: Arc<dyn Clock>, sender: Sender<Change>, mut seq: u64) {
        loop {
            let committed = engine.next_commit();
            match engine.changes_after(seq, PAGE_SIZE).await {
                Ok(page) => {
                    let is_full = page.len() >= PAGE_SIZE;
                    for change in joined(page) {
                        seq = change.seq;
                        // Nobody listens any more, or they will read the log.
                        let _ = sender.send(change);
                    }
                    if is_full {
                        continue;
                    }
                }
                Err(error) => tracing::warn!(%error, "the audit log could not be read for those who wait for changes"),
            }
            let woken = std::pin::pin!(select(committed, clock.sleep(POLL_INTERVAL)));
            // The engine, and the store with it, is not kept for longer than somebody listens.
            if let Either::Left(_) = select(woken, std::pin::pin!(sender.closed())).await {
                continue;
            }
            let mut reader = lock(&self.0);
            if sender.receiver_count() == 0 {
                *reader = None;
                return;
            }
        }
    }
}

/// Joins what follows each other in one Run: its last change says it all.
fn joined(changes: Vec<Change>) -> VecDeque<Change> {
    let mut joined: VecDeque<Change> = VecDeque::new();
    for change in changes {
        match joined.back_mut() {
            Some(last) if last.run == change.run => *last = change,
            _ => joined.push_back(change),
        }
    }
    joined
}

impl Runtime {
    /// Returns the changes of all Runs after a place in the feed, or from now on.
    ///
    /// Nothing is missed, whatever happens in between: a [cursor](Changes::cursor) resumes where it was returned, also in another process.
    /// Several entries of the log that follow each other in one Run are one change. Must be called on a tokio runtime.
    ///
    /// ```
    /// # async fn listen(runtime: sym_sdk::runtime::Runtime) -> sym_sdk::Result<()> {
    /// let mut changes = runtime.changes(None).await?;
    /// let change = changes.next().await?;
    /// println!("Run {} has changed: {}", change.run, changes.cursor());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the place is beyond the end of the log, or that of another log, as after the restoration of a backup; or if the store fails.
    pub async fn changes(&self, after: Option<ChangeCursor>) -> Result<Changes> {
        let head = self.engine.head().await?;
        let place = match after {
            Some(after) => self.check_place(after, head.seq).await?,
            None => ChangeCursor { seq: head.seq, tag: Some(head.hash.tag()) },
        };
        let (engine, clock) = (self.engine.clone(), self.clock().clone());
        let receiver = self.change_reader.subscribe(&engine, &clock, head.seq);
        let reader = self.change_reader.clone();
        Ok(Changes { engine, clock, reader, receiver, place, is_behind: true, pending: VecDeque::new() })
    }

    async fn check_place(&self, after: ChangeCursor, head: u64) -> Result<ChangeCursor> {
        if after.seq > head {
            let message = format!("the record ends at {head}, before the place {}", after.seq);
            let error = Error::new(ErrorKind::InvalidInput, codes::INVALID_CURSOR, message);
            return Err(error.with_hint("the store may have been restored: read everything again, and begin anew"));
        }
        let Some(tag) = after.tag.filter(|_| after.seq > 0) else { return Ok(after) };
        let found = self.engine.changes_after(after.seq.saturating_sub(1), 1).await?;
        if found.first().is_some_and(|found| found.seq == after.seq && found.tag == tag) {
            return Ok(after);
        }
        let message = format!("the place {after} is that of another record");
        let error = Error::new(ErrorKind::InvalidInput, codes::INVALID_CURSOR, message);
        Err(error.with_hint("the store may have been restored: read everything again, and begin anew"))
    }
}

/// The changes of all Runs, from one place in the feed on. Returned by [`Runtime::changes`].
#[derive(Debug)]
pub struct Changes {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    reader: ChangeReader,
    receiver: Receiver<Change>,
    place: ChangeCursor,
    /// Whether there may be records after the place that are not received.
    is_behind: bool,
    pending: VecDeque<Change>,
}

impl Changes {
    /// Returns the place in the feed: that of the last change that was returned, or else that at which it began.
    pub fn cursor(&self) -> ChangeCursor {
        self.place
    }

    /// Waits for the next change. Cancelling the call loses nothing.
    ///
    /// # Errors
    /// If the store fails. The next call tries again.
    pub async fn next(&mut self) -> Result<Change> {
        loop {
            if let Some(change) = self.pending.pop_front() {
                return Ok(self.arrived(change));
            }
            if self.is_behind {
                let page = self.engine.changes_after(self.place.seq, PAGE_SIZE).await?;
                self.is_behind = page.len() >= PAGE_SIZE;
                self.pending = joined(page);
                continue;
            }
            match self.receiver.recv().await {
                Ok(change) if change.seq > self.place.seq => return Ok(self.arrived(change)),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.is_behind = true,
                // The reader has ended with the tokio runtime that it was started on.
                Err(RecvError::Closed) => {
                    let head = self.engine.head().await?.seq;
                    self.receiver = self.reader.subscribe(&self.engine, &self.clock, head);
                    self.is_behind = true;
                }
            }
        }
    }

    fn arrived(&mut self, change: Change) -> Change {
        self.place = ChangeCursor::from(&change);
        change
    }

    /// Returns the changes as a stream, which does not end.
    pub fn into_stream(self) -> impl Stream<Item = Result<Change>> + Send {
        stream::unfold(self, async |mut changes| Some((changes.next().await, changes)))
    }
}
