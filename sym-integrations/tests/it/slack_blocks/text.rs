//! Escaping, cleaning and truncating text.

use jiff::Timestamp;
use sym_integrations::slack;
use sym_integrations::slack::blocks::{Header, Message, Mrkdwn, PlainText, RichText, Section, Spans, TimeStyle};
use sym_sdk::routing::SlackChannelId;
use url::Url;

use super::json;

fn shown(text: impl Into<PlainText>) -> String {
    json(&Header::new(text))["text"]["text"].as_str().unwrap().to_owned()
}

fn mrkdwn(text: impl Into<Mrkdwn>) -> String {
    json(&Section::new(text.into()))["text"]["text"].as_str().unwrap().to_owned()
}

#[test]
fn escaped_text_cannot_mention_or_link() {
    let hostile = "<!channel> <@U012AB3CD> <https://evil.example|Approve> &lt; @here";
    let section = json(&Section::new(Mrkdwn::from(hostile)));
    assert_eq!(
        section["text"]["text"],
        "&lt;!channel&gt; &lt;@U012AB3CD&gt; &lt;https://evil.example|Approve&gt; &amp;lt; @here"
    );
    assert_eq!(section["text"]["verbatim"], true, "otherwise Slack would link names itself");
    assert_eq!(json(&Message::text(hostile))["text"], section["text"]["text"]);

    let plain = json(&Section::new(hostile));
    assert_eq!(plain["text"]["type"], "plain_text");
    assert_eq!(plain["text"]["text"], hostile);
}

#[test]
fn escaped_text_cannot_end_its_formatting() {
    assert_eq!(mrkdwn(Mrkdwn::new().code("a`b\n<c>")), "`aˋb &lt;c&gt;`");
    assert_eq!(mrkdwn(Mrkdwn::new().bold(" *a*b\n")), "*∗a∗b*");
    assert_eq!(mrkdwn(Mrkdwn::new().bold("a `b` ~c~ :tada: :+1::x: 10:30:")), "*a ˋbˋ ∼c∼ ∶tada∶ ∶+1∶∶x∶ 10∶30∶*");
    assert_eq!(mrkdwn(Mrkdwn::new().bold("a_b@example.com arn:aws:")), "*a_b@example.com arn∶aws∶*");
    assert_eq!(mrkdwn(Mrkdwn::new().bold("at 10:30, see: x")), "*at 10:30, see: x*");
    assert_eq!(mrkdwn(Mrkdwn::new().text("x").bold("  ").code("")), "x");
    assert_eq!(
        mrkdwn(Mrkdwn::new().quote("a\n> b\r\n*Approved by* c\u{2028}d\re")),
        ">a\n>&gt; b\n>*Approved by* c\n>d\n>e"
    );
}

#[test]
fn mentions_links_and_times_use_slacks_markup() {
    let at: Timestamp = "2026-11-22T19:40:05Z".parse().unwrap();
    let channel = SlackChannelId::new("C012AB3CD").unwrap();
    let url = Url::parse("https://example.com/a?b=1&c=<d>|e").unwrap();
    let text = Mrkdwn::new().user(&slack::user("U012AB3CD").unwrap()).text(" ").channel(&channel).text(" ");
    let text = text.link(&url, "R&D|<b>\nrunbook").text(" until ").time(at, TimeStyle::DateTime);
    assert_eq!(
        mrkdwn(text),
        "<@U012AB3CD> <#C012AB3CD> <https://example.com/a?b=1&amp;c=%3Cd%3E%7Ce|R&amp;D∣&lt;b&gt; runbook> until \
         <!date^1795376405^{date_short_pretty} {time}|2026-11-22 19:40 UTC>"
    );
    for (style, expected) in [
        (TimeStyle::Time, "<!date^1795376405^{time}|19:40 UTC>"),
        (TimeStyle::Date, "<!date^1795376405^{date_short_pretty}|2026-11-22>"),
        (TimeStyle::Relative, "<!date^1795376405^{ago}|2026-11-22 19:40 UTC>"),
    ] {
        assert_eq!(mrkdwn(Mrkdwn::new().time(at, style)), expected);
    }
}

#[test]
fn only_http_urls_become_links() {
    let script = Url::parse("javascript:alert(1)").unwrap();
    assert_eq!(mrkdwn(Mrkdwn::new().link(&script, "click <me>")), "click &lt;me&gt;");
}

#[test]
fn truncates_between_grapheme_clusters() {
    assert_eq!(shown("a".repeat(150)), "a".repeat(150));
    assert_eq!(shown("a".repeat(151)), format!("{}…", "a".repeat(149)));
    // The family emoji is one grapheme cluster of eleven UTF-16 code units.
    let family = "👨‍👩‍👧‍👦";
    assert_eq!(shown(family.repeat(20)), format!("{}…", family.repeat(13)));
    let flags = "🇩🇪🇫🇷";
    assert_eq!(shown(flags.repeat(30)), format!("{}🇩🇪…", flags.repeat(18)));
    let accents = "e\u{301}".repeat(100);
    assert_eq!(shown(accents), format!("{}…", "e\u{301}".repeat(74)));
}

#[test]
fn never_truncates_within_markup() {
    let user = slack::user("U012AB3CD").unwrap();
    assert_eq!(mrkdwn(Mrkdwn::new().text("a".repeat(2990)).user(&user)), format!("{}…", "a".repeat(2990)));
    assert_eq!(mrkdwn(Mrkdwn::new().text("&".repeat(1000))), format!("{}…", "&amp;".repeat(599)));
    let code = mrkdwn(Mrkdwn::new().code("a".repeat(4000)).text("never seen"));
    assert_eq!(code, format!("`{}…`", "a".repeat(2997)));
    let exact = Mrkdwn::new().bold("a".repeat(2998));
    assert_eq!(mrkdwn(exact).len(), 3000);
}

#[test]
fn keeps_right_to_left_text_and_removes_directional_overrides() {
    let hebrew = "גישה לייצור (prod)";
    assert_eq!(shown(hebrew), hebrew);
    assert_eq!(mrkdwn(Mrkdwn::new().text(hebrew)), hebrew);
    assert_eq!(shown("read\u{202e}etirw\u{202c} \u{2066}x\u{2069}"), "readetirw x");
    assert_eq!(mrkdwn("read\u{202e}etirw"), "readetirw");
    let long = "م".repeat(200);
    assert_eq!(shown(long), format!("{}…", "م".repeat(149)));
}

#[test]
fn blank_text_is_shown_as_a_dash() {
    for blank in ["", " ", "\n\t ", "\u{200b}\u{feff}", "\0", "\u{202e}"] {
        assert_eq!(shown(blank), "–", "{blank:?}");
        assert_eq!(mrkdwn(blank), "–", "{blank:?}");
        assert_eq!(json(&Message::text(blank))["text"], "–", "{blank:?}");
    }
}

#[test]
fn emoji_names_are_only_interpreted_on_request() {
    assert_eq!(json(&Header::new("arn:aws:iam"))["text"]["emoji"], false);
    assert_eq!(json(&Header::new(PlainText::new(":tada:").emoji()))["text"]["emoji"], true);
}

fn rich(spans: Spans) -> String {
    let block = json(&RichText::quote(spans));
    let parts = block["elements"][0]["elements"].as_array().unwrap();
    parts.iter().map(|part| part["text"].as_str().unwrap()).collect()
}

#[test]
fn rich_text_is_literal_and_shows_what_is_hidden() {
    let hostile = "<!channel> *b* `c` :tada: &amp;\n>quoted";
    assert_eq!(rich(Spans::new().text(hostile)), hostile);
    assert_eq!(rich(Spans::new().text("a\u{202e}b\u{200b}c\0")), "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0000⟩");
    assert_eq!(rich(Spans::new().bold("a\nb")), "a b");
    for joined in ["👩\u{200d}👩\u{200d}👧", "❤\u{fe0f}\u{200d}🔥", "می\u{200c}خواهم", "क्\u{200d}ष", "#\u{fe0f}\u{20e3}"] {
        assert_eq!(rich(Spans::new().text(joined)), joined);
    }
    for hidden in ["a\u{200d}b", "é\u{200c}é", "–\u{200d}–", "a\u{fe0f}", "\u{200d}", "👩\u{200d}\u{200d}👩"] {
        assert!(rich(Spans::new().text(hidden)).contains('⟨'), "{hidden:?}");
    }
}

#[test]
fn rich_text_is_truncated_and_never_empty() {
    assert_eq!(rich(Spans::new().text("a".repeat(3_000))).len(), 3_000);
    assert_eq!(rich(Spans::new().text("a".repeat(3_001))), format!("{}…", "a".repeat(2_999)));
    let family = "👨‍👩‍👧‍👦";
    assert_eq!(rich(Spans::new().text(family.repeat(300))), format!("{}…", family.repeat(272)));
    // One grapheme cluster that is longer than any block.
    assert!(rich(Spans::new().text(format!("e{}", "\u{301}".repeat(4_000)))).starts_with("e\u{301}"));
    for blank in ["", " ", "\n\t"] {
        assert_eq!(rich(Spans::new().text(blank)), "–", "{blank:?}");
    }
}
