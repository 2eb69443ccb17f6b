//! Formats of audit entries, and what becomes of entries that are too large.

use serde_json::Value;
use sha2::{Digest, Sha256};
use sym_integrations::audit_format::AuditFormat;
use sym_sdk::audit::AuditLine;

use crate::log_destinations::{anchor, lines, lines_with_target_setting};

fn parsed(text: &str) -> Value {
    assert!(!text.contains('\n'), "an entry is one line");
    serde_json::from_str(text).unwrap()
}

fn sha256(line: &AuditLine) -> String {
    Sha256::digest(line.as_str().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn entries_within_the_limit_are_whole() {
    for line in lines().await {
        assert_eq!(AuditFormat::Sym.render(&line), line.as_str());
        assert_eq!(AuditFormat::Sym.render_within(&line, line.as_str().len()), line.as_str());
        let ocsf = parsed(&AuditFormat::Ocsf.render(&line));
        assert_eq!(ocsf["metadata"]["uid"], line.id().to_string());
        assert_eq!(ocsf["metadata"]["sequence"], line.seq());
        assert_eq!(ocsf["unmapped"]["audit"]["hash"], line.record().hash.to_string());
    }
}

#[tokio::test]
async fn anchors_have_a_form_of_their_own() {
    let anchor = anchor(&lines().await);
    let sym = AuditFormat::Sym.render_anchor(&anchor);
    assert_eq!((sym.as_str(), &parsed(&sym)["type"]), (anchor.to_line().as_str(), &"anchor".into()));
    let ocsf = parsed(&AuditFormat::Ocsf.render_anchor(&anchor));
    assert_eq!((&ocsf["class_uid"], &ocsf["category_uid"], &ocsf["type_uid"]), (&0.into(), &0.into(), &99.into()));
    assert_eq!((&ocsf["metadata"]["event_code"], &ocsf["unmapped"]), (&"anchor".into(), &parsed(&sym)));
    assert_eq!(ocsf["metadata"]["uid"], anchor.id().to_string());
    assert!(ocsf.to_string().len() <= 2_048);
}

#[tokio::test]
async fn larger_entries_say_which_they_are_and_that_they_are_reduced() {
    let setting = "é".repeat(100_000);
    let mut reduced_lines = 0;
    for line in lines_with_target_setting(&setting).await {
        for max in [4_000, 2_048] {
            let sym = AuditFormat::Sym.render_within(&line, max);
            let ocsf = AuditFormat::Ocsf.render_within(&line, max);
            assert!(sym.len() <= max && ocsf.len() <= 2_048.max(max), "{} {}", sym.len(), ocsf.len());
            if line.as_str().len() <= max {
                continue;
            }
            reduced_lines += 1;
            let (sym, ocsf) = (parsed(&sym), parsed(&ocsf));
            assert_eq!((&sym["id"], &sym["truncated"]), (&line.id().to_string().into(), &true.into()));
            assert_eq!(sym["sha256"], sha256(&line));
            assert_eq!(sym["audit"]["seq"], line.seq());
            assert_eq!(ocsf["metadata"]["is_truncated"], true);
            assert_eq!(ocsf["raw_data_hash"]["value"], sha256(&line));
            assert_eq!(ocsf["metadata"]["uid"], line.id().to_string());
        }
    }
    assert!(reduced_lines > 4);
}
