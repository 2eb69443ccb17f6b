//! The first page, on which the visitor chooses a person, and the page that says that there is no such person.

use super::avatar;
use super::html::Html;
use super::layout::{address, head};
use crate::slack::fake::workspace::Workspace;

/// Renders the first page.
pub(super) fn page(workspace: &Workspace) -> String {
    let mut html = head("Fake Slack");
    html.raw(
        "<body class=\"welcome\"><main><h1>Fake Slack</h1><p>A workspace of invented people, on this machine only. ",
    );
    html.raw("Your program runs as it does with the real one.</p>");
    people(workspace, "Who do you want to be?", &mut html);
    html.raw("<h2>Try it</h2><ol><li>Type <code>/sym req</code> in a channel, fill in the form and submit it.</li>");
    html.raw("<li>Become somebody else in the sidebar. A number shows who has something new to read.</li>");
    html.raw("<li>Approve the request, and become the first person again.</li></ol></main></body></html>\n");
    html.into_string()
}

/// Renders the page for an id that is nobody's, or nobody's who can act.
pub(super) fn no_person(workspace: &Workspace, id: &str) -> String {
    let what = match workspace.members.get(id) {
        Some(member) if member.is_bot() => "is a bot, which nobody can act as",
        Some(_) => "is deactivated",
        None => "is not in this workspace",
    };
    let mut html = head("No such person – Fake Slack");
    html.raw("<body class=\"welcome\"><main><h1><span class=\"plain\">")
        .text(id)
        .raw("</span> ")
        .text(what)
        .raw("</h1>");
    people(workspace, "Choose somebody who is", &mut html);
    html.raw("</main></body></html>\n");
    html.into_string()
}

fn people(workspace: &Workspace, heading: &'static str, html: &mut Html) {
    html.raw("<h2>").text(heading).raw("</h2>");
    let mut people = workspace.members.values().filter(|member| member.is_active()).peekable();
    if people.peek().is_none() {
        html.raw("<p class=\"empty\">There are no people yet. Add some with <code>FakeSlack::add</code>.</p>");
        return;
    }
    html.raw("<ul class=\"cards\">");
    for member in people {
        html.raw("<li><a").attr("href", &address(member.id(), None)).raw(">");
        html.html(&avatar(member.display_name(), false)).raw("<span><b>").text(member.display_name()).raw("</b>");
        html.tagged(
            "<span class=\"context\">",
            member.email_address().unwrap_or(member.id()),
            "</span></span></a></li>",
        );
    }
    html.raw("</ul>");
}
