//! Texts of others in Slack messages: escaped, and cut to Slack's limits.

use sym_integrations::slack::blocks::{Message, Mrkdwn, RichText, Section, Spans};

use crate::target::{fuzz, with_text};

/// The maximum length of the text of a section, in UTF-16 code units.
const SECTION_TEXT: usize = 3_000;

#[test]
fn texts_of_others_are_cut_to_the_limit_and_mention_nobody() {
    fuzz("mrkdwn", |input| {
        with_text(input, |text| {
            let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
            let markup = Mrkdwn::new().text(first).bold(rest).text("\n").quote(text).text("\n").code(text);
            let message = Message::new(first, [Section::new(markup)]).unwrap();
            let json = serde_json::to_value(&message).unwrap();
            let shown = json["blocks"][0]["text"]["text"].as_str().unwrap();
            assert!(shown.encode_utf16().count() <= SECTION_TEXT, "{} code units", shown.encode_utf16().count());
            assert!(!shown.contains('<') && !shown.trim().is_empty(), "{shown}");
        });
    });
}

#[test]
fn rich_text_is_cut_to_the_limit_and_hides_nothing() {
    fuzz("mrkdwn", |input| {
        with_text(input, |text| {
            let block = RichText::section(Spans::new().bold("Ticket")).then_quote(Spans::new().text(text));
            let json = serde_json::to_value(&block).unwrap();
            let quoted = json["elements"][1]["elements"].as_array().unwrap();
            let shown: String = quoted.iter().map(|part| part["text"].as_str().unwrap()).collect();
            assert!(shown.encode_utf16().count() <= SECTION_TEXT, "{} code units", shown.encode_utf16().count());
            assert!(!shown.trim().is_empty(), "{shown}");
            let is_hidden = |c: char| {
                (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}')
            };
            assert!(!shown.chars().any(is_hidden), "{shown:?}");
        });
    });
}
