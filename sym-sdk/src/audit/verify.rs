//! Verification of the hash chain, from a stored log or from the lines of a destination.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{self, BufRead};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::canonical::canonical;
use super::line::Members;
use super::stored_entry::TextLinks;
use super::{
    AuditAnchor, AuditHash, AuditHead, AuditKey, AuditLog, AuditRecord, ChainError, ChainErrorKind, LineLocation,
    VerifyError, strict_json,
};

/// The number of records read from a log at a time.
const PAGE_SIZE: usize = 1_024;

/// The number of recent records that a repeated line is compared with. A destination receives at most a batch again, which is far
/// smaller.
const RECENT_CAPACITY: usize = 65_536;

/// Verifies a whole log, up to its current end.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sym_sdk::audit;
/// use sym_sdk::engine::MemoryStore;
///
/// let verified = audit::verify(&MemoryStore::new()).await?;
/// assert_eq!(verified.records, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If a record breaks the chain, or the log cannot be read.
pub async fn verify(log: &(impl AuditLog + ?Sized)) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::new();
    verifier.read_log(log).await?;
    Ok(verifier.finish()?)
}

/// Verifies the last records of a log, up to its current end: at most `limit`, whatever the size of the log.
///
/// # Errors
/// If one of these records breaks the chain, or the log cannot be read.
pub async fn verify_tail(log: &(impl AuditLog + ?Sized), limit: u64) -> Result<Verified, VerifyError> {
    let head = log.head().await.map_err(VerifyError::Log)?;
    let mut verifier = Verifier::new().allow_partial();
    verifier.read_between(log, head.seq.saturating_sub(limit), head).await?;
    Ok(verifier.finish()?)
}

/// Verifies the JSON lines of a destination that has the whole log, from its first record on.
///
/// ```
/// let verified = sym_sdk::audit::verify_lines(std::io::empty())?;
/// assert_eq!(verified.records, 0);
/// # Ok::<(), sym_sdk::audit::VerifyError>(())
/// ```
///
/// # Errors
/// If a line breaks the chain, or the lines cannot be read.
pub fn verify_lines(lines: impl io::Read) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::new();
    verifier.read("", io::BufReader::new(lines))?;
    Ok(verifier.finish()?)
}

/// A verifier of audit records, which takes them one after the other.
///
/// Several files are one log, the oldest first:
///
/// ```no_run
/// use std::fs::File;
/// use std::io::BufReader;
/// use sym_sdk::audit::Verifier;
///
/// let mut verifier = Verifier::new().allow_partial();
/// for name in ["audit.jsonl.2", "audit.jsonl.1", "audit.jsonl"] {
///     verifier.read(name, BufReader::new(File::open(name)?))?;
/// }
/// println!("{}", verifier.finish()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    allow_partial: bool,
    allow_gaps: bool,
    allow_reformatted: bool,
    keys: Vec<AuditKey>,
    /// The heads that have to be among the records, and have not been so far, by number.
    known: BTreeMap<u64, Vec<KnownHead>>,
    first: Option<u64>,
    head: Option<AuditHead>,
    recent: VecDeque<AuditHead>,
    records: u64,
    duplicates: u64,
    legacy: u64,
    is_current: bool,
    anchored: Option<AuditHead>,
    anchors: u64,
}

/// A head that has to be among the records.
#[derive(Clone, Copy, Debug)]
struct KnownHead {
    hash: AuditHash,
    /// The time, for one from an anchor.
    anchored_at: Option<Timestamp>,
}

impl KnownHead {
    fn mismatch(&self, found: AuditHash) -> ChainErrorKind {
        match self.anchored_at {
            Some(at) => ChainErrorKind::AnchoredDiffers { at, expected: self.hash, found },
            None => ChainErrorKind::HeadMismatch { expected: self.hash, found },
        }
    }
}

impl Verifier {
    /// Creates a verifier that expects the whole log, from the first record on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts a log whose oldest records are missing, because their files were removed for example. The hash that the first
    /// record names is not verified.
    #[must_use]
    pub fn allow_partial(mut self) -> Self {
        self.allow_partial = true;
        self
    }

    /// Accepts a log with missing records: a destination of one environment does not receive those of others. Removed records
    /// are not detected then; changed ones are.
    #[must_use]
    pub fn allow_gaps(mut self) -> Self {
        self.allow_gaps = true;
        self
    }

    /// Accepts lines that a log service has formatted differently, and compares their content only.
    #[must_use]
    pub fn allow_reformatted(mut self) -> Self {
        self.allow_reformatted = true;
        self
    }

    /// Adds a key that authenticates anchors. There can be several, after a key was replaced. Without any, anchors are not
    /// authenticated: whoever can write them can rewrite the log.
    #[must_use]
    pub fn with_key(mut self, key: AuditKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Expects the record that an anchor names.
    ///
    /// # Errors
    /// If there are keys, and none of them authenticates the anchor.
    pub fn expect_anchor(&mut self, anchor: &AuditAnchor) -> Result<(), ChainError> {
        self.authenticate(anchor)?;
        let known = KnownHead { hash: anchor.head().hash, anchored_at: Some(anchor.at()) };
        self.known.entry(anchor.head().seq).or_default().push(known);
        Ok(())
    }

    /// Returns the first and the last of the entries that expected anchors name and that were not read yet.
    #[cfg(all(feature = "cli", feature = "sqlite"))]
    pub(crate) fn anchor_range(&self) -> Option<(u64, u64)> {
        let is_anchored = |known: &[KnownHead]| known.iter().any(|known| known.anchored_at.is_some());
        let mut seqs = self.known.iter().filter(|(_, known)| is_anchored(known)).map(|(seq, _)| *seq);
        let first = seqs.next()?;
        Some((first, seqs.next_back().unwrap_or(first)))
    }

    /// Reads the anchors of a file, one per line, and expects the records that they name. `name` is the name of the file in errors.
    ///
    /// # Errors
    /// If a line is not an anchor, no key authenticates it, or the lines cannot be read.
    pub fn read_anchors(&mut self, name: &str, lines: impl BufRead) -> Result<(), VerifyError> {
        for_each_line(lines, |number, line| {
            let location = || Some(Box::new(LineLocation { file: name.to_owned(), line: number }));
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let anchor = AuditAnchor::parse(text).map_err(|error| ChainError {
                seq: None,
                location: location(),
                kind: if line.ends_with(b"\n") {
                    ChainErrorKind::Unreadable { reason: error.message().to_owned() }
                } else {
                    ChainErrorKind::Truncated
                },
            })?;
            Ok(self.expect_anchor(&anchor).map_err(|broken| ChainError { location: location(), ..broken })?)
        })
    }

    fn authenticate(&self, anchor: &AuditAnchor) -> Result<(), ChainError> {
        if self.keys.is_empty() || anchor.is_authentic(&self.keys) {
            return Ok(());
        }
        let kind = ChainErrorKind::AnchorForged { at: anchor.at(), is_signed: anchor.is_signed() };
        Err(ChainError { seq: Some(anchor.head().seq), location: None, kind })
    }

    /// Expects the record that the log once ended with, as returned by [`AuditLog::head`]. This detects a log that was cut off or
    /// rewritten. A log whose first record comes right after it has to name its hash.
    #[must_use]
    pub fn expect_head(mut self, head: AuditHead) -> Self {
        if head != AuditHead::START {
            self.known.entry(head.seq).or_default().push(KnownHead { hash: head.hash, anchored_at: None });
        }
        self
    }

    /// Verifies the next record. A repeated record, as it occurs after a crash, must be identical to the first one.
    ///
    /// # Errors
    /// If the record breaks the chain.
    pub fn check(&mut self, record: &AuditRecord) -> Result<(), ChainError> {
        let broken = |kind| Err(ChainError { seq: Some(record.seq), location: None, kind });
        let head = self.head.or((!self.allow_partial).then_some(AuditHead::START));
        let given = record.expected_hash();
        if let Some(head) = head.filter(|head| record.seq <= head.seq) {
            let same = self.recalled(record.seq) == Some(record.hash) && given == record.hash;
            self.duplicates += u64::from(same);
            return if same { Ok(()) } else { broken(ChainErrorKind::OutOfOrder { last: head.seq }) };
        }
        if let Some(head) = head {
            let next = head.seq + 1;
            if record.seq > next && !self.allow_gaps {
                return broken(ChainErrorKind::Missing { expected: next });
            }
            if record.seq == next && record.prev != head.hash {
                return broken(ChainErrorKind::Unlinked { expected: head.hash, found: record.prev });
            }
        }
        if given != record.hash {
            return broken(ChainErrorKind::Changed { expected: given, found: record.hash });
        }
        match record.links() {
            TextLinks::Linked { .. } => self.is_current = true,
            TextLinks::Whole if self.is_current => return broken(ChainErrorKind::Downgraded),
            TextLinks::Whole => self.legacy += 1,
        }
        let before = AuditHead::new(record.seq.saturating_sub(1), record.prev);
        let mismatch = self.settle_known(before).map(|known| match known.anchored_at {
            Some(_) => ChainError { seq: Some(before.seq), location: None, kind: known.mismatch(record.prev) },
            None => {
                let kind = ChainErrorKind::Unlinked { expected: known.hash, found: record.prev };
                ChainError { seq: Some(record.seq), location: None, kind }
            }
        });
        if let Some(mismatch) = mismatch {
            return Err(mismatch);
        }
        if let Some(known) = self.settle_known(record.head()) {
            return broken(known.mismatch(record.hash));
        }
        self.remember(record.head());
        Ok(())
    }

    /// Takes the known heads with the number of this one. Returns one that differs.
    fn settle_known(&mut self, head: AuditHead) -> Option<KnownHead> {
        for known in self.known.remove(&head.seq)? {
            if known.hash != head.hash {
                return Some(known);
            }
            if known.anchored_at.is_some() {
                self.count_anchor(head);
            }
        }
        None
    }

    fn count_anchor(&mut self, head: AuditHead) {
        self.anchors += 1;
        self.anchored = self.anchored.filter(|anchored| anchored.seq > head.seq).or(Some(head));
    }

    /// Verifies the records of a log, up to its current end.
    ///
    /// # Errors
    /// If a record breaks the chain, or the log cannot be read.
    pub async fn read_log(&mut self, log: &(impl AuditLog + ?Sized)) -> Result<(), VerifyError> {
        let head = log.head().await.map_err(VerifyError::Log)?;
        self.read_between(log, 0, head).await
    }

    /// Verifies the records of a log after the one with number `seq`, up to `head`.
    async fn read_between(
        &mut self,
        log: &(impl AuditLog + ?Sized),
        mut seq: u64,
        head: AuditHead,
    ) -> Result<(), VerifyError> {
        *self = std::mem::take(self).expect_head(head);
        while seq < head.seq {
            let records = log.records_after(seq, PAGE_SIZE).await.map_err(VerifyError::Log)?;
            let Some(last) = records.last() else { break };
            seq = last.seq;
            // Records appended since the head was read are left to the next verification.
            for record in records.iter().take_while(|record| record.seq <= head.seq) {
                self.check(record)?;
                check_event(record)?;
            }
        }
        Ok(())
    }

    /// Verifies JSON lines as a destination received them: entries, and anchors between them. `name` is the name of the file in errors.
    ///
    /// # Errors
    /// If a line breaks the chain or was changed, or the lines cannot be read.
    pub fn read(&mut self, name: &str, lines: impl BufRead) -> Result<(), VerifyError> {
        for_each_line(lines, |number, line| {
            let at = |broken| ChainError {
                location: Some(Box::new(LineLocation { file: name.to_owned(), line: number })),
                ..broken
            };
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            if text.trim_ascii().is_empty() {
                return Ok(());
            }
            match strict_json::parse(text).map_err(|error| error.to_string()).and_then(ParsedLine::of) {
                Ok(ParsedLine::Record { record, members }) => {
                    self.check(&record).map_err(at)?;
                    Ok(self.check_line(&record, &members, text).map_err(at)?)
                }
                Ok(ParsedLine::Anchor(anchor)) => Ok(self.check_anchor(&anchor, text).map_err(at)?),
                Err(reason) => {
                    let is_whole = line.ends_with(b"\n");
                    let kind = if is_whole { ChainErrorKind::Unreadable { reason } } else { ChainErrorKind::Truncated };
                    Err(at(ChainError { seq: None, location: None, kind }).into())
                }
            }
        })
    }

    /// Verifies the line of a record that was checked.
    fn check_line(&self, record: &AuditRecord, members: &ReadMembers, text: &[u8]) -> Result<(), ChainError> {
        let broken = |kind| Err(ChainError { seq: Some(record.seq), location: None, kind });
        // Only the entry of a line of version 1 is covered by the chain.
        let TextLinks::Linked { line: expected, .. } = record.links() else { return Ok(()) };
        let unreadable = |error: crate::Error| ChainError {
            seq: Some(record.seq),
            location: None,
            kind: ChainErrorKind::Unreadable { reason: error.message().to_owned() },
        };
        let found = members.rest.hash().map_err(unreadable)?;
        if found != expected || members.id.as_deref() != Some(record.id().to_string().as_str()) {
            return broken(ChainErrorKind::LineChanged { expected, found });
        }
        if !self.allow_reformatted && members.rest.line(record).map_err(unreadable)?.as_bytes() != text {
            return broken(ChainErrorKind::Reformatted);
        }
        Ok(())
    }

    /// Verifies an anchor between the lines. It names the last line before it, unless lines were delivered again.
    fn check_anchor(&mut self, anchor: &AuditAnchor, text: &[u8]) -> Result<(), ChainError> {
        self.authenticate(anchor)?;
        let head = anchor.head();
        if !self.allow_reformatted && anchor.to_line().as_bytes() != text {
            return Err(ChainError { seq: Some(head.seq), location: None, kind: ChainErrorKind::Reformatted });
        }
        match self.recalled(head.seq) {
            Some(hash) if hash == head.hash => self.count_anchor(head),
            Some(found) => {
                let known = KnownHead { hash: head.hash, anchored_at: Some(anchor.at()) };
                return Err(ChainError { seq: Some(head.seq), location: None, kind: known.mismatch(found) });
            }
            // It names a record before the first one, or one that comes later.
            None if self.head.is_some_and(|last| head.seq <= last.seq) && (self.allow_partial || self.allow_gaps) => {}
            None => self.expect_anchor(anchor)?,
        }
        Ok(())
    }

    /// Finishes the verification, and returns what was verified.
    ///
    /// # Errors
    /// If an [expected head](Self::expect_head) was not among the records.
    pub fn finish(self) -> Result<Verified, ChainError> {
        let head = self.head.unwrap_or(AuditHead::START);
        // What an anchor says is the more important: there, the log was not only expected to end but once did.
        let anchored =
            |(seq, known): (&u64, &Vec<KnownHead>)| Some((*seq, known.iter().find_map(|known| known.anchored_at)?));
        let is_partial = |seq: u64| self.allow_partial && self.first.is_some_and(|first| seq < first);
        let missing = self.known.iter().filter_map(anchored).find(|(seq, _)| !is_partial(*seq));
        if let Some((seq, at)) = missing.filter(|_| !self.allow_gaps) {
            return Err(ChainError { seq: Some(seq), location: None, kind: ChainErrorKind::AnchoredMissing { at } });
        }
        let expected = self.known.iter().filter(|(_, known)| known.iter().any(|known| known.anchored_at.is_none()));
        if let Some(last) = expected.map(|(seq, _)| *seq).next_back() {
            let (seq, kind) = if last > head.seq {
                (head.seq + 1, ChainErrorKind::TailMissing { last })
            } else {
                (last, ChainErrorKind::HeadNotFound)
            };
            return Err(ChainError { seq: Some(seq), location: None, kind });
        }
        let Self { first, records, duplicates, legacy, anchors, anchored, .. } = self;
        let is_authenticated = !self.keys.is_empty() && anchors > 0;
        Ok(Verified { records, duplicates, first, head, legacy, anchors, anchored, is_authenticated })
    }

    fn remember(&mut self, head: AuditHead) {
        if self.recent.len() >= RECENT_CAPACITY {
            self.recent.pop_front();
        }
        self.recent.push_back(head);
        self.first.get_or_insert(head.seq);
        self.head = Some(head);
        self.records += 1;
    }

    fn recalled(&self, seq: u64) -> Option<AuditHash> {
        let index = self.recent.binary_search_by_key(&seq, |head| head.seq).ok()?;
        self.recent.get(index).map(|head| head.hash)
    }
}

/// Calls `check` with each line, its line break included, and its number from 1.
fn for_each_line(
    mut lines: impl BufRead,
    mut check: impl FnMut(u64, &[u8]) -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        check(number, &line)?;
    }
    Ok(())
}

/// Verifies the event that the text of a stored record refers to.
fn check_event(record: &AuditRecord) -> Result<(), ChainError> {
    let TextLinks::Linked { event: expected, .. } = record.links() else { return Ok(()) };
    let broken = |kind| Err(ChainError { seq: Some(record.seq), location: None, kind });
    let Some(stored) = record.event() else { return broken(ChainErrorKind::EventMissing) };
    if stored.event.hash != expected || !stored.event.is_intact() {
        return broken(ChainErrorKind::EventChanged);
    }
    match (stored.named_fields(), &stored.fields) {
        (None, _) => Ok(()),
        (Some(_), None) => broken(ChainErrorKind::EventMissing),
        (Some(named), Some(fields)) if fields.hash == named && fields.is_intact() => Ok(()),
        (Some(_), Some(_)) => broken(ChainErrorKind::EventChanged),
    }
}

/// A line that was read.
enum ParsedLine {
    Record { record: AuditRecord, members: ReadMembers },
    Anchor(AuditAnchor),
}

/// The members of the line of a record apart from the record itself.
struct ReadMembers {
    id: Option<String>,
    rest: Members,
}

/// The member `audit`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    seq: u64,
    prev: AuditHash,
    hash: AuditHash,
    entry: Value,
}

impl ParsedLine {
    fn of(value: Value) -> Result<Self, String> {
        if AuditAnchor::is_line(&value) {
            return AuditAnchor::from_value(value).map(Self::Anchor).map_err(|error| error.to_string());
        }
        let Value::Object(mut members) = value else { return Err("expected an object".to_owned()) };
        let audit = members.remove("audit").ok_or("it has no member `audit`")?;
        let Link { seq, prev, hash, entry } = serde_json::from_value(audit).map_err(|error| error.to_string())?;
        // The text is made canonical again: a log service may have reformatted the line.
        let text = canonical(&entry).map_err(|error| error.to_string())?;
        let id = members.remove("id").and_then(|id| id.as_str().map(str::to_owned));
        let members = ReadMembers { id, rest: Members::from_line(members) };
        Ok(Self::Record { record: AuditRecord::new(seq, prev, hash, text), members })
    }
}

/// The result of a successful verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The number of records.
    pub records: u64,
    /// The number of records that occurred more than once.
    pub duplicates: u64,
    /// The number of the first record; `None` if there was none.
    pub first: Option<u64>,
    /// The last record. Kept elsewhere, it proves later that nothing before it was changed; see [`Verifier::expect_head`].
    pub head: AuditHead,
    /// The number of records of schema 1, which come first. Of their lines, only the member `audit` is covered by the chain.
    pub legacy: u64,
    /// The number of anchors whose record was found.
    pub anchors: u64,
    /// The last of these records. Nothing up to it was rewritten, if the anchors are authenticated or are kept where nobody can
    /// change them.
    pub anchored: Option<AuditHead>,
    /// Whether there were anchors, and a key authenticates them. Otherwise, only accidental damage is detected: whoever can write to
    /// the log can recompute it.
    pub is_authenticated: bool,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first {
            None => f.write_str("no audit entries"),
            Some(first) => {
                let AuditHead { seq, hash } = self.head;
                write!(f, "audit entries {first} to {seq} verified; the hash of the last one is {hash}")
            }
        }
    }
}
