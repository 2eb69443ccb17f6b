//! Lines of the audit log, which whoever can write to a destination may have changed, and anchors.

use std::collections::BTreeSet;

use sym_sdk::audit::{AuditAnchor, AuditKey, Verifier, verify_lines};

use crate::target::fuzz;

/// A log that ends with an anchor.
const LOG: &[u8] = include_bytes!("../../corpus/audit_lines/log.jsonl");

/// The key of its anchors.
const KEY: &str = "0123456789abcdef0123456789abcdef";

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
}

fn records(text: &[u8]) -> BTreeSet<&[u8]> {
    lines(text).filter(|line| AuditAnchor::parse(line).is_err()).collect()
}

/// Whatever is done to the lines of an anchored log: if they still verify, they are the lines that were written.
#[test]
fn what_verifies_against_an_anchor_is_what_was_written() {
    let key = AuditKey::new(&KEY.to_owned().into()).unwrap();
    let last = lines(LOG).last().unwrap();
    let anchor = AuditAnchor::parse(last).unwrap();
    let written = records(LOG);
    // Otherwise, nothing would be looked at.
    let mut verifier = Verifier::new().with_key(key.clone());
    verifier.expect_anchor(&anchor).unwrap();
    verifier.read("", LOG).unwrap();
    assert!(verifier.finish().unwrap().is_authenticated);
    verify_lines(LOG).unwrap();
    fuzz("audit_lines", |input| {
        for line in lines(input) {
            if let Ok(anchor) = AuditAnchor::parse(line) {
                assert_eq!(anchor.to_line().as_bytes(), line, "an anchor has one form");
            }
        }
        let strict = verify_lines(input);
        let reformatted = {
            let mut verifier = Verifier::new().allow_reformatted();
            verifier.read("", input).and_then(|()| Ok(verifier.finish()?))
        };
        if let Ok(verified) = strict {
            assert_eq!(reformatted.unwrap().head, verified.head, "what verifies strictly verifies leniently");
            // A destination may receive everything twice.
            let mut twice = Verifier::new();
            twice.read("first", input).unwrap();
            twice.read("second", input).unwrap();
            assert_eq!(twice.finish().unwrap().head, verified.head);
        }
        let mut verifier = Verifier::new().with_key(key.clone());
        verifier.expect_anchor(&anchor).unwrap();
        let anchored = verifier.read("", input).and_then(|()| Ok(verifier.finish()?));
        if let Ok(verified) = anchored {
            assert!(verified.is_authenticated);
            let read = records(input);
            // Entries after the anchor are not protected by it.
            assert!(read.is_superset(&written), "lines are missing or changed");
            assert_eq!(read.difference(&written).count() as u64, verified.records - written.len() as u64);
        }
    });
}
