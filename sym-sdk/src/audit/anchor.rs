//! Anchors: heads of the log that are kept where whoever can change the log cannot change them.
//!
//! A hash chain shows that its records belong together, not that they are the ones that were written: whoever can write to the store
//! can recompute it. An anchor is a head at a time, authenticated with a key if there is one. It goes to a file elsewhere or to a log
//! destination, and a log in which an anchored record is missing or differs was rewritten.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{AuditHash, AuditHead, AuditKey, strict_json};
use crate::error::{Error, ErrorKind, Result, codes};

/// The `type` of the line of an anchor.
const TYPE: &str = "anchor";

/// The namespace of the ids of anchors.
const ID_NAMESPACE: Uuid = Uuid::from_u128(0x5d21_0e8f_44b6_4c3a_9a70_18c5_d3f6_2b9e);

/// The head of an audit log at a time.
///
/// Its line is `{"at":…,"hash":…,"mac":…,"seq":…,"type":"anchor"}`. `mac` is the HMAC-SHA256 of the line without this member, or `null`
/// without a [key](AuditKey).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditAnchor {
    head: AuditHead,
    at: Timestamp,
    mac: Option<AuditHash>,
}

/// The line of an anchor.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnchorLine {
    #[serde(rename = "type")]
    kind: String,
    seq: u64,
    hash: AuditHash,
    at: Timestamp,
    mac: Option<AuditHash>,
}

impl AuditAnchor {
    /// Creates an anchor of a head, authenticated if there is a key.
    pub fn new(head: AuditHead, at: Timestamp, key: Option<&AuditKey>) -> Self {
        let mut anchor = Self { head, at, mac: None };
        anchor.mac = key.map(|key| key.sign(&anchor.signed_text()));
        anchor
    }

    /// Returns the head.
    pub fn head(&self) -> AuditHead {
        self.head
    }

    /// Returns the time at which it was the head.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns an id that is the same however often the anchor is delivered.
    pub fn id(&self) -> Uuid {
        Uuid::new_v5(&ID_NAMESPACE, self.to_line().as_bytes())
    }

    /// Returns whether one of the keys authenticates the anchor.
    pub fn is_authentic<'k>(&self, keys: impl IntoIterator<Item = &'k AuditKey>) -> bool {
        let text = self.signed_text();
        self.mac.is_some_and(|mac| keys.into_iter().any(|key| key.is_valid(&text, &mac)))
    }

    /// Returns whether the anchor has a MAC, of whatever key.
    pub(super) fn is_signed(&self) -> bool {
        self.mac.is_some()
    }

    /// Returns the anchor as a line, without a line break.
    pub fn to_line(&self) -> String {
        let mac = self.mac.map_or_else(|| "null".to_owned(), |mac| format!("\"{mac}\""));
        let AuditHead { seq, hash } = self.head;
        format!(r#"{{"at":"{}","hash":"{hash}","mac":{mac},"seq":{seq},"type":"{TYPE}"}}"#, self.at)
    }

    /// Parses the line of an anchor.
    ///
    /// # Errors
    /// If the line is not exactly that of an anchor.
    pub fn parse(line: &[u8]) -> Result<Self> {
        let malformed = |reason: String| {
            Error::new(ErrorKind::InvalidInput, codes::AUDIT_LOG, format!("expected the line of an anchor: {reason}"))
        };
        let value = strict_json::parse(line).map_err(|error| malformed(error.to_string()))?;
        let anchor = Self::from_value(value).map_err(|error| malformed(error.to_string()))?;
        if anchor.to_line().as_bytes() != line {
            return Err(malformed("its text differs from what is written for it".to_owned()));
        }
        Ok(anchor)
    }

    /// Returns whether a line is that of an anchor.
    pub(super) fn is_line(value: &Value) -> bool {
        value.get("type").is_some_and(|kind| kind == TYPE)
    }

    pub(super) fn from_value(value: Value) -> serde_json::Result<Self> {
        let AnchorLine { kind, seq, hash, at, mac } = serde_json::from_value(value)?;
        if kind != TYPE {
            return Err(serde::de::Error::custom(format_args!("its type is `{kind}`")));
        }
        Ok(Self { head: AuditHead::new(seq, hash), at, mac })
    }

    fn signed_text(&self) -> String {
        let AuditHead { seq, hash } = self.head;
        format!(r#"{{"at":"{}","hash":"{hash}","seq":{seq},"type":"{TYPE}"}}"#, self.at)
    }
}
