//! The layout of the page: people, channels, messages and the open view.

use jiff::Timestamp;

use super::blocks::RenderContext;
use super::html::Html;
use super::mrkdwn;
use crate::slack::fake::interactions::{Surface, SurfaceState};
use crate::slack::fake::workspace::Workspace;
use crate::slack::fake::{Message, View};

/// Maximum number of messages shown of a channel.
const CAPACITY: usize = 100;

/// The person who looks, and at what.
pub(super) struct Viewer<'a> {
    pub(super) user: &'a str,
    /// The selected channel.
    pub(super) channel: Option<&'a str>,
    pub(super) version: u64,
    /// The nonce that admits the page's own style and script.
    pub(super) nonce: &'a str,
    /// The error of the last action.
    pub(super) error_message: Option<&'a str>,
}

/// Renders the page for one person.
pub(super) fn page(workspace: &Workspace, viewer: &Viewer<'_>) -> String {
    let seen = workspace.seen_by(viewer.user);
    let latest = || seen.last().map(|message| message.channel.as_str());
    let channel = viewer.channel.filter(|id| workspace.sees(viewer.user, id)).or_else(latest).unwrap_or("CGENERAL");
    let mut html = Html::new();
    html.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    html.tagged("<title>", &format!("{} – sandbox", workspace.name_of(viewer.user)), "</title>");
    html.raw("<style").attr("nonce", viewer.nonce).raw(">").raw(include_str!("style.css")).raw("</style></head><body");
    html.attr("data-as", viewer.user).attr("data-version", &viewer.version.to_string()).raw(">");
    html.raw("<nav><h1>Sandbox</h1><small>A fake Slack workspace. Act as any of its people.</small>");
    people(workspace, viewer, &mut html);
    channels(workspace, viewer, channel, &seen, &mut html);
    html.raw("<p><a class=\"refresh\"")
        .attr("href", &address(viewer.user, viewer.channel))
        .raw(">Refresh</a></p></nav><main>");
    let name = workspace.title_of(channel, viewer.user);
    html.tagged("<h2>", &name, "</h2>");
    if let Some(error_message) = viewer.error_message {
        html.tagged("<p class=\"error\" role=\"alert\">", error_message, "</p>");
    }
    html.raw("<form class=\"say\" method=\"post\" action=\"/command\">").html(&hidden("as", viewer.user));
    html.html(&hidden("channel", channel));
    html.raw(
        "<input type=\"text\" name=\"text\" aria-label=\"Command\" autocomplete=\"off\" placeholder=\"/sym req\">",
    );
    html.raw("<button class=\"primary\">Send</button></form>");
    html.raw("<div id=\"messages\">");
    let of_channel: Vec<_> = seen.iter().rev().filter(|message| message.channel == channel).take(CAPACITY).collect();
    if of_channel.is_empty() {
        html.raw("<p class=\"context\">No messages yet. Type <code>/sym</code> to request access.</p>");
    }
    for message in of_channel {
        html.html(&article(workspace, viewer, message));
    }
    html.raw("</div></main>");
    html.html(&modal(workspace, viewer));
    html.raw("<script")
        .attr("nonce", viewer.nonce)
        .raw(">")
        .raw(include_str!("script.js"))
        .raw("</script></body></html>\n");
    html.into_string()
}

/// Returns the address of the page for a person.
pub(super) fn address(user: &str, channel: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::for_suffix("/?".to_owned(), "/?".len());
    query.append_pair("as", user);
    if let Some(channel) = channel {
        query.append_pair("in", channel);
    }
    query.finish()
}

fn hidden(name: &str, value: &str) -> Html {
    let mut html = Html::new();
    html.raw("<input type=\"hidden\"").attr("name", name).attr("value", value).raw(">");
    html
}

fn people(workspace: &Workspace, viewer: &Viewer<'_>, html: &mut Html) {
    html.raw("<div id=\"people\"><h2>Be somebody</h2>");
    for member in workspace.members.values().filter(|member| member.is_active()) {
        html.raw("<a").attr("href", &address(member.id(), None));
        if member.id() == viewer.user {
            html.attr("aria-current", "true");
        }
        html.raw(">").text(member.display_name()).raw("</a>");
    }
    html.raw("</div>");
}

fn channels(workspace: &Workspace, viewer: &Viewer<'_>, current: &str, seen: &[Message], html: &mut Html) {
    html.raw("<div id=\"channels\"><h2>Channels</h2>");
    for id in workspace.channels.keys().filter(|id| workspace.sees(viewer.user, id)) {
        html.raw("<a").attr("href", &address(viewer.user, Some(id)));
        if id == current {
            html.attr("aria-current", "true");
        }
        html.raw(">").text(&workspace.title_of(id, viewer.user));
        let count = seen.iter().filter(|message| message.channel == *id).count();
        if count > 0 {
            html.raw(" <small>").text(&count.to_string()).raw("</small>");
        }
        html.raw("</a>");
    }
    html.raw("</div>");
}

fn form(viewer: &Viewer<'_>, on: &str) -> Html {
    let mut html = Html::new();
    html.raw("<form method=\"post\" action=\"/act\"").attr("data-on", on).raw(">");
    html.html(&hidden("as", viewer.user)).html(&hidden("on", on));
    if let Some(channel) = viewer.channel {
        html.html(&hidden("in", channel));
    }
    html
}

fn article(workspace: &Workspace, viewer: &Viewer<'_>, message: &Message) -> Html {
    let mut html = Html::new();
    let class = match (&message.only_for, message.json.get("thread_ts")) {
        (Some(_), _) => "only",
        (None, Some(_)) => "reply",
        (None, None) => "",
    };
    html.raw("<article").attr("class", class).raw("><header>App ");
    let seconds = message.ts.split('.').next().and_then(|seconds| seconds.parse().ok());
    if let Some(at) = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()) {
        html.raw("<small><time").attr("datetime", &at.to_string()).raw(">");
        html.text(&at.strftime("%Y-%m-%d %H:%M UTC").to_string()).raw("</time></small>");
    }
    if message.json.get("edited").is_some() {
        html.raw(" <small>(edited)</small>");
    }
    if message.only_for.is_some() {
        html.raw(" <small>Only visible to you</small>");
    }
    html.raw("</header>");
    let surface = Surface::of(message);
    if let Some(SurfaceState::Message(message, values)) = workspace.seen(viewer.user, &surface)
        && message.json["blocks"].is_array()
    {
        let on = surface.name();
        let shown = RenderContext { workspace, user: viewer.user, surface: &on, json: &message.json, values: &values };
        html.html(&form(viewer, &on)).html(&shown.blocks(&|_| None)).raw("</form>");
    } else {
        html.html(&mrkdwn::html(message.text(), workspace));
    }
    html.raw("</article>");
    html
}

/// Renders the topmost view.
fn modal(workspace: &Workspace, viewer: &Viewer<'_>) -> Html {
    let mut html = Html::new();
    html.raw("<div id=\"view\"");
    let Some(view) = workspace.top(viewer.user) else {
        html.raw("></div>");
        return html;
    };
    html.attr("data-is", &state_of(view)).raw(">").html(&form(viewer, view.id()));
    html.raw("<h2>").text(view.title()).raw("</h2>");
    if view.json["submit"].is_object() {
        // The default button, which the Enter key activates.
        html.raw(
            "<button class=\"default\" name=\"do\" value=\"submit\" tabindex=\"-1\" aria-hidden=\"true\"></button>",
        );
    }
    if let Some(error_message) = &view.error_message {
        html.tagged("<p class=\"error\" role=\"alert\">", error_message, "</p>");
    }
    let shown =
        RenderContext { workspace, user: viewer.user, surface: view.id(), json: &view.json, values: &view.values };
    html.html(&shown.blocks(&|block| view.errors.get(block).cloned()));
    let label = |key: &str, otherwise: &str| view.json[key]["text"].as_str().unwrap_or(otherwise).to_owned();
    html.raw("<footer><button class=\"quiet\" name=\"do\" value=\"close\">").text(&label("close", "Cancel"));
    html.raw("</button>");
    if view.json["submit"].is_object() {
        html.raw("<button class=\"primary\" name=\"do\" value=\"submit\">").text(&label("submit", "Submit"));
        html.raw("</button>");
    }
    html.raw("</footer></form></div>");
    html
}

/// Returns a fingerprint of a view that changes when the view must be rendered again.
fn state_of(view: &View) -> String {
    let hash = view.json["hash"].as_str().unwrap_or_default();
    let errors: Vec<_> = view.errors.iter().map(|(block, error)| format!("{block}:{error}")).collect();
    format!("{}/{hash}/{}/{}", view.id(), errors.join("/"), view.error_message.is_some())
}

impl Workspace {
    fn sees(&self, user: &str, channel: &str) -> bool {
        let channel = self.channels.get(channel);
        channel.is_some_and(|channel| {
            channel.members.as_ref().is_none_or(|members| members.iter().any(|member| member == user))
        })
    }

    fn title_of(&self, channel: &str, user: &str) -> String {
        let Some(known) = self.channels.get(channel) else { return format!("#{channel}") };
        match &known.members {
            None => format!("#{}", known.name),
            Some(members) => {
                let others = members.iter().filter(|member| *member != user).map(|member| self.name_of(member));
                let names: Vec<_> = std::iter::once("App".to_owned()).chain(others).collect();
                names.join(", ")
            }
        }
    }
}
