//! Rendering of mrkdwn as HTML: <https://docs.slack.dev/messaging/formatting-message-text>.

use url::Url;

use super::html::Html;
use crate::slack::fake::workspace::Workspace;

/// The person for whom a text is rendered.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) user: &'a str,
}

/// Renders a text.
pub(super) fn html(text: &str, reader: Reader<'_>) -> Html {
    let mut html = Html::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("```") {
        let Some((code, after)) = after.split_once("```") else { break };
        lines(before, reader, &mut html);
        html.tagged("<pre>", &decoded(code.trim_matches('\n')), "</pre>");
        rest = after;
    }
    lines(rest, reader, &mut html);
    html
}

fn lines(text: &str, reader: Reader<'_>, html: &mut Html) {
    let mut is_first = true;
    for line in text.split('\n') {
        let quoted = line.strip_prefix("&gt;").or_else(|| line.strip_prefix('>'));
        if let Some(quoted) = quoted {
            html.raw("<blockquote>");
            inline(quoted, reader, html);
            html.raw("</blockquote>");
            // Block elements need no line break.
            is_first = true;
            continue;
        }
        if !is_first {
            html.raw("<br>");
        }
        is_first = false;
        inline(line, reader, html);
    }
}

/// A formatting mark and its tags.
const MARKS: [(char, &str, &str); 4] =
    [('*', "<b>", "</b>"), ('_', "<i>", "</i>"), ('~', "<s>", "</s>"), ('`', "<code>", "</code>")];

fn inline(text: &str, reader: Reader<'_>, html: &mut Html) {
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(c) = rest.chars().next() {
        if c == '<'
            && let Some((token, after)) = rest.get(1..).and_then(|rest| rest.split_once('>'))
        {
            reference(token, reader, html);
            (rest, before) = (after, Some('>'));
            continue;
        }
        let mark = MARKS.into_iter().find(|(mark, ..)| *mark == c).filter(|_| before.is_none_or(is_apart));
        if let Some((mark, open, close)) = mark
            && let Some((inner, after)) = enclosed(rest, mark)
        {
            html.raw(open);
            match mark {
                '`' => drop(html.text(&decoded(inner))),
                _ => inline(inner, reader, html),
            }
            html.raw(close);
            (rest, before) = (after, Some(mark));
            continue;
        }
        let end = rest.char_indices().skip(1).find(|(_, c)| *c == '<' || MARKS.iter().any(|(mark, ..)| mark == c));
        let (plain, after) = rest.split_at(end.map_or(rest.len(), |(end, _)| end));
        html.text(&decoded(plain));
        (rest, before) = (after, plain.chars().next_back());
    }
}

fn is_apart(c: char) -> bool {
    !c.is_alphanumeric()
}

/// Returns the text between two marks that enclose it without spaces, and the rest.
fn enclosed(text: &str, mark: char) -> Option<(&str, &str)> {
    let begun = text.get(mark.len_utf8()..)?;
    if begun.starts_with(char::is_whitespace) {
        return None;
    }
    let ends = begun.match_indices(mark).find(|(at, _)| {
        let (inner, after) = begun.split_at(*at);
        let is_over = after.chars().nth(1).is_none_or(is_apart);
        !inner.is_empty() && !inner.ends_with(char::is_whitespace) && is_over
    });
    let (at, mark) = ends?;
    Some((begun.get(..at)?, begun.get(at.saturating_add(mark.len())..)?))
}

/// Renders a mention, a date or a link.
fn reference(token: &str, reader: Reader<'_>, html: &mut Html) {
    let (target, label) = token.split_once('|').map_or((token, None), |(target, label)| (target, Some(label)));
    let mention = |html: &mut Html, sign: &str, name: &str| {
        html.raw("<span class=\"mention\">").text(sign).text(name).raw("</span>");
    };
    if let Some(id) = target.strip_prefix('@') {
        mention(html, "@", &reader.workspace.name_of(id));
    } else if let Some(id) = target.strip_prefix('#') {
        let name = reader.workspace.channels.get(id).map_or(id, |channel| channel.name.as_str());
        mention(html, "#", name);
    } else if let Some(date) = target.strip_prefix("!date^") {
        let mut parts = date.split('^');
        let seconds = parts.next().and_then(|seconds| seconds.parse::<i64>().ok());
        let format = parts.next().map(decoded).unwrap_or_default();
        let at = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        match at {
            Some(at) => {
                html.raw("<time").attr("data-format", &format).attr("datetime", &at.to_string()).raw(">");
                html.text(&label.map_or_else(|| at.to_string(), decoded)).raw("</time>");
            }
            None => drop(html.text(&label.map_or_else(String::new, decoded))),
        }
    } else if let Some(special) = target.strip_prefix('!') {
        let name = special.split('^').next().unwrap_or_default();
        mention(html, "@", &label.map_or_else(|| name.to_owned(), decoded));
    } else {
        let target = decoded(target);
        let shown = label.map_or_else(|| target.clone(), decoded);
        if let Some(address) = reader.workspace.page_of(&target, reader.user) {
            html.raw("<a").attr("href", &address).raw(">").text(&shown).raw("</a>");
            return;
        }
        let is_web = Url::parse(&target).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"));
        if is_web {
            html.raw("<a rel=\"noreferrer\" target=\"_blank\"").attr("href", &target).raw(">").text(&shown).raw("</a>");
        } else {
            html.text(&shown);
        }
    }
}

/// Removes Slack's escapes.
fn decoded(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::fake::Member;
    use crate::slack::fake::workspace::Names;

    fn shown(text: &str) -> String {
        let names = ["T0SANDBOX", "A0", "B0", "U0BOT", "Sym"].map(str::to_owned);
        let [workspace, app, bot, bot_user, app_name] = names;
        let mut workspace =
            Workspace::new(Names { workspace, app, bot, bot_user, app_name, enterprise: None, is_org_install: false });
        workspace.members.insert("U0ANA".to_owned(), Member::new("U0ANA").name("Ana <b>"));
        html(text, Reader { workspace: &workspace, user: "U0ANA" }).into_string()
    }

    #[test]
    fn marks_mentions_times_and_links() {
        let cases = [
            ("*R&amp;D* and _more_ of ~that~", "<b>R&amp;D</b> and <i>more</i> of <s>that</s>"),
            ("2 * 3 * 4 snake_case_name `a *b*`", "2 * 3 * 4 snake_case_name <code>a *b*</code>"),
            ("one\n>two\n&gt;three\nfour", "one<blockquote>two</blockquote><blockquote>three</blockquote>four"),
            ("a\nb", "a<br>b"),
            (
                "<@U0ANA> <@U0EVE>",
                "<span class=\"mention\">@Ana &lt;b&gt;</span> <span class=\"mention\">@U0EVE</span>",
            ),
            (
                "<!date^0^{date} {time}|1970 &lt;>",
                "<time data-format=\"{date} {time}\" datetime=\"1970-01-01T00:00:00Z\">1970 &lt;</time>",
            ),
            ("<!here> <!date^x^y|then>", "<span class=\"mention\">@here</span> then"),
            (
                "<https://example.com/?a&amp;b|here>",
                "<a rel=\"noreferrer\" target=\"_blank\" href=\"https://example.com/?a&amp;b\">here</a>",
            ),
            ("<javascript:alert(1)|click>", "click"),
            ("```a <b>\n&lt;c&gt;``` *d*", "<pre>a &lt;b&gt;\n&lt;c&gt;</pre> <b>d</b>"),
            ("a < b && \"c\" 'd'", "a &lt; b &amp;&amp; &quot;c&quot; &#39;d&#39;"),
            ("*open", "*open"),
            ("", ""),
        ];
        for (text, html) in cases {
            assert_eq!(shown(text), html, "{text}");
        }
    }

    #[test]
    fn no_script_comes_through() {
        for text in [
            "<script>alert(1)</script>",
            "&lt;script&gt;",
            "*<img src=x onerror=alert(1)>*",
            "`<script>`",
            "<@\"><script>>",
        ] {
            let html = shown(text);
            assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        }
    }
}
