//! Verification of lines as a whole: no part of a line can be changed unseen.

use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::Value;
use sym_sdk::audit::{self, ChainError, ChainErrorKind, Verified, Verifier, VerifyError};
use sym_sdk::config::PromptField;
use sym_sdk::testing::Harness;

use super::plain;

/// Returns the lines of a request with fields, up to the end of its access.
fn log() -> &'static str {
    static LOG: OnceLock<String> = OnceLock::new();
    LOG.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let declare = |config: &mut sym_sdk::config::Config| {
                let (name, field_type) = ("reason".into(), "string".into());
                config.flows[0].params.prompt_fields.push(PromptField { name, field_type, ..Default::default() });
            };
            let builder = Harness::builder().access_flow("prod", ["admins"]).declare(declare);
            let mut harness = builder.handlers(plain()).build().await.unwrap();
            let request = harness.request("prod").duration("1h").field("reason", "\"é\\\n\u{1F600}\u{7f} 1e5");
            let run = request.await.unwrap();
            harness.approve_as(run, "ana@example.com").await.unwrap_err();
            harness.approve_as(run, "ben@example.com").await.unwrap();
            harness.advance(std::time::Duration::from_secs(7_200)).await.unwrap();
            let lines = audit::lines(&**harness.runtime().engine(), 0, usize::MAX).await.unwrap();
            lines.iter().map(|line| format!("{}\n", line.as_str())).collect()
        })
    })
}

fn verified(text: &[u8]) -> Result<Verified, ChainError> {
    audit::verify_lines(text).map_err(|error| match error {
        VerifyError::Chain(broken) => broken,
        other => panic!("{other}"),
    })
}

/// Returns the log with a change of the first line that has this text.
fn with(change: impl FnOnce(&str) -> String, marker: &str) -> String {
    let line = log().lines().find(|line| line.contains(marker)).unwrap();
    let changed = change(line);
    assert_ne!(changed, line);
    log().replacen(line, &changed, 1)
}

#[test]
fn verifies_what_was_written() {
    let verified = verified(log().as_bytes()).unwrap();
    assert_eq!((verified.records, verified.legacy), (log().lines().count() as u64, 0));
    assert_eq!((verified.is_authenticated, verified.anchored), (false, None));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_048, ..ProptestConfig::default() })]

    /// Safety finding 8.
    #[test]
    fn finds_any_change_of_one_byte(index in any::<prop::sample::Index>(), flip in 1..=u8::MAX) {
        let mut text = log().as_bytes().to_vec();
        let index = index.index(text.len());
        text[index] ^= flip;
        prop_assert!(verified(&text).is_err(), "byte {index} was changed to {:?}", char::from(text[index]));
    }

    #[test]
    fn finds_any_inserted_or_removed_byte(index in any::<prop::sample::Index>(), byte in any::<u8>(), removes in any::<bool>()) {
        let mut text = log().as_bytes().to_vec();
        let index = index.index(text.len());
        if removes {
            // Only the last line may lack its line break.
            prop_assume!(index + 1 < text.len());
            text.remove(index);
        } else {
            // Empty lines are allowed between lines.
            prop_assume!(byte != b'\n' || (text[index] != b'\n' && index > 0 && text[index - 1] != b'\n'));
            text.insert(index, byte);
        }
        prop_assert!(verified(&text).is_err(), "at byte {index}");
    }

    #[test]
    fn reads_any_text_without_a_panic(text in any::<Vec<u8>>()) {
        let _ = audit::verify_lines(text.as_slice());
        let _ = Verifier::new().read_anchors("anchors", text.as_slice());
    }
}

/// Safety finding 8: these are what a SIEM reads.
#[test]
fn finds_changes_of_members_outside_the_entry() {
    let changes: [(&str, &str, &str); 7] = [
        (r#"ben@example.com"}"#, r#""username":"ben@example.com"}"#, r#""username":"bob@example.com"}"#),
        ("reason", r#""reason":"\"é"#, r#""reason":"\"e"#),
        (r#""status":"error"}"#, r#""errors":["#, r#""errors":[{"code":"x","message":"y"},"#),
        (r#""type":"escalate""#, r#""channel":"internal""#, r#""channel":"slack""#),
        ("schema_version", r#""schema_version":6"#, r#""schema_version":7"#),
        ("event", r#"{"id":""#, r#"{"note":"added","id":""#),
        ("event", r#""type":"event","#, ""),
    ];
    for (marker, before, after) in changes {
        let text = with(|line| line.replacen(before, after, 1), marker);
        let broken = verified(text.as_bytes());
        // Reformatting is no excuse for another content.
        let mut reformatted = Verifier::new().allow_reformatted();
        assert!(reformatted.read("", text.as_bytes()).is_err(), "{before}");
        match broken.unwrap_err().kind {
            ChainErrorKind::LineChanged { .. } => {}
            other => panic!("{before}: {other:?}"),
        }
    }
    let other_id = with(|line| line.replacen(r#"{"id":""#, r#"{"id":"0"#, 1), "event");
    assert!(matches!(verified(other_id.as_bytes()).unwrap_err().kind, ChainErrorKind::LineChanged { .. }));
}

/// Safety finding 8. Parsers disagree on which one of them counts.
#[test]
fn refuses_duplicate_members_at_any_depth() {
    for (before, after) in [
        (r#""actor":{"#, r#""actor":{"name":"Eve"},"actor":{"#),
        (r#""actor":{"#, r#""actor":{"name":"Eve","#),
        (r#""audit":{"#, r#""audit":{"seq":1,"#),
        (r#""schema_version":6"#, r#""schema_version":6,"schema_version":6"#),
    ] {
        let text = with(|line| line.replacen(before, after, 1), "event");
        let mut verifier = Verifier::new().allow_reformatted();
        let error = verifier.read("a.jsonl", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("(a.jsonl:1) cannot be read: member `") && error.contains("` occurs twice"), "{error}");
    }
}

/// Each line is self-contained, as Sym's are.
#[test]
fn every_line_has_the_fields_and_actors_of_its_event() {
    for line in log().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["fields"]["reason"], "\"é\\\n\u{1F600}\u{7f} 1e5");
        assert_eq!(line["run"]["actors"]["request"]["username"], "ana@example.com");
        let entry = &line["audit"]["entry"];
        assert_eq!(entry["event"]["id"], line["event"]["id"]);
        assert!(entry["event"].get("fields").is_none(), "they are in the line already");
    }
}
