//! Anchors of the audit log that the program writes by itself: at start, periodically, and, to the file only, at shutdown.
//!
//! An anchor says what the log ended with, in a place that whoever can change the log cannot change. Before one is written, those at the
//! end of the file are compared with the log: a log that was rewritten, or cut off, is noticed at the next anchor rather than at the next
//! verification. That fault is logged at each anchor from then on, and nothing else follows from it, because access must end.
//!
//! The store keeps which anchors the file has, so that a file that was removed while no program ran is noticed at start.

use std::path::PathBuf;
use std::time::Duration;

use super::Runtime;
use super::bounded_call::call_bounded;
use crate::audit::{AnchorFile, AuditAnchor, AuditHead, AuditKey, FoundAnchors, RecordedAnchors};
use crate::engine::StopSignal;
use crate::error::{Error, ErrorKind, Result, codes};

/// The interval, unless another one is set.
const ANCHOR_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Timeout of writing one anchor.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The anchors that a program writes of its audit log. See [`Builder::audit_anchors`](super::Builder::audit_anchors).
///
/// ```
/// use std::time::Duration;
///
/// use secrecy::SecretString;
/// use sym_sdk::audit::AuditKey;
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::{AuditAnchors, Runtime};
///
/// # fn main() -> sym_sdk::Result<()> {
/// let key = AuditKey::new(&SecretString::from("0123456789abcdef0123456789abcdef"))?;
/// let anchors = AuditAnchors::new(Some(key)).every(Duration::from_secs(900)).file("/mnt/elsewhere/anchors.jsonl");
/// let builder = Runtime::builder(Config::default()).audit_anchors(anchors);
/// # let _ = builder;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuditAnchors {
    interval: Duration,
    key: Option<AuditKey>,
    file: Option<AnchorFile>,
    to_destinations: bool,
}

impl AuditAnchors {
    /// Creates hourly anchors, which the key authenticates. Without one, they prove nothing to those who cannot trust where they were kept.
    pub fn new(key: Option<AuditKey>) -> Self {
        Self { interval: ANCHOR_INTERVAL, key, file: None, to_destinations: false }
    }

    /// Sets the interval, of at least one second.
    #[must_use]
    pub fn every(self, interval: Duration) -> Self {
        Self { interval: interval.max(Duration::from_secs(1)), ..self }
    }

    /// Appends anchors to this file, which is created if it does not exist. It is of use only where those who can write to the store
    /// cannot write. Nothing else may remove lines from it.
    #[must_use]
    pub fn file(self, path: impl Into<PathBuf>) -> Self {
        Self { file: Some(AnchorFile::new(path.into())), ..self }
    }

    /// Sends anchors to the destinations of the audit log that [take them](crate::audit::AuditDestination::deliver_anchor), after the
    /// lines up to them, while workers run.
    #[must_use]
    pub fn to_destinations(self) -> Self {
        Self { to_destinations: true, ..self }
    }
}

impl Runtime {
    /// Writes an anchor of the audit log to the file of the [anchors](super::Builder::audit_anchors), and has running workers deliver it to
    /// the destinations. Returns `None` if anchors go neither to a file nor to any destination, or the log has no entries yet.
    ///
    /// Running workers do this periodically. Call it at the end of a program that ends its workers itself, so that the file has the end of
    /// the log; [`Server::serve`](crate::server::Server::serve) does.
    ///
    /// # Errors
    /// If the anchor could not be written, if earlier ones are not in the file any more, whichever process wrote them, or if one of the
    /// last ones does not fit the log, which was rewritten then. In the latter cases, the new anchor was written.
    pub async fn write_audit_anchor(&self) -> Result<Option<AuditAnchor>> {
        let Some(anchors) = &self.audit_anchors else { return Ok(None) };
        let what = || "writing an anchor of the audit log".to_owned();
        call_bounded(&**self.clock(), TIMEOUT, what, self.write_anchor(anchors)).await?
    }

    async fn write_anchor(&self, anchors: &AuditAnchors) -> Result<Option<AuditAnchor>> {
        let is_sent = anchors.to_destinations && !self.shippers.is_empty();
        if anchors.file.is_none() && !is_sent {
            return Ok(None);
        }
        let head = self.engine.head().await?;
        if head == AuditHead::START {
            return Ok(None);
        }
        let anchor = AuditAnchor::new(head, self.clock().now(), anchors.key.as_ref());
        if is_sent {
            self.shippers.iter().for_each(|shipper| shipper.set_anchor(anchor.clone()));
        }
        let Some(file) = &anchors.file else { return Ok(Some(anchor)) };
        let (path, names) = (file.path().display().to_string(), RecordedAnchors::names(file.path()));
        let recorded = self.recorded_anchors(&names, &path).await?;
        let found = file.append(&anchor).await.map_err(|error| {
            let message = format!("cannot write an anchor of the audit log to `{path}`: {error}");
            Error::new(ErrorKind::Unavailable, codes::AUDIT_LOG, message).with_source(error)
        })?;
        let kept = self.record_anchor(&names, recorded.as_ref(), &found, head.seq).await;
        self.check_found(found, recorded.as_ref(), &path, anchors).await?;
        kept.map(|()| Some(anchor))
    }

    /// Returns which anchors the store says were written to the file; `None` if it says nothing.
    async fn recorded_anchors(&self, names: &(String, String), path: &str) -> Result<Option<RecordedAnchors>> {
        let (first, last) = (self.engine.audit_cursor(&names.0).await?, self.engine.audit_cursor(&names.1).await?);
        Ok((last > 0).then(|| RecordedAnchors { path: path.to_owned(), first, last }))
    }

    /// Has the store keep that an anchor was written, after it was.
    async fn record_anchor(
        &self,
        names: &(String, String),
        recorded: Option<&RecordedAnchors>,
        found: &FoundAnchors,
        seq: u64,
    ) -> Result<()> {
        if recorded.is_none() {
            // An earlier version has written to the file, and recorded nothing.
            let first = found.first.as_ref().map_or(seq, |first| first.head().seq.min(seq));
            self.engine.set_audit_cursor(&names.0, first).await?;
        }
        if recorded.is_none_or(|recorded| recorded.last != seq) {
            self.engine.set_audit_cursor(&names.1, seq).await?;
        }
        Ok(())
    }

    /// Compares the anchors of a file with those that were written to it, and those at its end with the log.
    async fn check_found(
        &self,
        found: FoundAnchors,
        recorded: Option<&RecordedAnchors>,
        path: &str,
        anchors: &AuditAnchors,
    ) -> Result<()> {
        let refused = |message: String, hint: &str| {
            Err(Error::new(ErrorKind::Conflict, codes::AUDIT_LOG, message).with_hint(hint))
        };
        if let Some(removed) = found.removed {
            let message = format!("the anchor of {:.0} is not in `{path}` any more", removed.at());
            return refused(message, "somebody has removed it; keep the file where nobody can, and do not rotate it");
        }
        let seq = |anchor: Option<&AuditAnchor>| anchor.map(|anchor| anchor.head().seq);
        let (first, last) = (seq(found.first.as_ref()), seq(found.tail.last()));
        let missing = recorded.and_then(|recorded| recorded.missing_from(first, last));
        if let Some(message) = missing {
            return refused(
                message,
                "somebody has removed it; restore the file, or write to one with another name if you moved it yourself",
            );
        }
        let mut tail = found.tail;
        let unauthenticated = |anchor: &&AuditAnchor| anchors.key.is_some() && !anchor.is_authentic(&anchors.key);
        if let Some(forged) = tail.iter().find(unauthenticated) {
            let message = format!("the anchor of {:.0} in `{path}` is not authenticated by the key", forged.at());
            return refused(message, "after the key was replaced, begin another file");
        }
        // An idle program writes many anchors of one entry.
        tail.dedup_by_key(|anchor| anchor.head());
        for anchor in &tail {
            if let Some(message) = self.mismatch(anchor, path).await? {
                let hint =
                    "run `audit verify` with the anchors; if the store was restored from a backup, begin another file";
                return refused(message, hint);
            }
        }
        Ok(())
    }

    /// Describes how the log differs from an anchor; `None` if it does not.
    async fn mismatch(&self, anchor: &AuditAnchor, path: &str) -> Result<Option<String>> {
        let (head, at) = (anchor.head(), anchor.at());
        let Some(before) = head.seq.checked_sub(1) else { return Ok(None) };
        let found = self.engine.records_after(before, 1).await?.first().map(|record| record.head());
        if found == Some(head) {
            return Ok(None);
        }
        let seq = head.seq;
        Ok(Some(match found.filter(|found| found.seq == seq) {
            Some(_) => {
                format!("entry {seq} of the audit log was rewritten since {at:.0}, as an anchor in `{path}` says")
            }
            None => format!("entry {seq} of the audit log, which an anchor in `{path}` names, is not there any more"),
        }))
    }
}

/// Writes anchors until stopped, the first one immediately.
pub(super) async fn run(runtime: Runtime, mut stop: StopSignal) {
    let Some(interval) = runtime.audit_anchors.as_ref().map(|anchors| anchors.interval) else { return };
    while !stop.is_requested() {
        if let Err(error) = runtime.write_audit_anchor().await {
            tracing::error!(%error, hint = error.hint(), "an anchor of the audit log");
        }
        tokio::select! {
            biased;
            () = stop.requested() => {}
            () = runtime.clock().sleep(interval) => {}
        }
    }
}
