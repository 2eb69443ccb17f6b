//! The hash chain: each record contains the hash of the one before it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::stored_entry::TextLinks;
use super::{AuditEntry, StoredEntry, StoredEvent};
use crate::error::{Error, ErrorKind, Result, codes};

/// The SHA-256 hash of an audit record, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct AuditHash([u8; 32]);

impl AuditHash {
    /// The hash before the first record: all zeros.
    pub const START: Self = Self([0; 32]);

    /// Creates a hash from its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the first bytes, by which the records of two logs with the same number are told apart.
    pub const fn tag(&self) -> [u8; 4] {
        let [first, second, third, fourth, ..] = self.0;
        [first, second, third, fourth]
    }

    /// Returns the hexadecimal digits, which are ASCII.
    fn digits(&self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            for (digit, value) in pair.iter_mut().zip([byte >> 4, byte & 0xf]) {
                *digit = DIGITS[usize::from(value)];
            }
        }
        digits
    }
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

impl Serialize for AuditHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditHash({self})")
    }
}

impl FromStr for AuditHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(|| {
            let message = format!("expected a hash of 64 hexadecimal digits, got `{text}`");
            Error::invalid(codes::INVALID_ID, message)
        })
    }
}

impl TryFrom<String> for AuditHash {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<AuditHash> for String {
    fn from(hash: AuditHash) -> Self {
        hash.to_string()
    }
}

/// The end of an audit log: the number and the hash of its last record.
///
/// A head that is kept elsewhere proves later that nothing before it was changed or cut off; see
/// [`Verifier::expect_head`](super::Verifier::expect_head).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditHead {
    /// The number of the last record; 0 for an empty log.
    pub seq: u64,
    /// The hash of the last record.
    pub hash: AuditHash,
}

impl AuditHead {
    /// The head of an empty log.
    pub const START: Self = Self { seq: 0, hash: AuditHash::START };

    /// Creates a head.
    pub const fn new(seq: u64, hash: AuditHash) -> Self {
        Self { seq, hash }
    }

    /// Returns the head after an entry with the chained text `text` is appended; see [`AuditEntry::to_stored`].
    #[must_use]
    pub fn followed_by(&self, text: &str) -> Self {
        let seq = self.seq + 1;
        Self { seq, hash: hash(seq, &self.hash, text) }
    }
}

/// Hashes a record in its canonical form: the members are sorted by name.
fn hash(seq: u64, prev: &AuditHash, text: &str) -> AuditHash {
    let mut sha = Sha256::new();
    sha.update(r#"{"entry":"#);
    sha.update(text);
    sha.update(r#","prev":""#);
    sha.update(prev.digits());
    sha.update(format!(r#"","seq":{seq}}}"#));
    AuditHash(sha.finalize().into())
}

/// An audit entry with its place in the chain.
///
/// `hash` is the SHA-256 of the canonical JSON (RFC 8785) of `{"entry": …, "prev": …, "seq": …}`, so it covers all records up to
/// this one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditRecord {
    /// The number of the record, from 1 and without gaps.
    pub seq: u64,
    /// The hash of the record before it.
    pub prev: AuditHash,
    /// The hash of this record.
    pub hash: AuditHash,
    text: Arc<str>,
    event: Option<StoredEvent>,
}

impl AuditRecord {
    /// Creates a record from its stored parts, without checking them; see [`verify`](super::verify).
    pub fn new(seq: u64, prev: AuditHash, hash: AuditHash, text: impl Into<Arc<str>>) -> Self {
        Self { seq, prev, hash, text: text.into(), event: None }
    }

    /// Adds the event that the text refers to.
    #[must_use]
    pub fn with_event(mut self, event: Option<StoredEvent>) -> Self {
        self.event = event;
        self
    }

    /// Creates the record that follows `head`.
    pub fn after(head: &AuditHead, entry: StoredEntry) -> Self {
        let StoredEntry { text, event } = entry;
        let AuditHead { seq, hash } = head.followed_by(&text);
        Self { seq, prev: head.hash, hash, text, event: Some(event) }
    }

    /// Returns the entry as it is chained and hashed: canonical JSON.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the event that the text refers to. `None` for a record of schema 1, whose text contains it, and for one that was read
    /// from a line.
    pub fn event(&self) -> Option<&StoredEvent> {
        self.event.as_ref()
    }

    /// Parses the entry.
    ///
    /// # Errors
    /// If the text is not an audit entry, or its event is missing.
    pub fn entry(&self) -> Result<AuditEntry> {
        AuditEntry::parse(&self.text, self.event.as_ref()).map_err(|error| {
            let message = format!("audit entry {} cannot be read: {}", self.seq, error.message());
            Error::new(ErrorKind::Internal, codes::AUDIT_LOG, message)
        })
    }

    /// Returns the hashes in the text by which the rest is verified.
    pub(super) fn links(&self) -> TextLinks {
        TextLinks::of(&self.text)
    }

    /// Returns an id that is unique to the record and the same at every delivery.
    pub fn id(&self) -> Uuid {
        Uuid::new_v5(&NAMESPACE, self.hash.as_bytes())
    }

    /// Returns the head of a log that ends with this record.
    pub fn head(&self) -> AuditHead {
        AuditHead::new(self.seq, self.hash)
    }

    /// Computes the hash of the record from its other parts.
    pub(super) fn expected_hash(&self) -> AuditHash {
        hash(self.seq, &self.prev, &self.text)
    }
}

/// The namespace of the ids of records.
const NAMESPACE: Uuid = Uuid::from_u128(0x2c6e_9d57_40b1_4c0c_8f3e_1f5a_9e0d_72b4);
