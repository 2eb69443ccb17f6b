//! The layout of the page: the frame around the sidebar, the messages or the home tab, and the open view.

use super::blocks::html_id;
use super::html::Html;
use super::{Reads, avatar, message, sidebar, view};
use crate::slack::fake::Message;
use crate::slack::fake::interactions::Surface;
use crate::slack::fake::message::PERMALINKS;
use crate::slack::fake::workspace::Workspace;

/// Maximum number of messages shown of a channel.
const CAPACITY: usize = 100;

/// The name by which the app's home tab is selected instead of a channel.
pub(super) const HOME: &str = "home";

/// The person who looks, and at what.
pub(super) struct Viewer<'a> {
    pub(super) user: &'a str,
    /// The selected channel, or [`HOME`].
    pub(super) channel: Option<&'a str>,
    /// The message in it to which a link has led.
    pub(super) ts: Option<&'a str>,
    pub(super) version: u64,
    /// The error of the last action.
    pub(super) error_message: Option<&'a str>,
}

/// The part of the workspace that is shown: the home tab, or a channel with its messages.
pub(super) struct Selection<'a> {
    pub(super) channel: &'a str,
    /// All messages that the person sees.
    pub(super) seen: &'a [&'a Message],
    /// The address of the page.
    pub(super) address: String,
}

/// Renders the page for one person.
pub(super) fn page(workspace: &Workspace, reads: &mut Reads, viewer: &Viewer<'_>) -> String {
    let seen: Vec<_> = workspace.seen_by(viewer.user).collect();
    let latest = || seen.last().map(|message| message.channel.as_str());
    let asked = viewer.channel.filter(|id| *id == HOME || workspace.sees(viewer.user, id));
    let channel = asked.or_else(latest).unwrap_or("CGENERAL");
    reads.mark(viewer.user, channel, &seen);
    let place = Selection { channel, seen: &seen, address: address(viewer.user, Some(channel)) };
    let title = match channel {
        HOME => workspace.names.app_name.clone(),
        channel => workspace.title_of(channel, viewer.user),
    };
    let mut html = head(&format!("{} – {title} – Fake Slack", workspace.name_of(viewer.user)));
    html.raw("<body class=\"workspace\"").attr("data-as", viewer.user).attr("data-in", channel);
    html.attr("data-at", viewer.ts.unwrap_or_default());
    html.attr("data-version", &viewer.version.to_string()).raw(">");
    html.html(&sidebar::html(workspace, reads, viewer, &place)).raw("<main><header class=\"top\">");
    let name = workspace.name_of(viewer.user);
    html.raw("<button type=\"button\" class=\"button menu\" popovertarget=\"nav\"><span aria-hidden=\"true\">☰</span>");
    html.html(&avatar(&name, false)).raw("<span class=\"sr\">People and channels. You act as ").text(&name);
    html.raw("</span></button><div id=\"heading\"><h1>").text(&title).raw("</h1>");
    tabs(workspace, viewer, &place, &mut html);
    html.raw("</div><a class=\"refresh\"").attr("href", &place.address).raw(">Refresh</a></header>");
    let label = format!("{} {title}", if channel == HOME { "Home of" } else { "Messages in" });
    html.raw("<div class=\"scroll\" tabindex=\"0\"").attr("role", if channel == HOME { "region" } else { "log" });
    html.attr("aria-label", &label).raw("><div id=\"messages\">");
    match channel {
        HOME => drop(html.html(&view::home(workspace, viewer, &place))),
        _ => messages(workspace, viewer, &place, &mut html),
    }
    html.raw("</div></div><div class=\"foot\"><p id=\"notice\" role=\"alert\">");
    // An error is shown where the person looks: in the open view, if there is one.
    let error = viewer.error_message.filter(|_| workspace.top(viewer.user).is_none());
    html.text(error.unwrap_or_default()).raw("</p><div id=\"composer\">");
    if channel != HOME {
        composer(workspace, viewer, &place, &title, &mut html);
    }
    html.raw("</div></div></main>").html(&view::modal(workspace, viewer, &place)).raw("</body></html>\n");
    html.into_string()
}

/// Returns the head of a page.
pub(super) fn head(title: &str) -> Html {
    let mut html = Html::new();
    html.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    html.tagged("<title>", title, "</title>");
    html.raw("<link rel=\"icon\" href=\"/page.svg\"><link rel=\"stylesheet\" href=\"/page.css\">");
    html.raw("<script src=\"/page.js\"></script></head>");
    html
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

/// Returns the address of the page that shows a message to a person.
fn message_address(user: &str, message: &Message) -> String {
    let mut query = url::form_urlencoded::Serializer::for_suffix("/?".to_owned(), "/?".len());
    query.append_pair("as", user).append_pair("in", &message.channel).append_pair("at", &message.ts);
    // Without a script, the fragment scrolls to the message.
    format!("{}#{}", query.finish(), html_id(&Surface::of(message).name()))
}

pub(super) fn hidden(name: &str, value: &str) -> Html {
    let mut html = Html::new();
    html.raw("<input type=\"hidden\"").attr("name", name).attr("value", value).raw(">");
    html
}

/// Renders the beginning of a form that acts on a surface.
pub(super) fn form(viewer: &Viewer<'_>, place: &Selection<'_>, on: &str) -> Html {
    let mut html = Html::new();
    html.raw("<form method=\"post\" action=\"/act\" novalidate").attr("data-on", on).raw(">");
    html.html(&hidden("as", viewer.user)).html(&hidden("on", on)).html(&hidden("in", place.channel));
    html
}

/// Renders the form that opens the home tab. It is no link, because the app hears of it.
pub(super) fn home_form(viewer: &Viewer<'_>, class: &'static str, is_current: bool) -> Html {
    let mut html = Html::new();
    html.raw("<form method=\"post\" action=\"/home\">").html(&hidden("as", viewer.user)).html(&hidden("in", HOME));
    html.raw("<button").attr("class", class).attr("id", &format!("home-{class}"));
    if is_current {
        html.attr("aria-current", "page");
    }
    html.raw(">Home</button></form>");
    html
}

/// Renders the tabs of the app: its home tab, and its messages to the person.
fn tabs(workspace: &Workspace, viewer: &Viewer<'_>, place: &Selection<'_>, html: &mut Html) {
    let direct = workspace.direct_id(viewer.user);
    if place.channel != HOME && place.channel != direct {
        return;
    }
    html.raw("<nav class=\"tabs\" aria-label=\"App\">").html(&home_form(viewer, "tab", place.channel == HOME));
    html.raw("<a class=\"tab\"").attr("href", &address(viewer.user, Some(&direct)));
    if place.channel == direct {
        html.attr("aria-current", "page");
    }
    html.raw(">Messages</a></nav>");
}

fn messages(workspace: &Workspace, viewer: &Viewer<'_>, place: &Selection<'_>, html: &mut Html) {
    let of_channel = |message: &&Message| message.channel == place.channel;
    let shown: Vec<_> = place.seen.iter().copied().rev().filter(of_channel).take(CAPACITY).collect();
    if shown.is_empty() {
        html.raw(
            "<p class=\"empty\" id=\"empty\">No messages yet. Type <code>/sym req</code> below to request access.</p>",
        );
    }
    for message in by_thread(shown.into_iter().rev().collect()) {
        html.html(&message::html(workspace, viewer, place, message));
    }
}

/// Moves replies below the message of their thread, if it is shown.
fn by_thread(messages: Vec<&Message>) -> impl Iterator<Item = &Message> {
    let is_below = |reply: &&Message| messages.iter().any(|first| is_reply_to(reply, first));
    let (replies, others): (Vec<&Message>, Vec<&Message>) = messages.iter().copied().partition(is_below);
    others.into_iter().flat_map(move |first| {
        let below: Vec<_> = replies.iter().copied().filter(|reply| is_reply_to(reply, first)).collect();
        std::iter::once(first).chain(below)
    })
}

fn is_reply_to(reply: &Message, first: &Message) -> bool {
    reply.ts != first.ts && reply.json["thread_ts"].as_str() == Some(first.ts.as_str())
}

fn composer(workspace: &Workspace, viewer: &Viewer<'_>, place: &Selection<'_>, title: &str, html: &mut Html) {
    html.raw("<form method=\"post\" action=\"/command\">").html(&hidden("as", viewer.user));
    html.html(&hidden("channel", place.channel)).html(&hidden("in", place.channel));
    html.raw("<label class=\"sr\" for=\"command\">").text("Command in ").text(title).raw("</label>");
    html.raw("<input type=\"text\" id=\"command\" name=\"text\" autocomplete=\"off\" placeholder=\"/sym req\">");
    html.raw("<button class=\"button primary\">Send</button></form>");
    if workspace.shortcuts.is_empty() {
        return;
    }
    html.raw("<div class=\"shortcuts\"><span class=\"context\">Shortcuts</span>");
    for (callback_id, name) in &workspace.shortcuts {
        html.raw("<form method=\"post\" action=\"/shortcut\">").html(&hidden("as", viewer.user));
        html.html(&hidden("in", place.channel)).html(&hidden("callback_id", callback_id));
        html.raw("<button class=\"button\"").attr("id", &super::blocks::html_id(&format!("shortcut/{callback_id}")));
        html.raw(">").text(name).raw("</button></form>");
    }
    html.raw("</div>");
}

impl Workspace {
    /// Whether a person sees a channel. The conversation with the app is always there.
    pub(super) fn sees(&self, user: &str, channel: &str) -> bool {
        let known = self.channels.get(channel);
        channel == self.direct_id(user) || known.is_some_and(|channel| channel.has_member(user))
    }

    /// Returns the address of the page that shows the message with this permalink, if there is such a message.
    pub(super) fn page_of(&self, permalink: &str, user: &str) -> Option<String> {
        let is_permalink = permalink.starts_with(PERMALINKS);
        let message = self.messages.iter().find(|message| is_permalink && message.permalink() == permalink)?;
        Some(message_address(user, message))
    }

    /// Returns the title of a channel for a person: its name, or who else is in the conversation.
    pub(super) fn title_of(&self, channel: &str, user: &str) -> String {
        let app = &self.names.app_name;
        if channel == self.direct_id(user) {
            return app.clone();
        }
        let Some(known) = self.channels.get(channel) else { return format!("#{channel}") };
        match &known.members {
            Some(members) if known.is_direct() => {
                let others = members.iter().filter(|member| *member != user).map(|member| self.name_of(member));
                std::iter::once(app.clone()).chain(others).collect::<Vec<_>>().join(", ")
            }
            _ => format!("#{}", known.name),
        }
    }
}
