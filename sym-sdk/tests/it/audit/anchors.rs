//! Anchors: a log that was rewritten, its head included, is found by those who know what it once ended with.

use jiff::Timestamp;
use secrecy::SecretString;
use sym_sdk::audit::{
    self, AuditAnchor, AuditHead, AuditKey, AuditRecord, ChainError, ChainErrorKind, Verified, Verifier, VerifyError,
};
use sym_sdk::engine::{MemoryStore, Store};

use super::verify::chained;
use super::{fill, records};

fn key(seed: &str) -> AuditKey {
    AuditKey::new(&SecretString::from(seed.repeat(32))).unwrap()
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_709_208_000 + 60 * minute).unwrap()
}

/// Returns the records of a log with another text from the given one on, and with matching hashes.
fn rewritten(records: &[AuditRecord], from: usize) -> Vec<AuditRecord> {
    let mut records = records.to_vec();
    let mut head = records[..from].last().map_or(AuditHead::START, AuditRecord::head);
    for record in &mut records[from..] {
        *record = chained(&head, &record.text().replace("acme", "evil"));
        head = record.head();
    }
    records
}

fn check(mut verifier: Verifier, records: &[AuditRecord], anchors: &[AuditAnchor]) -> Result<Verified, ChainError> {
    for anchor in anchors {
        verifier.expect_anchor(anchor)?;
    }
    for record in records {
        verifier.check(record)?;
    }
    verifier.finish()
}

/// Safety finding 8.
#[tokio::test]
async fn an_anchor_finds_a_rewritten_log() {
    let records = records(9).await;
    let anchors = [3, 7].map(|seq| AuditAnchor::new(records[seq - 1].head(), at(seq as i64), Some(&key("a"))));
    let verifier = || Verifier::new().with_key(key("a"));
    let verified = check(verifier(), &records, &anchors).unwrap();
    assert_eq!((verified.anchors, verified.anchored), (2, Some(records[6].head())));
    assert!(verified.is_authenticated);

    let forged = rewritten(&records, 4);
    assert!(check(Verifier::new(), &forged, &[]).is_ok(), "the chain alone cannot tell");
    let broken = check(verifier(), &forged, &anchors).unwrap_err();
    assert_eq!(broken.seq, Some(7));
    let text = broken.to_string();
    assert!(text.starts_with("audit entry 7 was rewritten since 2024-02-29T12:07:00Z: its hash is "), "{text}");

    // Even the whole log, or only what comes after the anchor's predecessor.
    assert!(check(verifier(), &rewritten(&records, 0), &anchors).is_err());
    assert!(check(verifier(), &rewritten(&records, 6), &anchors).is_err());
}

/// Safety finding 8.
#[tokio::test]
async fn an_anchored_entry_that_is_gone_is_reported_as_such() {
    let records = records(9).await;
    let anchor = [AuditAnchor::new(records[7].head(), at(0), Some(&key("a")))];
    let verifier = || Verifier::new().with_key(key("a"));
    for rest in [&records[..7], &[]] {
        let broken = check(verifier(), rest, &anchor).unwrap_err();
        let expected = "audit entry 8 was the end of the log at 2024-02-29T12:00:00Z, as an anchor says, and is not there any more";
        assert_eq!(broken.to_string(), expected);
        let error = sym_sdk::Error::from(VerifyError::from(broken));
        assert!(error.hint().unwrap().starts_with("somebody with access to the log has rewritten it"));
    }
    // A log that starts after it, whose first record names it.
    assert!(check(verifier().allow_partial(), &records[8..], &anchor).is_ok());
    let other = rewritten(&records, 6);
    let broken = check(verifier().allow_partial(), &other[8..], &anchor).unwrap_err();
    assert!(matches!(broken.kind, ChainErrorKind::AnchoredDiffers { .. }), "{broken}");
}

#[tokio::test]
async fn only_anchors_of_a_known_key_count() {
    let records = records(9).await;
    let head = records[4].head();
    let verifier = || Verifier::new().with_key(key("a")).with_key(key("b"));
    for (anchor, is_signed) in
        [(AuditAnchor::new(head, at(0), Some(&key("x"))), true), (AuditAnchor::new(head, at(0), None), false)]
    {
        let broken = check(verifier(), &records, std::slice::from_ref(&anchor)).unwrap_err();
        assert_eq!(broken.kind, ChainErrorKind::AnchorForged { at: at(0), is_signed });
        let verified = check(Verifier::new(), &records, &[anchor]).unwrap();
        assert_eq!((verified.anchors, verified.is_authenticated), (1, false), "without a key, it proves little");
    }
    for known in ["a", "b"] {
        assert!(
            check(verifier(), &records, &[AuditAnchor::new(head, at(0), Some(&key(known)))]).unwrap().is_authenticated
        );
    }
    // The MAC covers all of it.
    let line = AuditAnchor::new(head, at(0), Some(&key("a"))).to_line();
    for (before, after) in [("12:00:00Z", "12:00:01Z"), (r#""seq":5"#, r#""seq":6"#)] {
        let other = AuditAnchor::parse(line.replace(before, after).as_bytes()).unwrap();
        assert!(!other.is_authentic(&[key("a")]));
    }
}

#[test]
fn anchors_round_trip_as_lines_and_in_no_other_form() {
    let head = records_head();
    for key in [None, Some(key("a"))] {
        let anchor = AuditAnchor::new(head, at(1), key.as_ref());
        let line = anchor.to_line();
        assert_eq!(AuditAnchor::parse(line.as_bytes()).unwrap(), anchor);
        for index in 0..line.len() {
            let mut changed = line.clone().into_bytes();
            changed[index] ^= 1;
            assert_ne!(AuditAnchor::parse(&changed).ok().as_ref(), Some(&anchor), "byte {index}");
        }
        for other in [
            format!(" {line}"),
            line.replace(r#""seq""#, r#""seq":1,"seq""#),
            line.replace("12:01:00Z", "12:01:00+00:00"),
        ] {
            assert!(AuditAnchor::parse(other.as_bytes()).is_err(), "{other}");
        }
    }
}

fn records_head() -> AuditHead {
    AuditHead::new(7, AuditHead::START.followed_by("x").hash)
}

#[test]
fn keys_are_long_and_not_shown() {
    let error = AuditKey::new(&SecretString::from("x".repeat(31))).unwrap_err();
    assert_eq!(error.message(), "the key of the audit log has 31 bytes, expected at least 32");
    assert_eq!(format!("{:?}", key("hunter2")), "AuditKey(..)");
}

/// A key alone proves nothing about a log without anchors.
#[tokio::test]
async fn a_log_without_anchors_is_not_authenticated() {
    let verified = check(Verifier::new().with_key(key("a")), &records(3).await, &[]).unwrap();
    assert_eq!((verified.anchors, verified.is_authenticated), (0, false));
}

#[tokio::test]
async fn a_log_without_its_oldest_entries_cannot_lose_its_last_ones() {
    let records = records(9).await;
    let anchor = |seq: usize| [AuditAnchor::new(records[seq - 1].head(), at(0), Some(&key("a")))];
    let verifier = || Verifier::new().with_key(key("a")).allow_partial();
    // Entries 3 to 6: the first one was removed with its file.
    assert!(check(verifier(), &records[2..6], &anchor(1)).is_ok());
    let broken = check(verifier(), &records[2..6], &anchor(8)).unwrap_err();
    assert_eq!((broken.seq, broken.kind), (Some(8), ChainErrorKind::AnchoredMissing { at: at(0) }));
    let broken = check(verifier(), &[], &anchor(8)).unwrap_err();
    assert_eq!(broken.seq, Some(8));
}

/// Returns the records of a log and the lines of a destination.
async fn delivered() -> (Vec<AuditRecord>, Vec<String>) {
    let store = MemoryStore::new();
    fill(&store, 9).await;
    let lines = audit::lines(&store, 0, usize::MAX).await.unwrap();
    let records = store.audit_after(0, usize::MAX).await.unwrap();
    (records, lines.iter().map(|line| line.as_str().to_owned()).collect())
}

fn read(mut verifier: Verifier, lines: &[String]) -> Result<Verified, ChainError> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let read = verifier.read("log", text.as_bytes()).and_then(|()| Ok(verifier.finish()?));
    read.map_err(|error| match error {
        VerifyError::Chain(broken) => broken,
        other => panic!("{other}"),
    })
}

#[tokio::test]
async fn verifies_anchors_between_lines() {
    let (records, lines) = delivered().await;
    let anchor = |head| AuditAnchor::new(head, at(0), Some(&key("a")));
    let line = |seq: usize| anchor(records[seq - 1].head()).to_line();
    let verifier = || Verifier::new().with_key(key("a"));
    let with = |at: usize, anchor: String| {
        let mut lines = lines.clone();
        lines.insert(at, anchor);
        lines
    };
    let verified = read(verifier(), &with(5, line(5))).unwrap();
    assert_eq!((verified.anchors, verified.anchored), (1, Some(records[4].head())));
    // One that was delivered again does not count as the last one.
    let mut repeated = with(5, line(5));
    repeated.push(line(9));
    repeated.push(line(3));
    let verified = read(verifier(), &repeated).unwrap();
    assert_eq!((verified.anchors, verified.anchored), (3, Some(records[8].head())));
    // It names another record than the one that is there.
    let other = AuditHead::new(5, AuditHead::START.followed_by("x").hash);
    let broken = read(verifier(), &with(5, anchor(other).to_line())).unwrap_err();
    assert_eq!((broken.seq, matches!(broken.kind, ChainErrorKind::AnchoredDiffers { .. })), (Some(5), true));
    // It names a record that is not there.
    let beyond = AuditHead::new(records.len() as u64 + 3, other.hash);
    let broken = read(verifier(), &with(9, anchor(beyond).to_line())).unwrap_err();
    assert_eq!((broken.seq, broken.kind), (Some(beyond.seq), ChainErrorKind::AnchoredMissing { at: at(0) }));
}

#[tokio::test]
async fn verifies_anchors_in_what_is_left_of_a_log() {
    let (records, lines) = delivered().await;
    let line = |seq: usize| AuditAnchor::new(records[seq - 1].head(), at(0), Some(&key("a"))).to_line();
    let partial = || Verifier::new().with_key(key("a")).allow_partial();
    let mut rest = lines[4..].to_vec();
    // It was delivered again, after the files with its record were removed.
    rest.push(line(2));
    let verified = read(partial(), &rest).unwrap();
    assert_eq!((verified.anchors, verified.anchored), (0, None));
    // The last records are missing.
    let mut rest = lines[4..6].to_vec();
    rest.push(line(8));
    assert_eq!(read(partial(), &rest).unwrap_err().seq, Some(8));
    // An entry of another environment is missing.
    let mut rest = [&lines[..3], &lines[4..]].concat();
    rest.push(line(4));
    let verified = read(Verifier::new().with_key(key("a")).allow_gaps(), &rest).unwrap();
    assert_eq!(verified.anchors, 0);
}

#[tokio::test]
async fn an_anchor_that_a_log_service_has_formatted_is_accepted_only_on_request() {
    let (records, mut lines) = delivered().await;
    let line = AuditAnchor::new(records[8].head(), at(0), Some(&key("a"))).to_line();
    lines.push(line.replacen(':', ": ", 1));
    let verifier = || Verifier::new().with_key(key("a"));
    assert_eq!(read(verifier(), &lines).unwrap_err().kind, ChainErrorKind::Reformatted);
    assert_eq!(read(verifier().allow_reformatted(), &lines).unwrap().anchors, 1);
}
