//! The stored form of audit entries: the chained text, the event that it refers to, and the fields of the event.
//!
//! Many entries belong to one event, and many events to one request with the same fields. So an event is stored once, under the hash
//! of its text, and so are fields that take space. The chained text contains the hash of the event, whose text contains that of the
//! fields: whoever changes either breaks the chain all the same.
//!
//! The chained text also contains the hash of the line that destinations receive, so that a line can be verified by itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::canonical::CanonicalText;
use super::line::LineStart;
use super::{AuditEntry, AuditHash, AuditKind};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::EventRecord;
use crate::model::{EventId, LoggedActor, RunId, RunStatus, Srn, Step};

/// The version of the stored form. Entries of version 1 contain their whole event, and not this number.
const VERSION: u32 = 2;

/// Fields whose text is at most this long stay in the text of their event: a hash would save nothing.
const MAX_INLINE_FIELDS_BYTES: usize = 256;

/// An audit entry in its stored form; see [`AuditEntry::to_stored`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredEntry {
    /// The text that is chained: canonical JSON, with the hash of the event.
    pub text: Arc<str>,
    /// The event of the entry.
    pub event: StoredEvent,
}

/// An event in its stored form. Entries with equal events have equal stored events, so a store writes each once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredEvent {
    /// The event and the actors of its Run: canonical JSON, with the hash of the fields or with the fields themselves.
    pub event: StoredText,
    /// The fields, unless the text of the event contains them.
    pub fields: Option<StoredText>,
}

/// A text that is stored under its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredText {
    /// The SHA-256 of the text.
    pub hash: AuditHash,
    /// The text: canonical JSON.
    pub text: Arc<str>,
}

impl StoredText {
    /// Creates a text from its stored parts, without checking them.
    pub fn new(hash: AuditHash, text: impl Into<Arc<str>>) -> Self {
        Self { hash, text: text.into() }
    }

    fn of(text: &CanonicalText) -> Result<Self> {
        let text = text.as_str()?;
        Ok(Self::new(sha256(text), text))
    }

    /// Returns whether the hash is that of the text.
    pub(super) fn is_intact(&self) -> bool {
        sha256(&self.text) == self.hash
    }
}

impl StoredEvent {
    /// Creates an event from its stored parts, without checking them.
    pub fn new(event: StoredText, fields: Option<StoredText>) -> Self {
        Self { event, fields }
    }

    /// Returns the event of an entry. `text` is what is written into.
    fn of(entry: &AuditEntry, text: &mut CanonicalText) -> Result<Self> {
        let content = EventText { event: &entry.event, actors: &entry.actors };
        text.clear();
        text.append(&entry.event.fields)?;
        let fields = match text.as_bytes().len() > MAX_INLINE_FIELDS_BYTES {
            true => Some(StoredText::of(text)?),
            false => None,
        };
        text.clear();
        match &fields {
            Some(fields) => {
                let mut content = serde_json::to_value(content)?;
                if let Some(inline) = content.pointer_mut("/event/fields") {
                    *inline = Value::from(fields.hash.to_string());
                }
                text.append(&content)?;
            }
            None => text.append(&content)?,
        }
        Ok(Self { event: StoredText::of(text)?, fields })
    }

    /// Returns the hash of the fields that the text of the event names, if it does not contain them.
    pub(super) fn named_fields(&self) -> Option<AuditHash> {
        let value: Value = serde_json::from_str(&self.event.text).ok()?;
        value.pointer("/event/fields")?.as_str()?.parse().ok()
    }

    fn parse(&self) -> serde_json::Result<EventParts> {
        let mut value: Value = serde_json::from_str(&self.event.text)?;
        if let (Some(fields), Some(stored)) = (value.pointer_mut("/event/fields"), &self.fields) {
            *fields = serde_json::from_str(&stored.text)?;
        }
        serde_json::from_value(value)
    }
}

/// Returns the SHA-256 of a text.
pub(super) fn sha256(text: &str) -> AuditHash {
    AuditHash::from_bytes(Sha256::digest(text).into())
}

#[derive(Serialize)]
struct EventText<'a> {
    event: &'a EventRecord,
    actors: &'a BTreeMap<Step, LoggedActor>,
}

#[derive(Deserialize)]
struct EventParts {
    event: Arc<EventRecord>,
    actors: Arc<BTreeMap<Step, LoggedActor>>,
}

/// The chained text of an entry.
#[derive(Serialize, Deserialize)]
struct EntryText<'a> {
    version: u32,
    run: RunId,
    flow: Cow<'a, Srn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<RunId>,
    at: Timestamp,
    event: EventLink,
    status: RunStatus,
    kind: Cow<'a, AuditKind>,
    line: AuditHash,
}

#[derive(Serialize, Deserialize)]
struct EventLink {
    id: EventId,
    hash: AuditHash,
}

/// The parts of a chained text that say how to verify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextLinks {
    /// An entry of version 1 contains its event. Its line is not covered by the chain.
    Whole,
    /// The hashes of the event and of the line.
    Linked { event: AuditHash, line: AuditHash },
}

impl TextLinks {
    /// Reads the links of a chained text. One that cannot be read counts as version 1, whose hash alone can be verified.
    pub(super) fn of(text: &str) -> Self {
        #[derive(Deserialize)]
        struct Links {
            event: Hash,
            line: AuditHash,
        }
        #[derive(Deserialize)]
        struct Hash {
            hash: AuditHash,
        }
        match serde_json::from_str(text) {
            Ok(Links { event, line }) => Self::Linked { event: event.hash, line },
            Err(_) => Self::Whole,
        }
    }
}

impl AuditEntry {
    /// Returns the entry as it is stored and hashed.
    ///
    /// # Errors
    /// If a value in it has no JSON form.
    pub fn to_stored(&self) -> Result<StoredEntry> {
        EntryWriter::new().stored(self)
    }

    /// Returns several entries as they are stored and hashed.
    ///
    /// # Errors
    /// If a value in one of them has no JSON form.
    pub fn all_to_stored(entries: &[Self]) -> Result<Vec<StoredEntry>> {
        let mut writer = EntryWriter::new();
        entries.iter().map(|entry| writer.stored(entry)).collect()
    }

    /// Returns whether the stored events and the first members of the lines are the same.
    fn has_same_event(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.event, &other.event)
            && (Arc::ptr_eq(&self.actors, &other.actors) || self.actors == other.actors)
            && (self.run, self.parent) == (other.run, other.parent)
            && self.flow == other.flow
    }

    /// Parses an entry from its stored form.
    pub(super) fn parse(text: &str, event: Option<&StoredEvent>) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: Option<u32>,
        }
        let malformed = |error: serde_json::Error| unreadable(&error.to_string());
        match serde_json::from_str::<Version>(text).map_err(malformed)?.version {
            None => serde_json::from_str(text).map_err(malformed),
            Some(VERSION) => {
                let Some(stored) = event else { return Err(unreadable("its event is missing")) };
                let EventParts { event, actors } = stored.parse().map_err(malformed)?;
                let text = serde_json::from_str(text).map_err(malformed)?;
                let EntryText { run, flow, parent, at, status, kind, .. } = text;
                Ok(Self { run, flow: flow.into_owned(), parent, at, event, actors, status, kind: kind.into_owned() })
            }
            Some(other) => Err(unreadable(&format!("it has version {other}, expected at most {VERSION}"))),
        }
    }
}

/// Writes entries in their stored form. What successive entries of one event share is written once.
struct EntryWriter<'a> {
    text: CanonicalText,
    last: Option<WrittenEvent<'a>>,
}

struct WrittenEvent<'a> {
    entry: &'a AuditEntry,
    event: StoredEvent,
    line: LineStart,
}

impl<'a> EntryWriter<'a> {
    fn new() -> Self {
        Self { text: CanonicalText::reused(), last: None }
    }

    fn stored(&mut self, entry: &'a AuditEntry) -> Result<StoredEntry> {
        let written = match self.last.take() {
            Some(last) if last.entry.has_same_event(entry) => last,
            _ => {
                let event = StoredEvent::of(entry, &mut self.text)?;
                WrittenEvent { entry, event, line: LineStart::of(entry, &mut self.text)? }
            }
        };
        let event = written.event.clone();
        let content = EntryText {
            version: VERSION,
            run: entry.run,
            flow: Cow::Borrowed(&entry.flow),
            parent: entry.parent,
            at: entry.at,
            event: EventLink { id: entry.event.id, hash: event.event.hash },
            status: entry.status,
            kind: Cow::Borrowed(&entry.kind),
            line: written.line.hash(entry, &mut self.text)?,
        };
        self.last = Some(written);
        self.text.clear();
        self.text.append(&content)?;
        Ok(StoredEntry { text: self.text.as_str()?.into(), event })
    }
}

fn unreadable(reason: &str) -> Error {
    Error::new(ErrorKind::Internal, codes::AUDIT_LOG, reason)
}
