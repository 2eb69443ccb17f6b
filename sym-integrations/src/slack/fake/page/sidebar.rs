//! The sidebar: who the visitor is, and what that person can open.

use super::html::Html;
use super::layout::{HOME, Selection, Viewer, address, home_form};
use super::{Reads, avatar};
use crate::slack::fake::workspace::Workspace;

/// Maximum number of the app's violations that are listed.
const MAX_FAULTS: usize = 20;

/// Renders the sidebar. On a phone it is a popover, which works without a script.
pub(super) fn html(workspace: &Workspace, reads: &Reads, viewer: &Viewer<'_>, place: &Selection<'_>) -> Html {
    let mut html = Html::new();
    html.raw(
        "<nav id=\"nav\" popover aria-label=\"People and channels\"><p class=\"brand\"><a href=\"/\">Fake Slack</a> ",
    );
    html.tagged("<span class=\"context\">", &workspace.names.workspace, "</span></p>");
    html.raw("<div id=\"people\">");
    people(workspace, reads, viewer, &mut html);
    html.raw("</div><div id=\"channels\">");
    channels(workspace, reads, viewer, place, &mut html);
    html.raw("</div><div id=\"faults\">");
    faults(workspace, &mut html);
    html.raw("</div></nav>");
    html
}

fn people(workspace: &Workspace, reads: &Reads, viewer: &Viewer<'_>, html: &mut Html) {
    html.raw("<h2>You act as</h2><ul>");
    for member in workspace.members.values().filter(|member| member.is_active()) {
        html.raw("<li><a").attr("href", &address(member.id(), None));
        let is_current = member.id() == viewer.user;
        if is_current {
            html.attr("aria-current", "true");
        }
        html.raw(">").html(&avatar(member.display_name(), false));
        html.tagged("<span class=\"name\">", member.display_name(), "</span>");
        if !is_current {
            count(reads.unread(member.id(), None, workspace.seen_by(member.id())), html);
        }
        html.raw("</a></li>");
    }
    html.raw("</ul>");
}

fn channels(workspace: &Workspace, reads: &Reads, viewer: &Viewer<'_>, place: &Selection<'_>, html: &mut Html) {
    let direct = workspace.direct_id(viewer.user);
    let mut channels: Vec<_> = workspace.channels.iter().filter(|(id, _)| workspace.sees(viewer.user, id)).collect();
    channels.sort_by_key(|(_, channel)| (channel.is_direct(), channel.name.clone()));
    let link = |id: &str, name: &str, html: &mut Html| {
        html.raw("<li><a").attr("href", &address(viewer.user, Some(id)));
        if id == place.channel {
            html.attr("aria-current", "page");
        }
        html.raw(">").tagged("<span class=\"name\">", name, "</span>");
        count(reads.unread(viewer.user, Some(id), place.seen.iter().copied()), html);
        html.raw("</a></li>");
    };
    html.raw("<h2>Channels</h2><ul>");
    for (id, _) in channels.iter().filter(|(id, _)| **id != direct) {
        link(id, &workspace.title_of(id, viewer.user), html);
    }
    html.raw("</ul><h2>").text(&workspace.names.app_name).raw("</h2><ul><li>");
    html.html(&home_form(viewer, "link", place.channel == HOME)).raw("</li>");
    link(&direct, "Messages", html);
    html.raw("</ul>");
}

fn count(unread: usize, html: &mut Html) {
    if unread > 0 {
        html.tagged(" <span class=\"count\">", &unread.to_string(), "<span class=\"sr\"> unread</span></span>");
    }
}

/// Lists what Slack rejected, for whoever develops the app.
fn faults(workspace: &Workspace, html: &mut Html) {
    let count = workspace.faults.len();
    if count == 0 {
        return;
    }
    let what = if count == 1 { "violation" } else { "violations" };
    html.raw("<details><summary>").text(&format!("{count} {what} of Slack's rules")).raw("</summary><ul>");
    for fault in workspace.faults.iter().rev().take(MAX_FAULTS) {
        html.tagged("<li><code>", fault, "</code></li>");
    }
    html.raw("</ul></details>");
}
