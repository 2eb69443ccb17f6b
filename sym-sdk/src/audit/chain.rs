//! The hash chain: each record holds the hash of the one before it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::AuditEntry;
use super::canonical::canonical;
use crate::error::{Error, ErrorKind, Result, codes};

/// The SHA-256 of an audit record. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuditHash([u8; 32]);

impl AuditHash {
    /// What stands before the first record: all zeros.
    pub const START: Self = Self([0; 32]);

    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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

/// Where the audit log ends. Whoever keeps one elsewhere can tell later that nothing before it was changed or cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditHead {
    /// The number of the last record; 0 if there is none.
    pub seq: u64,
    /// Its hash.
    pub hash: AuditHash,
}

impl AuditHead {
    /// The end of a log without records.
    pub const START: Self = Self { seq: 0, hash: AuditHash::START };

    /// The end of a log.
    pub const fn new(seq: u64, hash: AuditHash) -> Self {
        Self { seq, hash }
    }

    /// Where the log ends once an entry is appended whose canonical text this is. See [`AuditEntry::to_canonical`].
    #[must_use]
    pub fn followed_by(&self, text: &str) -> Self {
        let seq = self.seq + 1;
        Self { seq, hash: hash(seq, &self.hash, text) }
    }
}

/// The members in the order of their names, as canonical JSON has them.
fn hash(seq: u64, prev: &AuditHash, text: &str) -> AuditHash {
    let mut sha = Sha256::new();
    sha.update(r#"{"entry":"#);
    sha.update(text);
    sha.update(format!(r#","prev":"{prev}","seq":{seq}}}"#));
    AuditHash(sha.finalize().into())
}

/// An audit entry and its place in the chain.
///
/// `hash` is the SHA-256 of the canonical JSON (RFC 8785) of `{"entry": …, "prev": …, "seq": …}`, so it holds for all records up
/// to this one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditRecord {
    /// Its number: from 1, without gaps.
    pub seq: u64,
    /// The hash of the record before it.
    pub prev: AuditHash,
    /// Its own hash.
    pub hash: AuditHash,
    text: Arc<str>,
}

impl AuditRecord {
    /// A record as it was stored, whether or not it is right: see [`verify`](super::verify).
    pub fn new(seq: u64, prev: AuditHash, hash: AuditHash, text: impl Into<Arc<str>>) -> Self {
        Self { seq, prev, hash, text: text.into() }
    }

    /// The record that comes after `head`.
    pub fn after(head: &AuditHead, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let AuditHead { seq, hash } = head.followed_by(&text);
        Self { seq, prev: head.hash, hash, text }
    }

    /// The entry as it is stored and hashed: canonical JSON.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The entry.
    ///
    /// # Errors
    /// If the text is not that of an entry.
    pub fn entry(&self) -> Result<AuditEntry> {
        serde_json::from_str(&self.text).map_err(|error| {
            let message = format!("audit entry {} cannot be read: {error}", self.seq);
            Error::new(ErrorKind::Internal, codes::AUDIT_LOG, message)
        })
    }

    /// An id that is the same whenever the record is delivered, and no other record's.
    pub fn id(&self) -> Uuid {
        Uuid::new_v5(&NAMESPACE, self.hash.as_bytes())
    }

    /// The end of a log of which this is the last record.
    pub fn head(&self) -> AuditHead {
        AuditHead::new(self.seq, self.hash)
    }

    /// The hash that the rest of the record gives.
    pub(super) fn expected_hash(&self) -> AuditHash {
        hash(self.seq, &self.prev, &self.text)
    }
}

/// Of the ids of records.
const NAMESPACE: Uuid = Uuid::from_u128(0x2c6e_9d57_40b1_4c0c_8f3e_1f5a_9e0d_72b4);

impl AuditEntry {
    /// The entry as it is stored and hashed: canonical JSON.
    ///
    /// # Errors
    /// If it has no JSON form.
    pub fn to_canonical(&self) -> Result<String> {
        Ok(canonical(&serde_json::to_value(self)?)?)
    }
}
