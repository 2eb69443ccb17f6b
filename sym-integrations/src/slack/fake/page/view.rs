//! Rendering of views: the open modal, and the home tab.

use super::blocks::{RenderContext, html_id};
use super::html::Html;
use super::layout::{Selection, Viewer, form};
use crate::slack::fake::View;
use crate::slack::fake::visible_state::ElementRef;
use crate::slack::fake::workspace::Workspace;

fn context<'a>(
    workspace: &'a Workspace,
    viewer: &Viewer<'a>,
    place: &'a Selection<'_>,
    view: &'a View,
) -> RenderContext<'a> {
    RenderContext {
        workspace,
        user: viewer.user,
        surface: view.id(),
        json: &view.json,
        values: &view.values,
        address: &place.address,
    }
}

/// Renders the topmost view as a dialog. Without a script it is open from the beginning; the script makes it modal.
pub(super) fn modal(workspace: &Workspace, viewer: &Viewer<'_>, place: &Selection<'_>) -> Html {
    let mut html = Html::new();
    html.raw("<div id=\"view\"");
    let Some(view) = workspace.top(viewer.user) else {
        html.raw("></div>");
        return html;
    };
    html.attr("data-is", &state_of(view, viewer)).attr("data-view", view.id());
    html.raw("><dialog open aria-labelledby=\"view-title\">").html(&form(viewer, place, view.id()));
    // The default button, which the Enter key activates. A disabled one keeps Enter from activating another.
    let can_submit = view.json["submit"].is_object();
    html.raw("<button class=\"default\" name=\"do\" value=\"submit\" tabindex=\"-1\" aria-hidden=\"true\"");
    html.flag("disabled", !can_submit).raw("></button><h2 id=\"view-title\" tabindex=\"-1\">").text(view.title());
    html.raw("</h2><div class=\"body\"");
    if ElementRef::all(&view.json).next().is_none() {
        // A long text is scrolled by keys.
        html.raw(" tabindex=\"0\" role=\"group\" aria-labelledby=\"view-title\"");
    }
    html.raw(">");
    if let Some(error_message) = view.error_message.as_deref().or(viewer.error_message) {
        html.tagged("<p class=\"flash\" role=\"alert\">", error_message, "</p>");
    }
    html.html(&context(workspace, viewer, place, view).blocks(&|block| view.errors.get(block).cloned()));
    let label = |key: &str, otherwise: &str| view.json[key]["text"].as_str().unwrap_or(otherwise).to_owned();
    html.raw("</div><footer><a class=\"refresh\"").attr("href", &place.address).raw(">Refresh</a>");
    html.raw("<button class=\"button\" name=\"do\" value=\"close\"").attr("id", &id(view, "close"));
    html.raw(">").text(&label("close", "Cancel")).raw("</button>");
    if can_submit {
        html.raw("<button class=\"button primary\" name=\"do\" value=\"submit\"").attr("id", &id(view, "submit"));
        html.raw(">").text(&label("submit", "Submit")).raw("</button>");
    }
    html.raw("</footer></form></dialog></div>");
    html
}

fn id(view: &View, button: &str) -> String {
    html_id(&format!("{}/{button}", view.id()))
}

/// Renders the home tab of a person.
pub(super) fn home(workspace: &Workspace, viewer: &Viewer<'_>, place: &Selection<'_>) -> Html {
    let mut html = Html::new();
    let Some(home) = workspace.homes.get(viewer.user) else {
        html.raw("<p class=\"empty\" id=\"empty\">").text(&workspace.names.app_name);
        html.raw(" has published no home tab for you.</p>");
        return html;
    };
    html.raw("<section class=\"home\"").attr("id", &html_id(home.id())).raw(">");
    html.html(&form(viewer, place, home.id()));
    if let Some(error_message) = &home.error_message {
        html.tagged("<p class=\"flash\" role=\"alert\">", error_message, "</p>");
    }
    html.html(&context(workspace, viewer, place, home).blocks(&|_| None)).raw("</form></section>");
    html
}

/// Returns a fingerprint of a view that changes when the view must be rendered again.
fn state_of(view: &View, viewer: &Viewer<'_>) -> String {
    let hash = view.json["hash"].as_str().unwrap_or_default();
    let errors: Vec<_> = view.errors.iter().map(|(block, error)| format!("{block}:{error}")).collect();
    let message = view.error_message.as_deref().or(viewer.error_message).unwrap_or_default();
    format!("{}/{hash}/{}/{message}", view.id(), errors.join("/"))
}
