//! Events as they are stored: apart from the entries that refer to them, and large fields apart from their events.

use std::sync::Arc;

use sym_sdk::BoxFuture;
use sym_sdk::audit::{
    self, AuditEntry, AuditHead, AuditKind, AuditLog, AuditRecord, ChainError, ChainErrorKind, EventStatus,
    StoredEvent, StoredText, VerifyError,
};
use sym_sdk::error::{ErrorKind, Result, codes};
use sym_sdk::machine::{EffectError, UserAction};
use sym_sdk::model::RunId;

use super::{records, requested};

/// A log in memory, with records as somebody has left them.
struct Log(Vec<AuditRecord>);

impl AuditLog for Log {
    fn records_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>>> {
        let records = self.0.iter().filter(|record| record.seq > seq).take(limit).cloned().collect();
        Box::pin(std::future::ready(Ok(records)))
    }

    fn run_records_before(&self, _: RunId, _: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn head(&self) -> BoxFuture<'_, Result<AuditHead>> {
        let head = self.0.last().map_or(AuditHead::START, AuditRecord::head);
        Box::pin(std::future::ready(Ok(head)))
    }
}

/// Returns the entry of a request whose field has this text.
fn entry(reason: &str) -> AuditEntry {
    let mut entry = requested(1).audit.remove(0);
    let mut event = (*entry.event).clone();
    let mut fields = (*event.fields).clone();
    fields.insert("reason", reason);
    event.fields = Arc::new(fields);
    entry.event = Arc::new(event);
    entry
}

fn record(entry: &AuditEntry) -> AuditRecord {
    AuditRecord::after(&AuditHead::START, entry.to_stored().unwrap())
}

async fn broken(record: AuditRecord) -> ChainError {
    match audit::verify(&Log(vec![record])).await {
        Err(VerifyError::Chain(broken)) => broken,
        other => panic!("{other:?}"),
    }
}

/// The fields are named by their hash only.
#[tokio::test]
async fn detects_changed_and_missing_fields_of_a_large_request() {
    let long = "x".repeat(1_000);
    let record = record(&entry(&long));
    audit::verify(&Log(vec![record.clone()])).await.unwrap();
    let stored = record.event().unwrap().clone();
    let fields = stored.fields.clone().expect("the fields are stored apart");
    let with = |fields| record.clone().with_event(Some(StoredEvent::new(stored.event.clone(), fields)));
    assert_eq!(broken(with(None)).await.kind, ChainErrorKind::EventMissing);
    // Another text under the hash that is named, and a consistent text that is not the one named.
    let changed = fields.text.replace(&long, "harmless");
    let under_its_hash = StoredText::new(fields.hash, changed);
    assert_eq!(broken(with(Some(under_its_hash))).await.kind, ChainErrorKind::EventChanged);
    let other = self::record(&entry(&"y".repeat(1_000))).event().unwrap().fields.clone();
    assert_eq!(broken(with(other)).await.kind, ChainErrorKind::EventChanged);
}

#[test]
fn only_large_fields_are_stored_apart() {
    let fields = |reason: usize| record(&entry(&"x".repeat(reason))).event().unwrap().fields.clone();
    let overhead = fields(1_000).unwrap().text.len() - 1_000;
    assert!(fields(256 - overhead).is_none());
    assert_eq!(fields(257 - overhead).unwrap().text.len(), 257);
    assert!(fields(1).is_none());
}

/// They share the event in memory; what is stored names the actors of each.
#[test]
fn entries_of_one_event_with_other_actors_are_stored_with_theirs() {
    let first = entry("short");
    let mut second = first.clone();
    second.actors = Arc::default();
    assert!(Arc::ptr_eq(&first.event, &second.event) && first.actors != second.actors);
    let entries = [first.clone(), second, first];
    let stored = AuditEntry::all_to_stored(&entries).unwrap();
    let mut head = AuditHead::START;
    for (entry, stored) in entries.iter().zip(stored) {
        assert_eq!(stored, entry.to_stored().unwrap());
        let record = AuditRecord::after(&head, stored);
        assert_eq!(record.entry().unwrap(), *entry);
        head = record.head();
    }
}

#[tokio::test]
async fn entries_round_trip_as_json() {
    let mut entry = records(1).await.remove(0).entry().unwrap();
    assert!(!entry.actors.is_empty());
    let kind = |restored_prior| AuditKind::Revoked {
        target: "admins".into(),
        identity: "u1".into(),
        still_needed_by: 0,
        confirmed: true,
        restored_prior,
    };
    for restored_prior in [true, false] {
        entry.kind = kind(restored_prior);
        let json = serde_json::to_value(&entry).unwrap();
        assert_eq!(json["kind"]["revoked"].get("restored_prior").is_some(), restored_prior, "only what applies");
        assert_eq!(serde_json::from_value::<AuditEntry>(json).unwrap(), entry);
    }
    entry.actors = Arc::default();
    let json = serde_json::to_value(&entry).unwrap();
    assert!(json.get("actors").is_none());
    assert_eq!(serde_json::from_value::<AuditEntry>(json).unwrap(), entry);
}

#[test]
fn an_action_on_a_user_succeeds_unless_it_was_refused() {
    let error = EffectError::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, "no");
    for (refusal, status) in [(None, EventStatus::Success), (Some(error), EventStatus::Error)] {
        let kind = AuditKind::UserAction {
            action: UserAction::Lock,
            user: sym_sdk::model::UserId::from_email("eve@example.com"),
            username: "eve@example.com".into(),
            refusal,
        };
        assert_eq!(kind.event_status(), Some(status));
    }
}
