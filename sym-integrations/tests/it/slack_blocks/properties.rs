//! Properties: for any strings, whatever the builders accept is within all limits.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sym_integrations::slack::blocks::{
    ActionId, Actions, Block, BlockId, Button, ButtonValue, Confirm, Context, Divider, ExternalSelect, Header, Input,
    Message, Modal, Mrkdwn, MultiStaticSelect, OptionGroup, OptionObject, OptionValue, Options, PlainTextInput,
    PrivateMetadata, RichText, Section, Spans, StaticSelect, Suggestions, TimeStyle,
};
use sym_sdk::error::Result;
use url::Url;

use super::checker::{faults_of_message, faults_of_modal, faults_of_suggestions};
use super::{action, json};

/// Generates text of any length, beyond all limits, from parts that are hard to count and truncate.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z ]{0,12}",
        2 => select(vec!["&", "<", ">", "`", "*", "|", "\n", "\r", "\t", "\0", "<!channel>", "&amp;", "&am", "```"]).prop_map(String::from),
        2 => select(vec!["👨‍👩‍👧‍👦", "🇩🇪", "e\u{301}", "שלום", "\u{202e}", "\u{200b}", "\u{2028}", "𝔘", "\u{fe0f}"]).prop_map(String::from),
        1 => any::<String>(),
    ];
    (vec(piece, 0..6), select(vec![1usize, 1, 1, 3, 30, 400]))
        .prop_map(|(pieces, times)| pieces.concat().repeat(times).chars().take(6000).collect())
}

fn mrkdwn() -> impl Strategy<Value = Mrkdwn> {
    vec((text(), 0..7u8), 0..4).prop_map(|parts| {
        let url = Url::parse("https://example.com/?a=1&b=|").unwrap();
        parts.into_iter().fold(Mrkdwn::new(), |so_far, (text, how)| match how {
            0 => so_far.bold(text),
            1 => so_far.code(text),
            2 => so_far.text("\n").quote(text),
            3 => so_far.link(&url, text),
            4 => so_far.user(&sym_integrations::slack::user("U012AB3CD").unwrap()).text(text),
            5 => so_far.time(jiff::Timestamp::UNIX_EPOCH, TimeStyle::DateTime).text(text),
            _ => so_far.text(text),
        })
    })
}

/// Builds one block of each kind, or returns the error if a value is invalid.
fn block(texts: &[String], mrkdwn: Mrkdwn, kind: u8, at: usize) -> Result<Block> {
    let text = |n: usize| texts[n % texts.len()].as_str();
    let options = || Options::new([OptionObject::new(OptionValue::new(text(1))?, text(0)).description(text(2))]);
    let id = BlockId::new(format!("{at}"))?;
    Ok(match kind {
        0 => Header::new(text(0)).block_id(BlockId::new(text(1))?).into(),
        1 => Section::new(mrkdwn.clone()).fields([mrkdwn, Mrkdwn::from(text(0))])?.block_id(id).into(),
        2 => Section::from_fields(texts)?.into(),
        3 => Context::new(mrkdwn).into(),
        4 => {
            Input::new(text(0), StaticSelect::new(action("v"), options()?).placeholder(text(1)).initial_value(text(1))?)
                .hint(text(2))
                .into()
        }
        5 => {
            let groups = sym_integrations::slack::blocks::MenuOptions::groups([OptionGroup::new(text(0), options()?)])?;
            Input::new(text(2), MultiStaticSelect::new(action("v"), groups).initial_values([text(1)])?).into()
        }
        6 => Input::new(text(0), ExternalSelect::new(ActionId::new(text(1))?).placeholder(text(2))).into(),
        7 => Input::new(text(0), PlainTextInput::new(action("v")).initial_value(text(1))?.placeholder(text(2))).into(),
        8 => {
            let confirm = Confirm::new(text(0), text(1), text(2), text(3));
            let button = Button::new(action("go"), text(0)).value(ButtonValue::new(text(1))?).confirm(confirm);
            Actions::new([button])?.block_id(id).into()
        }
        9 => {
            let spans = |n: usize| Spans::new().text(text(n)).bold(text(n + 1)).code(text(n + 2)).italic(text(n));
            RichText::section(spans(0)).then_quote(spans(1)).then_section(spans(2)).block_id(id).into()
        }
        _ => Divider::new().into(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn accepted_blocks_are_within_all_limits(
        texts in vec(text(), 1..12),
        parts in vec((mrkdwn(), 0..11u8), 1..8),
        metadata in text(),
    ) {
        // Rejected values are tested in `limits`.
        let blocks = parts.into_iter().enumerate().filter_map(|(at, (mrkdwn, kind))| {
            let turned: Vec<_> = texts.iter().cycle().skip(at).take(texts.len()).cloned().collect();
            block(&turned, mrkdwn, kind, at).ok()
        });
        let blocks: Vec<_> = blocks.chain([Divider::new().into()]).collect();
        if let Ok(mut modal) = Modal::new(&texts[0], blocks.clone()) {
            modal = modal.submit(&metadata).close(&texts[0]);
            if let Ok(metadata) = PrivateMetadata::new(&metadata) {
                modal = modal.private_metadata(metadata);
            }
            prop_assert_eq!(faults_of_modal(&json(&modal)), Vec::<String>::new());
        }
        if let Ok(message) = Message::new(&metadata, blocks) {
            prop_assert_eq!(faults_of_message(&json(&message)), Vec::<String>::new());
        }
    }

    #[test]
    fn suggestions_are_within_all_limits(labels in vec(text(), 0..130)) {
        let options = labels.iter().enumerate().map(|(at, label)| super::option(&at.to_string(), label));
        prop_assert_eq!(faults_of_suggestions(&json(&Suggestions::best(options))), Vec::<String>::new());
    }

    #[test]
    fn values_are_kept_or_rejected_and_never_changed(text in text()) {
        let length = text.encode_utf16().count();
        match OptionValue::new(&text) {
            Ok(value) => prop_assert_eq!(json(&value), text),
            Err(_) => prop_assert!(text.is_empty() || length > 75),
        }
    }

    #[test]
    fn short_text_is_never_truncated(words in "[a-z\u{5d0}-\u{5ea}]{1,75}") {
        let shown = json(&Button::new(action("go"), &words));
        prop_assert_eq!(&shown["text"]["text"], &words);
    }
}
