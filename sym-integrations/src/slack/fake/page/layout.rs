//! The page as somebody sees it.

use jiff::Timestamp;

use super::blocks::RenderContext;
use super::html::Html;
use super::mrkdwn;
use crate::slack::fake::interactions::{SurfaceState, Surface};
use crate::slack::fake::workspace::Workspace;
use crate::slack::fake::{Message, View};

/// So many messages of a channel are shown.
const CAPACITY: usize = 100;

/// Who looks, and at what.
pub(super) struct Viewer<'a> {
    pub(super) user: &'a str,
    /// The channel that was chosen, if one was.
    pub(super) channel: Option<&'a str>,
    pub(super) version: u64,
    /// What lets the page's own style and script pass.
    pub(super) nonce: &'a str,
    /// What was to be done and came to nothing.
    pub(super) trouble: Option<&'a str>,
}

/// The page for one person.
pub(super) fn page(workspace: &Workspace, looking: &Viewer<'_>) -> String {
    let seen = workspace.seen_by(looking.user);
    let latest = || seen.last().map(|message| message.channel.as_str());
    let channel = looking.channel.filter(|id| workspace.sees(looking.user, id)).or_else(latest).unwrap_or("CGENERAL");
    let mut html = Html::new();
    html.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    html.tagged("<title>", &format!("{} – sandbox", workspace.name_of(looking.user)), "</title>");
    html.raw("<style").attr("nonce", looking.nonce).raw(">").raw(include_str!("style.css")).raw("</style></head><body");
    html.attr("data-as", looking.user).attr("data-version", &looking.version.to_string()).raw(">");
    html.raw("<nav><h1>Sandbox</h1><small>A stand-in for Slack. You can be anybody in it.</small>");
    people(workspace, looking, &mut html);
    channels(workspace, looking, channel, &seen, &mut html);
    html.raw("<p><a class=\"refresh\"")
        .attr("href", &address(looking.user, looking.channel))
        .raw(">Refresh</a></p></nav><main>");
    let name = workspace.title_of(channel, looking.user);
    html.tagged("<h2>", &name, "</h2>");
    if let Some(trouble) = looking.trouble {
        html.tagged("<p class=\"error\" role=\"alert\">", trouble, "</p>");
    }
    html.raw("<form class=\"say\" method=\"post\" action=\"/command\">").html(&hidden("as", looking.user));
    html.html(&hidden("channel", channel));
    html.raw(
        "<input type=\"text\" name=\"text\" aria-label=\"Command\" autocomplete=\"off\" placeholder=\"/sym req\">",
    );
    html.raw("<button class=\"primary\">Send</button></form>");
    html.raw("<div id=\"messages\">");
    let of_channel: Vec<_> = seen.iter().rev().filter(|message| message.channel == channel).take(CAPACITY).collect();
    if of_channel.is_empty() {
        html.raw("<p class=\"context\">Nothing here yet. Type <code>/sym</code> to ask for access.</p>");
    }
    for message in of_channel {
        html.html(&article(workspace, looking, message));
    }
    html.raw("</div></main>");
    html.html(&modal(workspace, looking));
    html.raw("<script")
        .attr("nonce", looking.nonce)
        .raw(">")
        .raw(include_str!("script.js"))
        .raw("</script></body></html>\n");
    html.into_string()
}

/// The address of the page for somebody.
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

fn people(workspace: &Workspace, looking: &Viewer<'_>, html: &mut Html) {
    html.raw("<div id=\"people\"><h2>Be somebody</h2>");
    for member in workspace.members.values().filter(|member| member.is_active()) {
        html.raw("<a").attr("href", &address(member.id(), None));
        if member.id() == looking.user {
            html.attr("aria-current", "true");
        }
        html.raw(">").text(member.display_name()).raw("</a>");
    }
    html.raw("</div>");
}

fn channels(workspace: &Workspace, looking: &Viewer<'_>, current: &str, seen: &[Message], html: &mut Html) {
    html.raw("<div id=\"channels\"><h2>Channels</h2>");
    for id in workspace.channels.keys().filter(|id| workspace.sees(looking.user, id)) {
        html.raw("<a").attr("href", &address(looking.user, Some(id)));
        if id == current {
            html.attr("aria-current", "true");
        }
        html.raw(">").text(&workspace.title_of(id, looking.user));
        let count = seen.iter().filter(|message| message.channel == *id).count();
        if count > 0 {
            html.raw(" <small>").text(&count.to_string()).raw("</small>");
        }
        html.raw("</a>");
    }
    html.raw("</div>");
}

fn form(looking: &Viewer<'_>, on: &str) -> Html {
    let mut html = Html::new();
    html.raw("<form method=\"post\" action=\"/act\"").attr("data-on", on).raw(">");
    html.html(&hidden("as", looking.user)).html(&hidden("on", on));
    if let Some(channel) = looking.channel {
        html.html(&hidden("in", channel));
    }
    html
}

fn article(workspace: &Workspace, looking: &Viewer<'_>, message: &Message) -> Html {
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
    if let Some(SurfaceState::Message(message, values)) = workspace.seen(looking.user, &surface)
        && message.json["blocks"].is_array()
    {
        let on = surface.name();
        let shown = RenderContext { workspace, user: looking.user, surface: &on, json: &message.json, values: &values };
        html.html(&form(looking, &on)).html(&shown.blocks(&|_| None)).raw("</form>");
    } else {
        html.html(&mrkdwn::html(message.text(), workspace));
    }
    html.raw("</article>");
    html
}

/// The view on top, or nothing.
fn modal(workspace: &Workspace, looking: &Viewer<'_>) -> Html {
    let mut html = Html::new();
    html.raw("<div id=\"view\"");
    let Some(view) = workspace.top(looking.user) else {
        html.raw("></div>");
        return html;
    };
    html.attr("data-is", &state_of(view)).raw(">").html(&form(looking, view.id()));
    html.raw("<h2>").text(view.title()).raw("</h2>");
    if view.json["submit"].is_object() {
        // What the Enter key does.
        html.raw(
            "<button class=\"default\" name=\"do\" value=\"submit\" tabindex=\"-1\" aria-hidden=\"true\"></button>",
        );
    }
    if let Some(trouble) = &view.trouble {
        html.tagged("<p class=\"error\" role=\"alert\">", trouble, "</p>");
    }
    let shown = RenderContext { workspace, user: looking.user, surface: view.id(), json: &view.json, values: &view.values };
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

/// What changes when a view is to be shown anew.
fn state_of(view: &View) -> String {
    let hash = view.json["hash"].as_str().unwrap_or_default();
    let errors: Vec<_> = view.errors.iter().map(|(block, error)| format!("{block}:{error}")).collect();
    format!("{}/{hash}/{}/{}", view.id(), errors.join("/"), view.trouble.is_some())
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
