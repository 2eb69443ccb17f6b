//! Rendering of a message.

use jiff::Timestamp;

use super::blocks::{RenderContext, html_id};
use super::html::Html;
use super::layout::{Selection, Viewer, form};
use super::mrkdwn::Reader;
use super::{avatar, mrkdwn};
use crate::slack::fake::Message;
use crate::slack::fake::interactions::{Surface, SurfaceState};
use crate::slack::fake::workspace::{SLACKBOT, Workspace};

/// Renders a message with its sender, its time and its content.
pub(super) fn html(workspace: &Workspace, viewer: &Viewer<'_>, place: &Selection<'_>, message: &Message) -> Html {
    let mut html = Html::new();
    let surface = Surface::of(message);
    let on = surface.name();
    let mut class = match (&message.only_for, message.json.get("thread_ts")) {
        (Some(_), _) => "message only",
        (None, Some(_)) => "message reply",
        (None, None) => "message",
    }
    .to_owned();
    if viewer.ts == Some(message.ts.as_str()) {
        class.push_str(" at");
    }
    html.raw("<article").attr("class", &class).attr("id", &html_id(&on)).raw(">");
    header(workspace, message, &mut html);
    if let Some(SurfaceState::Message(message, values)) = workspace.seen(viewer.user, &surface)
        && message.json["blocks"].is_array()
    {
        let shown = RenderContext {
            workspace,
            user: viewer.user,
            surface: &on,
            json: &message.json,
            values: &values,
            address: &place.address,
        };
        html.html(&form(viewer, place, &on)).html(&shown.blocks(&|_| None)).raw("</form>");
    } else {
        html.raw("<div class=\"section\"><div>")
            .html(&mrkdwn::html(message.text(), Reader { workspace, user: viewer.user }))
            .raw("</div></div>");
    }
    html.raw("</div></article>");
    html
}

fn header(workspace: &Workspace, message: &Message, html: &mut Html) {
    let (sender, tag) = match message.json["user"].as_str() {
        Some(SLACKBOT) => ("Slackbot", "Slack"),
        _ => (workspace.names.app_name.as_str(), "App"),
    };
    html.html(&avatar(sender, true)).raw("<div><header><b>").text(sender).raw("</b> ");
    html.tagged("<span class=\"tag\">", tag, "</span>");
    let seconds = message.ts.split('.').next().and_then(|seconds| seconds.parse().ok());
    if let Some(at) = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()) {
        html.raw(" <time").attr("datetime", &at.to_string()).raw(">");
        html.text(&at.strftime("%Y-%m-%d %H:%M UTC").to_string()).raw("</time>");
    }
    if message.json.get("edited").is_some() {
        html.raw(" <small>(edited)</small>");
    }
    if message.only_for.is_some() {
        html.raw(" <small class=\"note\">Only visible to you</small>");
    }
    html.raw("</header>");
}
