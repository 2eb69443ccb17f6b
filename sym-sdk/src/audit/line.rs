//! Audit lines: records in the format of destinations.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::canonical::{CanonicalText, canonical};
use super::event_summary::IGNORED;
use super::stored_entry::{TextLinks, sha256};
use super::{AuditEntry, AuditHash, AuditKind, AuditLog, AuditRecord, EventStatus, HandlerResult};
use crate::bounded_map::BoundedMap;
use crate::error::Result;
use crate::machine::EffectError;
use crate::model::{LoggedActor, LoggedEvent, LoggedParts, LoggedState, RunId, Srn, Step, logged_actor};

/// An audit record in the format of destinations: a JSON object on one line.
///
/// It has the members of version 6 of Sym's schema (`id`, `type`, `meta`, `state`, `run`, `event`, `actor`, `fields`) and one
/// more: `audit` is the record itself, with `seq`, `prev`, `hash` and `entry`. The entry contains the hash of the other members, so
/// [`verify_lines`](super::verify_lines) finds a change of any part of the line.
///
/// Sym sends one object per event. Here that is the line whose `state.status` is `completed` or `error`. Lines with the status
/// `processing` record steps in between: a handler that was called, access that was granted, a message that was sent.
#[derive(Clone, Debug)]
pub struct AuditLine {
    record: AuditRecord,
    id: Uuid,
    json: Arc<str>,
}

impl AuditLine {
    /// Returns the number of the record.
    pub fn seq(&self) -> u64 {
        self.record.seq
    }

    /// Returns the member `id`, which is unique to the line and the same at every delivery.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Returns the record.
    pub fn record(&self) -> &AuditRecord {
        &self.record
    }

    pub(super) fn json(&self) -> Arc<str> {
        self.json.clone()
    }

    /// Returns the JSON, without a line break.
    pub fn as_str(&self) -> &str {
        &self.json
    }
}

/// Reads the lines of up to `limit` records after the record number `after`, as a destination for all flows receives them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_sdk::audit;
/// use sym_sdk::engine::MemoryStore;
///
/// let log = MemoryStore::new();
/// for line in audit::lines(&log, 0, 1_000).await? {
///     println!("{}", line.as_str());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the log cannot be read.
pub async fn lines(log: &(impl AuditLog + ?Sized), after: u64, limit: usize) -> Result<Vec<AuditLine>> {
    let mut writer = LineWriter::default();
    let mut lines = Vec::new();
    for record in log.records_after(after, limit).await? {
        lines.extend(writer.line(log, record, |_| true).await?);
    }
    Ok(lines)
}

/// The members of a line in the order in which they are written, after `id` and before `audit`.
const MEMBERS: [&str; 7] = ["type", "meta", "state", "run", "event", "actor", "fields"];

/// The members of a line apart from `id` and `audit`, which follow from the record.
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Returns the members of an entry's line.
    fn of(entry: &AuditEntry, actors: &Actors) -> Result<Self> {
        Ok(Self(match serde_json::to_value(logged(entry, actors, entry.event.payload().to_json()))? {
            Value::Object(members) => members,
            _ => Map::new(),
        }))
    }

    /// Takes the members of a line that was read.
    pub(super) fn from_line(mut members: Map<String, Value>) -> Self {
        members.remove("id");
        members.remove("audit");
        Self(members)
    }

    /// Returns the SHA-256 of the members as canonical JSON, which the chained text contains.
    pub(super) fn hash(&self) -> Result<AuditHash> {
        Ok(sha256(&canonical(&self.0)?))
    }

    /// Returns the line of a record with these members: each is canonical JSON, and their order is fixed. So a line is written in
    /// one way only.
    pub(super) fn line(&self, record: &AuditRecord) -> Result<String> {
        let mut line = format!(r#"{{"id":"{}""#, record.id());
        let known = MEMBERS.iter().filter_map(|name| self.0.get_key_value(*name));
        let others = self.0.iter().filter(|(name, _)| !MEMBERS.contains(&name.as_str()));
        for (name, value) in known.chain(others) {
            line.push_str(&format!(",{}:{}", canonical(name)?, canonical(value)?));
        }
        line.push_str(&format!(
            r#","audit":{{"seq":{},"prev":"{}","hash":"{}","entry":{}}}}}"#,
            record.seq,
            record.prev,
            record.hash,
            record.text()
        ));
        Ok(line)
    }
}

/// The hash of the first members of a line, which entries of one event share. [`LineStart::hash`] continues it.
pub(super) struct LineStart(Sha256);

impl LineStart {
    /// Hashes the members before `state`. `text` is what is written into.
    pub(super) fn of(entry: &AuditEntry, text: &mut CanonicalText) -> Result<Self> {
        let members = logged(entry, &entry.actors, Map::new());
        let LoggedEvent { id: _, kind: _, meta, state: _, run, event, actor, fields: _ } = members;
        text.clear();
        text.append_text(r#"{"actor":"#);
        text.append(&actor)?;
        text.append_text(r#","event":"#);
        text.append(&event)?;
        text.append_text(r#","fields":"#);
        text.append(&entry.event.payload_json())?;
        text.append_text(r#","meta":"#);
        text.append(&meta)?;
        text.append_text(r#","run":"#);
        text.append(&run)?;
        Ok(Self(Sha256::new_with_prefix(text.as_bytes())))
    }

    /// Returns the hash of the line of an entry of this event: that of [`Members::hash`].
    pub(super) fn hash(&self, entry: &AuditEntry, text: &mut CanonicalText) -> Result<AuditHash> {
        text.clear();
        text.append_text(r#","state":"#);
        text.append(&logged_state(&entry.kind))?;
        text.append_text(r#","type":"event"}"#);
        Ok(AuditHash::from_bytes(self.0.clone().chain_update(text.as_bytes()).finalize().into()))
    }
}

/// The maximum number of Runs whose actors are cached.
const ACTORS_CAPACITY: usize = 4_096;

/// The actors of the steps of a Run so far.
type Actors = BTreeMap<Step, LoggedActor>;

/// Writes records as lines.
///
/// A line names the actors of all earlier steps of its Run. Entries of schema 1 do not contain them: they come from earlier records,
/// which are cached by Run.
#[derive(Debug)]
pub(crate) struct LineWriter {
    runs: BoundedMap<RunId, Actors>,
}

impl Default for LineWriter {
    fn default() -> Self {
        Self { runs: BoundedMap::new(ACTORS_CAPACITY) }
    }
}

impl LineWriter {
    /// Returns the line of a record, or `None` if `wanted` rejects its flow. Records must be passed in order.
    pub(crate) async fn line(
        &mut self,
        log: &(impl AuditLog + ?Sized),
        record: AuditRecord,
        wanted: impl Fn(&Srn) -> bool + Send,
    ) -> Result<Option<AuditLine>> {
        let json = match record.entry() {
            Ok(entry) if !wanted(&entry.flow) => return Ok(None),
            Ok(entry) => {
                let members = match record.links() {
                    TextLinks::Linked { .. } => Members::of(&entry, &entry.actors),
                    TextLinks::Whole => Members::of(&entry, &self.actors(log, &entry, record.seq).await?),
                };
                members.and_then(|members| members.line(&record)).ok()
            }
            Err(error) => {
                // It is delivered all the same, so that the lines can be verified: they would not form a chain without it.
                tracing::error!(%error, "an audit entry is corrupt");
                None
            }
        };
        let json = json.unwrap_or_else(|| unreadable(&record).to_string()).into();
        Ok(Some(AuditLine { id: record.id(), record, json }))
    }

    async fn actors(&mut self, log: &(impl AuditLog + ?Sized), entry: &AuditEntry, seq: u64) -> Result<Actors> {
        if self.runs.get(&entry.run).is_none() {
            let mut actors = Actors::new();
            for earlier in log.run_records_before(entry.run, seq).await? {
                if let Ok(earlier) = earlier.entry() {
                    record_actor(&mut actors, &earlier);
                }
            }
            self.runs.insert(entry.run, actors);
        }
        let mut actors = self.runs.get_mut(&entry.run).map_or_else(Actors::new, |actors| {
            record_actor(actors, entry);
            actors.clone()
        });
        // The current event is included, unless it was refused.
        if !matches!(entry.kind, AuditKind::Refused { .. }) {
            actors.entry(entry.event.name).or_insert_with(|| actor(entry));
        }
        Ok(actors)
    }
}

/// Adds the actor of an entry's step. A step has its actor once it is completed, except for a request, which has one from the
/// start: a hook may decide it before it is ever completed.
fn record_actor(actors: &mut Actors, entry: &AuditEntry) {
    let name = entry.event.name;
    match entry.kind {
        AuditKind::Completed => {
            actors.insert(name, actor(entry));
        }
        AuditKind::Received if name == Step::Request => {
            actors.entry(name).or_insert_with(|| actor(entry));
        }
        _ => {}
    }
}

fn actor(entry: &AuditEntry) -> LoggedActor {
    logged_actor(&entry.event.actor, &entry.event.channel, entry.flow.organization())
}

fn logged<'a>(entry: &'a AuditEntry, actors: &'a Actors, fields: Map<String, Value>) -> LoggedEvent<'a> {
    let event = &entry.event;
    LoggedEvent::new(LoggedParts {
        id: None,
        run: entry.run,
        flow: &entry.flow,
        parent: entry.parent,
        actors,
        event: event.id,
        name: event.name,
        at: &event.at,
        channel: &event.channel,
        actor: &event.actor,
        fields,
        state: logged_state(&entry.kind),
    })
}

fn logged_state(kind: &AuditKind) -> LoggedState {
    let status = match kind.event_status() {
        None | Some(EventStatus::Processing) => "processing",
        Some(EventStatus::Success) => "completed",
        Some(EventStatus::Error) => "error",
    };
    LoggedState::new(status, errors(kind))
}

fn errors(kind: &AuditKind) -> Vec<Value> {
    let of = |error: &EffectError| json!({ "message": error.message, "code": error.code });
    match kind {
        AuditKind::Refused { error }
        | AuditKind::SubmissionRefused { error, .. }
        | AuditKind::Failed { error }
        | AuditKind::Reported { error }
        | AuditKind::DeliveryFailed { error, .. }
        | AuditKind::GrantFailed { error, .. }
        | AuditKind::RevokeFailed { error, .. }
        | AuditKind::RegrantFailed { error, .. }
        | AuditKind::ExtensionFailed { error, .. }
        | AuditKind::ApprovalWithdrawn { error, .. }
        | AuditKind::Alerted { error }
        | AuditKind::UserAction { refusal: Some(error), .. }
        | AuditKind::HandlerCalled { result: HandlerResult::Failed { error }, .. } => vec![of(error)],
        AuditKind::Account(event) => event.refusal().map(of).into_iter().collect(),
        AuditKind::AlertUndelivered { error, reason } => vec![of(error), of(reason)],
        AuditKind::Ignored { message } => {
            vec![json!({ "message": message.as_deref().unwrap_or(IGNORED), "code": null })]
        }
        _ => Vec::new(),
    }
}

/// The line of a record whose entry cannot be parsed, with the entry as it is.
fn unreadable(record: &AuditRecord) -> Value {
    let entry = serde_json::from_str(record.text()).unwrap_or_else(|_| Value::from(record.text()));
    let audit = json!({ "seq": record.seq, "prev": record.prev, "hash": record.hash, "entry": entry });
    let members = [("id", json!(record.id())), ("type", json!("event")), ("audit", audit)];
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
