//! Verification of records in memory, one at a time.

use sha2::{Digest, Sha256};
use sym_sdk::audit::{self, AuditHash, AuditHead, AuditRecord, ChainError, ChainErrorKind, Verified, Verifier};
use sym_sdk::engine::{MemoryStore, Store};

use super::{fill, records};

fn check(verifier: Verifier, records: &[AuditRecord]) -> Result<Verified, ChainError> {
    let mut verifier = verifier;
    for record in records {
        verifier.check(record)?;
    }
    verifier.finish()
}

/// Returns the first error of a whole log.
fn broken(records: &[AuditRecord]) -> (Option<u64>, ChainErrorKind) {
    let broken = check(Verifier::new(), records).unwrap_err();
    (broken.seq, broken.kind)
}

/// A record with a changed text and its old hash.
fn changed(record: &AuditRecord) -> AuditRecord {
    let text = record.text().replace("acme", "evil");
    assert_ne!(text, record.text());
    AuditRecord::new(record.seq, record.prev, record.hash, text)
}

/// A record with a changed text and a matching hash.
fn forged(record: &AuditRecord) -> AuditRecord {
    let text = changed(record).text().to_owned();
    chained(&AuditHead::new(record.seq - 1, record.prev), &text)
}

/// The record with this text that follows a head.
pub(super) fn chained(head: &AuditHead, text: &str) -> AuditRecord {
    let next = head.followed_by(text);
    AuditRecord::new(next.seq, head.hash, next.hash, text)
}

#[tokio::test]
async fn verifies_an_untouched_log() {
    let store = MemoryStore::new();
    fill(&store, 20).await;
    let head = store.audit_head().await.unwrap();
    assert!(head.seq >= 20);
    let verified = audit::verify(&store).await.unwrap();
    assert_eq!((verified.records, verified.duplicates, verified.first, verified.head), (head.seq, 0, Some(1), head));
    assert_eq!(
        verified.to_string(),
        format!("audit entries 1 to {} verified; the hash of the last one is {}", head.seq, head.hash)
    );
}

#[tokio::test]
async fn hashes_the_canonical_json() {
    let record = records(1).await.remove(0);
    let entry: serde_json::Value = serde_json::from_str(record.text()).unwrap();
    let json = serde_json::json!({ "seq": 1, "prev": "0".repeat(64), "entry": entry });
    let text = format!(r#"{{"entry":{},"prev":"{}","seq":1}}"#, record.text(), AuditHash::START);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json);
    assert_eq!(record.hash, AuditHash::from_bytes(Sha256::digest(text).into()));
}

#[tokio::test]
async fn detects_a_changed_entry() {
    let mut records = records(9).await;
    records[4] = changed(&records[4]);
    let (seq, problem) = broken(&records);
    assert_eq!(seq, Some(5));
    assert!(matches!(problem, ChainErrorKind::Changed { found, .. } if found == records[4].hash), "{problem:?}");
}

#[tokio::test]
async fn detects_an_entry_that_cannot_be_parsed() {
    let mut records = records(9).await;
    records[4] = AuditRecord::new(5, records[4].prev, records[4].hash, "gone");
    assert!(records[4].entry().is_err());
    assert!(matches!(broken(&records), (Some(5), ChainErrorKind::Changed { .. })));
}

#[tokio::test]
async fn detects_a_removed_entry() {
    let mut records = records(9).await;
    records.remove(4);
    assert_eq!(broken(&records), (Some(6), ChainErrorKind::Missing { expected: 5 }));
    records.remove(0);
    assert_eq!(broken(&records), (Some(2), ChainErrorKind::Missing { expected: 1 }), "also the first");
}

/// Closing the gap changes numbers, and with them hashes.
#[tokio::test]
async fn detects_a_removed_entry_after_renumbering() {
    let mut records = records(9).await;
    let removed = records.remove(4);
    let next = &records[4];
    records[4] = AuditRecord::new(removed.seq, next.prev, next.hash, next.text());
    assert!(matches!(broken(&records), (Some(5), ChainErrorKind::Unlinked { .. })));
}

#[tokio::test]
async fn detects_swapped_entries() {
    let mut records = records(9).await;
    records.swap(4, 5);
    assert_eq!(broken(&records), (Some(6), ChainErrorKind::Missing { expected: 5 }));

    // Only the texts are swapped.
    let mut records = super::records(9).await;
    let (five, six) = (records[4].text().to_owned(), records[5].text().to_owned());
    records[4] = AuditRecord::new(5, records[4].prev, records[4].hash, six);
    records[5] = AuditRecord::new(6, records[5].prev, records[5].hash, five);
    assert!(matches!(broken(&records), (Some(5), ChainErrorKind::Changed { .. })));
}

#[tokio::test]
async fn detects_a_forged_hash() {
    let mut records = records(9).await;
    let hash = AuditHash::from_bytes([7; 32]);
    records[4] = AuditRecord::new(5, records[4].prev, hash, records[4].text());
    assert!(matches!(broken(&records), (Some(5), ChainErrorKind::Changed { found, .. }) if found == hash));

    // A hash that matches the changed text does not match the next record.
    let mut records = super::records(9).await;
    records[4] = forged(&records[4]);
    let (seq, problem) = broken(&records);
    assert_eq!(seq, Some(6));
    let expected = ChainErrorKind::Unlinked { expected: records[4].hash, found: records[5].prev };
    assert_eq!(problem, expected);
}

/// A log that was forged up to its end is detected only with an earlier head.
#[tokio::test]
async fn detects_a_rewritten_log_by_its_expected_head() {
    let mut records = records(9).await;
    let known = records[6].head();
    let mut head = records[3].head();
    for record in &mut records[4..] {
        let text = changed(record).text().to_owned();
        *record = chained(&head, &text);
        head = record.head();
    }
    assert!(check(Verifier::new(), &records).is_ok());
    let broken = check(Verifier::new().expect_head(known), &records).unwrap_err();
    assert_eq!(broken.seq, Some(7));
    assert!(matches!(broken.kind, ChainErrorKind::HeadMismatch { expected, .. } if expected == known.hash));
}

#[tokio::test]
async fn detects_a_truncated_log() {
    let mut records = records(9).await;
    let known = records[8].head();
    records.truncate(7);
    assert!(check(Verifier::new(), &records).is_ok(), "only an expected head detects it");
    let broken = check(Verifier::new().expect_head(known), &records).unwrap_err();
    assert_eq!((broken.seq, &broken.kind), (Some(8), &ChainErrorKind::TailMissing { last: 9 }));
    assert_eq!(broken.to_string(), "audit entry 8 is missing, and so are all entries up to 9");
    assert_eq!(check(Verifier::new().expect_head(known), &[]).unwrap_err().seq, Some(1));
}

/// A rewritten log could pass for the rest of the log with the expected head.
#[tokio::test]
async fn records_after_the_expected_head_must_follow_it() {
    let records = records(9).await;
    let parts = || Verifier::new().allow_partial();
    assert!(check(parts().expect_head(records[2].head()), &records[3..]).is_ok());
    let other = AuditHead::new(3, AuditHash::from_bytes([7; 32]));
    let broken = check(parts().expect_head(other), &records[3..]).unwrap_err();
    assert!(matches!(broken.kind, ChainErrorKind::Unlinked { expected, .. } if expected == other.hash), "{broken}");
    let broken = check(parts().expect_head(records[2].head()), &records[4..]).unwrap_err();
    assert_eq!(broken.to_string(), "audit entry 3 is an expected head, and is missing");
    let without = [&records[..2], &records[4..]].concat();
    assert_eq!(
        check(parts().allow_gaps().expect_head(records[2].head()), &without).unwrap_err().kind,
        ChainErrorKind::HeadNotFound
    );
}

#[tokio::test]
async fn repeated_records_must_be_identical() {
    let records = records(9).await;
    let again = [&records[..6], &records[2..]].concat();
    let verified = check(Verifier::new(), &again).unwrap();
    assert_eq!((verified.records, verified.duplicates), (9, 4));

    let other = [&records[..6], &[forged(&records[2])]].concat();
    assert_eq!(broken(&other), (Some(3), ChainErrorKind::OutOfOrder { last: 6 }));
    let other = [&records[..6], &[changed(&records[2])]].concat();
    assert_eq!(broken(&other), (Some(3), ChainErrorKind::OutOfOrder { last: 6 }));
}

#[tokio::test]
async fn verifies_parts_of_a_log() {
    let records = records(9).await;
    let verified = check(Verifier::new().allow_partial(), &records[3..]).unwrap();
    assert_eq!((verified.records, verified.first), (6, Some(4)));
    assert_eq!(check(Verifier::new().allow_partial(), &[]).unwrap().first, None);

    let some = [records[1].clone(), records[2].clone(), records[7].clone()];
    assert!(check(Verifier::new().allow_partial(), &some).is_err());
    assert_eq!(check(Verifier::new().allow_gaps(), &some).unwrap().records, 3);
    let mut some = some;
    some[1] = changed(&some[1]);
    assert_eq!(check(Verifier::new().allow_gaps(), &some).unwrap_err().seq, Some(3));
}

#[test]
fn hashes_have_64_digits() {
    let hash: AuditHash = "00ff".repeat(16).parse().unwrap();
    assert_eq!(hash.to_string(), "00ff".repeat(16));
    for bad in ["", "00", &"0".repeat(63), &"0".repeat(65), &"zz".repeat(32), &"+1".repeat(32), &"ä".repeat(32)] {
        assert!(bad.parse::<AuditHash>().is_err(), "{bad}");
    }
}
