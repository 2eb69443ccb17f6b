//! Rendering of blocks as HTML.

use serde_json::{Value, json};

use super::html::Html;
use super::mrkdwn::Reader;
use super::{mrkdwn, rich_text};
use crate::slack::fake::interactions::Key;
use crate::slack::fake::visible_state::{ElementRef, Values, blocks, elements, list};
use crate::slack::fake::workspace::Workspace;

/// The surface to render, and the person it is rendered for.
pub(super) struct RenderContext<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) user: &'a str,
    /// The name of the surface.
    pub(super) surface: &'a str,
    pub(super) json: &'a Value,
    pub(super) values: &'a Values,
    /// The address of the page, for links that lead back to it.
    pub(super) address: &'a str,
}

/// Returns the form field of an element. The length of the block id makes the name unambiguous.
pub(super) fn field_name((block, action): &Key) -> String {
    format!("in:{}:{block}{action}", block.len())
}

/// Returns the element that a form field belongs to.
pub(super) fn key_of(field: &str) -> Option<Key> {
    let (length, ids) = field.strip_prefix("in:")?.split_once(':')?;
    let (block, action) = ids.split_at_checked(length.parse().ok()?)?;
    Some((block.to_owned(), action.to_owned()))
}

/// Returns the value that a button submits.
pub(super) fn button_value(what: &str, (block, action): &Key) -> String {
    json!([what, block, action]).to_string()
}

/// Returns an id of HTML for a name of the workspace. Different names have different ids, which contain no space.
pub(super) fn html_id(name: &str) -> String {
    name.chars().fold("x-".to_owned(), |mut id, c| {
        match c {
            c if c.is_ascii_alphanumeric() => id.push(c),
            c => id.push_str(&format!("-{:x}-", u32::from(c))),
        }
        id
    })
}

impl RenderContext<'_> {
    /// Renders all blocks. `errors` returns a view's error for a block.
    pub(super) fn blocks(&self, errors: &dyn Fn(&str) -> Option<String>) -> Html {
        let mut html = Html::new();
        for block in blocks(self.json) {
            html.html(&self.block(block, errors));
        }
        html
    }

    pub(super) fn text(&self, text: &Value) -> Html {
        let content = text["text"].as_str().unwrap_or_default();
        if text["type"] == "mrkdwn" {
            return mrkdwn::html(content, self.reader());
        }
        let mut html = Html::new();
        html.tagged("<span class=\"plain\">", content, "</span>");
        html
    }

    fn reader(&self) -> Reader<'_> {
        Reader { workspace: self.workspace, user: self.user }
    }

    /// Returns the id of an element.
    pub(super) fn id(&self, key: &Key) -> String {
        html_id(&format!("{}/{}", self.surface, field_name(key)))
    }

    fn block(&self, block: &Value, errors: &dyn Fn(&str) -> Option<String>) -> Html {
        let mut html = Html::new();
        match block["type"].as_str().unwrap_or_default() {
            "divider" => drop(html.raw("<hr>")),
            // Below the title of the page, or of the dialog.
            "header" if self.json["type"] == "modal" => {
                html.raw("<h3>").html(&self.text(&block["text"])).raw("</h3>");
            }
            "header" => drop(html.raw("<h2>").html(&self.text(&block["text"])).raw("</h2>")),
            "context" => {
                html.raw("<p class=\"context\">");
                for element in list(&block["elements"]) {
                    match element["type"].as_str() {
                        Some("image") => image(element, &mut html),
                        _ => drop(html.html(&self.text(element))),
                    }
                    html.raw(" ");
                }
                html.raw("</p>");
            }
            "section" => self.section(block, &mut html),
            "rich_text" => {
                html.raw("<div class=\"rich\">");
                for part in list(&block["elements"]) {
                    html.html(&rich_text::html(part, self.reader()));
                }
                html.raw("</div>");
            }
            "actions" => {
                html.raw("<div class=\"actions\">");
                self.elements_of(block, &mut html);
                html.raw("</div>");
            }
            "input" => self.input(block, errors, &mut html),
            "image" => image(block, &mut html),
            other => drop(html.tagged("<p class=\"context\">(a block of type ", other, ")</p>")),
        }
        html
    }

    fn section(&self, block: &Value, html: &mut Html) {
        html.raw("<div class=\"section\"><div>");
        if block["text"].is_object() {
            html.raw("<div>").html(&self.text(&block["text"])).raw("</div>");
        }
        if block["fields"].is_array() {
            html.raw("<div class=\"fields\">");
            for field in list(&block["fields"]) {
                html.raw("<div>").html(&self.text(field)).raw("</div>");
            }
            html.raw("</div>");
        }
        html.raw("</div>");
        if block["accessory"].is_object() {
            html.raw("<div class=\"accessory\">");
            self.elements_of(block, html);
            html.raw("</div>");
        }
        html.raw("</div>");
    }

    fn elements_of(&self, block: &Value, html: &mut Html) {
        for element in elements(block) {
            self.element(ElementRef { block, element }, &[], html);
        }
    }

    /// Renders an input with its label, hint and error. A label belongs to one control, a legend to a group of them.
    fn input(&self, block: &Value, errors: &dyn Fn(&str) -> Option<String>, html: &mut Html) {
        let item = ElementRef { block, element: &block["element"] };
        let is_group = matches!(item.kind(), "radio_buttons" | "checkboxes");
        let id = self.id(&item.key());
        let (error_id, hint_id) = (format!("{id}-error"), format!("{id}-hint"));
        let error = errors(item.block_id());
        let described: Vec<_> =
            [error.as_ref().map(|_| error_id.as_str()), block["hint"].as_object().map(|_| hint_id.as_str())]
                .into_iter()
                .flatten()
                .collect();
        let described = described.join(" ");
        if is_group {
            html.raw("<fieldset class=\"field\"");
            if !described.is_empty() {
                html.attr("aria-describedby", &described);
            }
            html.raw("><legend>");
        } else {
            html.raw("<div class=\"field\"><label").attr("for", &id).raw(">");
        }
        html.html(&self.text(&block["label"]));
        if block["optional"] == true {
            html.raw(" <small>(optional)</small>");
        }
        html.raw(if is_group { "</legend>" } else { "</label>" });
        let mut attributes = Vec::new();
        if error.is_some() {
            attributes.push(("aria-invalid", "true"));
        }
        if !described.is_empty() && !is_group {
            attributes.push(("aria-describedby", described.as_str()));
        }
        self.element(item, &attributes, html);
        if let Some(error) = &error {
            html.raw("<p class=\"error\"").attr("id", &error_id).raw(">").text(error).raw("</p>");
        }
        if block["hint"].is_object() {
            html.raw("<p class=\"context\"").attr("id", &hint_id).raw(">").html(&self.text(&block["hint"])).raw("</p>");
        }
        html.raw(if is_group { "</fieldset>" } else { "</div>" });
    }
}

/// Renders an image by its description, since nothing is loaded from elsewhere.
fn image(image: &Value, html: &mut Html) {
    html.tagged("<span class=\"context\">(image: ", image["alt_text"].as_str().unwrap_or_default(), ")</span>");
}
