//! Rendering of rich text as HTML: <https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>.

use serde_json::Value;

use super::html::Html;
use super::mrkdwn::{self, Reader};
use crate::slack::fake::visible_state::list;

/// Renders a part of a rich text block.
pub(super) fn html(part: &Value, reader: Reader<'_>) -> Html {
    let mut html = Html::new();
    let (open, close) = match part["type"].as_str().unwrap_or_default() {
        "rich_text_quote" => ("<blockquote class=\"plain\">", "</blockquote>"),
        "rich_text_preformatted" => ("<pre>", "</pre>"),
        "rich_text_list" => {
            html.raw("<ul>");
            for item in list(&part["elements"]) {
                html.raw("<li>").html(&self::html(item, reader)).raw("</li>");
            }
            html.raw("</ul>");
            return html;
        }
        _ => ("<div class=\"plain\">", "</div>"),
    };
    html.raw(open);
    for part in list(&part["elements"]) {
        span(part, reader, &mut html);
    }
    html.raw(close);
    html
}

const STYLES: [(&str, &str, &str); 4] =
    [("bold", "<b>", "</b>"), ("italic", "<i>", "</i>"), ("strike", "<s>", "</s>"), ("code", "<code>", "</code>")];

fn span(span: &Value, reader: Reader<'_>, html: &mut Html) {
    let styles = STYLES.into_iter().filter(|(style, ..)| span["style"][style] == true);
    for (_, open, _) in styles.clone() {
        html.raw(open);
    }
    let text = |key: &str| span[key].as_str().unwrap_or_default();
    match text("type") {
        "text" => drop(html.text(text("text"))),
        "user" => drop(html.html(&mrkdwn::html(&format!("<@{}>", text("user_id")), reader))),
        "channel" => drop(html.html(&mrkdwn::html(&format!("<#{}>", text("channel_id")), reader))),
        "date" => match span["timestamp"].as_i64().and_then(|at| jiff::Timestamp::from_second(at).ok()) {
            Some(at) => {
                let fallback = span["fallback"].as_str().map_or_else(|| at.to_string(), str::to_owned);
                html.raw("<time")
                    .attr("data-format", text("format"))
                    .attr("datetime", &at.to_string())
                    .raw(">")
                    .text(&fallback)
                    .raw("</time>");
            }
            None => drop(html.text(text("fallback"))),
        },
        kind => drop(html.tagged("<span class=\"context\">(", kind, ")</span>")),
    }
    for (_, _, close) in styles.rev() {
        html.raw(close);
    }
}
