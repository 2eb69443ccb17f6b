//! Documents made of texts.

use proptest::prelude::*;
use serde_json::{Value, json};
use sym_integrations::jira::Document;

fn nodes(document: &Document) -> Value {
    serde_json::to_value(document).unwrap()["content"].clone()
}

/// The text nodes of a document.
fn texts(document: &Document) -> Vec<String> {
    let content = nodes(document);
    let inline = content.as_array().unwrap().iter().flat_map(|block| block["content"].as_array().unwrap());
    inline.filter_map(|node| Some(node.get("text")?.as_str()?.to_owned())).collect()
}

#[test]
fn keeps_paragraphs_and_line_breaks() {
    let document = Document::text("\r\nOne\r\ntwo\r\n \r\n\r\nthree\rfour\u{2028}five\n").unwrap();
    let text = |text: &str| json!({ "type": "text", "text": text });
    let hard_break = || json!({ "type": "hardBreak" });
    assert_eq!(
        nodes(&document),
        json!([
            { "type": "paragraph", "content": [text("One"), hard_break(), text("two")] },
            { "type": "paragraph", "content": [text("three"), hard_break(), text("four"), hard_break(), text("five")] },
        ])
    );
}

/// JI05: texts are cut between what people see as characters, with a mark.
#[test]
fn cuts_long_texts() {
    for (unit, size) in [("a", 1), ("e\u{301}", 2), ("👩‍👩‍👧‍👦", 7), ("🇦🇹", 2)] {
        let unit_size = unit.chars().count();
        assert_eq!(unit_size, size, "{unit}");
        let text = &texts(&Document::text(&unit.repeat(40_000 / size)).unwrap())[0];
        let kept = text.strip_suffix("… [cut]").unwrap();
        assert!(text.chars().count() <= 30_000 && text.chars().count() > 29_980);
        assert_eq!(kept, unit.repeat(kept.chars().count() / size));
    }
    assert_eq!(texts(&Document::text(&"a".repeat(30_000)).unwrap())[0].len(), 30_000);
}

proptest! {
    /// JI06: whatever a text contains, the document has no node that Jira refuses.
    #[test]
    fn documents_are_valid(text in "(\\PC|[\\x00-\\x1f\u{7f}-\u{9f}\u{2028}\u{2029}]|\r\n|  |\n\n|👩‍👩‍👧){0,60}") {
        let Ok(document) = Document::text(&text) else {
            // Blanks and control characters are nothing to see.
            prop_assert!(text.chars().all(|c| c.is_control() || c.is_whitespace()), "{text:?}");
            return Ok(());
        };
        let content = nodes(&document);
        prop_assert!(!content.as_array().unwrap().is_empty());
        for block in content.as_array().unwrap() {
            let inline = block["content"].as_array().unwrap();
            prop_assert!(!inline.is_empty());
            prop_assert!(inline[0]["type"] == "text" && inline[inline.len() - 1]["type"] == "text");
        }
        for text in texts(&document) {
            prop_assert!(!text.trim().is_empty());
            let breaks = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
            prop_assert!(!text.contains(breaks) && !text.chars().any(|c| c.is_control() && c != '\t'), "{text:?}");
        }
        // Nothing visible is lost.
        let visible = |text: &str| text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(visible(&texts(&document).concat()), visible(&text));
    }
}
