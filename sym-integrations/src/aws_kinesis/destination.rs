//! Delivery of audit entries to a stream.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditAnchor, AuditDestination, AuditLine};
use sym_sdk::error::{Error, ErrorKind, Result, codes};

use super::StreamKind;
use super::errors::classify;
use super::queue::Queue;
use super::stream::{Outcome, Record};
use crate::audit_format::AuditFormat;
use crate::aws::{self, PermissionContext};
use crate::http::Client;
use crate::kit::Vendor;

const KINESIS: Vendor = aws::service("aws_kinesis", "AWSKinesis").classify(classify);

/// Timeout for all calls of one delivery.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// The time that a further call must have left.
const MIN_CALL_TIME: Duration = Duration::from_secs(10);

/// The delays before refused entries are sent again: the first and the longest. They double.
const MIN_BACKOFF: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// A log destination that puts audit entries into a stream. See the [module](super).
///
/// ```
/// use sym_integrations::aws::{EnvironmentCredentials, PermissionContext, Region};
/// use sym_integrations::aws_kinesis::{KinesisDestination, StreamKind};
///
/// let context = PermissionContext::builder(Region::parse("eu-central-1")?).credentials(EnvironmentCredentials::new()).build()?;
/// let archive = KinesisDestination::new("archive", &context, StreamKind::Firehose, "SymAuditLog")?;
/// # let _ = archive;
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub struct KinesisDestination {
    name: String,
    client: Client,
    kind: StreamKind,
    stream: String,
    format: AuditFormat,
    /// The numbers of entries that were stored before an earlier one of their delivery, which is delivered again with them.
    stored_early: Mutex<HashSet<u64>>,
}

impl KinesisDestination {
    /// Creates a destination for a stream in the region of a context. The store keeps the position of the destination under `name`.
    ///
    /// # Errors
    /// `SymSDK:AUDIT_DESTINATION` if no stream can have this name.
    pub fn new(
        name: impl Into<String>,
        context: &PermissionContext,
        kind: StreamKind,
        stream_name: &str,
    ) -> Result<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !(1..=kind.max_name()).contains(&stream_name.len()) || !stream_name.bytes().all(fits) {
            let message = format!("`{}` is not the name of a stream", stream_name.escape_debug());
            return Err(Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message)
                .with_hint("set `stream_name` to the name, and not to the ARN"));
        }
        Ok(Self {
            name: name.into(),
            client: context.client(KINESIS, kind.service(), context.region())?.build()?,
            kind,
            stream: stream_name.to_owned(),
            format: AuditFormat::Sym,
            stored_early: Mutex::default(),
        })
    }

    /// Sets the format of the entries. The default is Sym's schema.
    #[must_use]
    pub fn format(mut self, format: AuditFormat) -> Self {
        self.format = format;
        self
    }

    /// Returns an entry as a record. Firehose joins records as they are, so each ends with one line break.
    fn record(&self, line: &AuditLine) -> Record {
        let run = line.record().entry().ok().map(|entry| entry.run.to_string());
        let mut data = self.format.render_within(line, self.kind.max_data() - 1);
        data.push('\n');
        Record { data, partition_key: run.unwrap_or_else(|| line.id().to_string()) }
    }

    /// Sends the entries of a queue until all are stored. What is stored before an error is recorded in the queue.
    async fn send(&self, records: &[Record], queue: &mut Queue<'_>) -> Result<()> {
        let clock = self.client.clock();
        let deadline = clock.now().checked_add(DELIVERY_TIMEOUT).unwrap_or(Timestamp::MAX);
        let mut backoff = MIN_BACKOFF;
        loop {
            let call = queue.next_call(self.kind.limits());
            let sent: Vec<&Record> = call.iter().filter_map(|index| records.get(*index)).collect();
            let left = Duration::try_from(deadline.duration_since(clock.now())).unwrap_or_default();
            if sent.is_empty() {
                return Ok(());
            }
            let outcomes = self.put(&sent, left).await?;
            let refused: Vec<&String> = outcomes
                .iter()
                .filter_map(|outcome| match outcome {
                    Outcome::Refused(reason) => Some(reason),
                    Outcome::Stored => None,
                })
                .collect();
            for (index, outcome) in call.iter().zip(&outcomes) {
                if *outcome == Outcome::Stored {
                    queue.set_stored(*index);
                }
            }
            let Some(reason) = refused.first() else {
                backoff = MIN_BACKOFF;
                continue;
            };
            let delay = backoff.mul_f64(1.0 + 0.25 * fastrand::f64());
            if clock.now().checked_add(delay + MIN_CALL_TIME).is_ok_and(|then| then < deadline) {
                clock.sleep(delay).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
                continue;
            }
            let message = format!("stream `{}` has refused {} audit entries: {reason}", self.stream, refused.len());
            return Err(KINESIS.error(ErrorKind::Unavailable, codes::AUDIT_DESTINATION, message));
        }
    }

    async fn put(&self, records: &[&Record], timeout: Duration) -> Result<Vec<Outcome>> {
        let response = self
            .client
            .post("/", &[])
            .header("x-amz-target", self.kind.target())
            .body("application/x-amz-json-1.1", self.kind.body(&self.stream, records).to_string())
            // An entry that arrives twice has the same id.
            .idempotent(true)
            .timeout(timeout)
            .await?;
        self.kind.outcomes(&response, records.len())
    }

    fn stored_early(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.stored_early.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditDestination for KinesisDestination {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            let records: Vec<Record> = lines.iter().map(|line| self.record(line)).collect();
            let sizes = records.iter().map(|record| (record.partition_key.as_str(), self.kind.size(record)));
            let mut queue = Queue::new(sizes.collect());
            let early = std::mem::take(&mut *self.stored_early());
            for (index, line) in lines.iter().enumerate().filter(|(_, line)| early.contains(&line.seq())) {
                tracing::trace!(seq = line.seq(), "an audit entry is stored already");
                queue.set_stored(index);
            }
            let sent = self.send(&records, &mut queue).await;
            let stored_early = queue.stored_early().filter_map(|index| lines.get(index)).map(AuditLine::seq);
            self.stored_early().extend(stored_early);
            match (queue.stored_in_order(), sent) {
                (0, Err(error)) => Err(error),
                // The rest is delivered again.
                (stored, _) => Ok(stored),
            }
        })
    }

    fn deliver_anchor<'a>(&'a self, anchor: &'a AuditAnchor) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let data = format!("{}\n", self.format.render_anchor(anchor));
            let records = [Record { data, partition_key: "anchor".to_owned() }];
            let sizes = records.iter().map(|record| (record.partition_key.as_str(), self.kind.size(record)));
            let mut queue = Queue::new(sizes.collect());
            self.send(&records, &mut queue).await
        })
    }
}

impl fmt::Debug for KinesisDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KinesisDestination")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("stream", &self.stream)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
