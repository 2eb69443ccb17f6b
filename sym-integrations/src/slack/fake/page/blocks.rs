//! Rendering of blocks and their elements as HTML.

use serde_json::{Value, json};

use super::html::Html;
use super::{mrkdwn, rich_text};
use crate::slack::fake::input_value::options;
use crate::slack::fake::interactions::Key;
use crate::slack::fake::visible_state::{ElementRef, Values, blocks, elements, list, value_key};
use crate::slack::fake::workspace::Workspace;

/// The surface to render, and the person it is rendered for.
pub(super) struct RenderContext<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) user: &'a str,
    /// The name of the surface.
    pub(super) surface: &'a str,
    pub(super) json: &'a Value,
    pub(super) values: &'a Values,
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

impl RenderContext<'_> {
    /// Renders all blocks. `errors` returns a view's error for a block.
    pub(super) fn blocks(&self, errors: &dyn Fn(&str) -> Option<String>) -> Html {
        let mut html = Html::new();
        for block in blocks(self.json) {
            html.html(&self.block(block, errors));
        }
        html
    }

    fn text(&self, text: &Value) -> Html {
        let content = text["text"].as_str().unwrap_or_default();
        if text["type"] == "mrkdwn" {
            return mrkdwn::html(content, self.workspace);
        }
        let mut html = Html::new();
        html.tagged("<span class=\"plain\">", content, "</span>");
        html
    }

    fn block(&self, block: &Value, errors: &dyn Fn(&str) -> Option<String>) -> Html {
        let mut html = Html::new();
        match block["type"].as_str().unwrap_or_default() {
            "divider" => drop(html.raw("<hr>")),
            "header" => drop(html.raw("<h3>").html(&self.text(&block["text"])).raw("</h3>")),
            "context" => {
                html.raw("<p class=\"context\">");
                for element in list(&block["elements"]) {
                    html.html(&self.text(element)).raw(" ");
                }
                html.raw("</p>");
            }
            "section" => {
                html.raw("<div class=\"section\">");
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
                self.elements_of(block, &mut html);
                html.raw("</div>");
            }
            "rich_text" => {
                html.raw("<div class=\"section\">");
                for part in list(&block["elements"]) {
                    html.html(&rich_text::html(part, self.workspace));
                }
                html.raw("</div>");
            }
            "actions" => {
                html.raw("<div class=\"actions\">");
                self.elements_of(block, &mut html);
                html.raw("</div>");
            }
            "input" => self.input(block, errors, &mut html),
            other => drop(html.tagged("<p class=\"context\">(a block of type ", other, ")</p>")),
        }
        html
    }

    fn elements_of(&self, block: &Value, html: &mut Html) {
        for element in elements(block) {
            self.element(ElementRef { block, element }, html);
        }
    }

    fn input(&self, block: &Value, errors: &dyn Fn(&str) -> Option<String>, html: &mut Html) {
        let item = ElementRef { block, element: &block["element"] };
        html.raw("<fieldset><legend>").html(&self.text(&block["label"]));
        if block["optional"] == true {
            html.raw(" <small>(optional)</small>");
        }
        html.raw("</legend>");
        self.element(item, html);
        if let Some(error) = errors(item.block_id()) {
            html.raw("<p class=\"error\" role=\"alert\">").text(&error).raw("</p>");
        }
        if block["hint"].is_object() {
            html.raw("<p class=\"context\">").html(&self.text(&block["hint"])).raw("</p>");
        }
        html.raw("</fieldset>");
    }

    fn element(&self, item: ElementRef<'_>, html: &mut Html) {
        let key = item.key();
        let value = self.values.get(&key).zip(value_key(item.kind())).map(|(value, name)| &value[name]);
        let value = value.unwrap_or(&Value::Null);
        match item.kind() {
            "button" => self.button(item, &key, html),
            "plain_text_input" | "number_input" | "email_text_input" | "url_text_input" => {
                text_input(item, &key, value, html);
            }
            "radio_buttons" | "checkboxes" => ticks(item, &key, value, html),
            "users_select" | "multi_users_select" => self.users(item, &key, value, html),
            kind if kind.ends_with("static_select") => menu(item, &key, value, &options(item.element), html),
            kind if kind.ends_with("external_select") => self.external(item, &key, value, html),
            "image" => {}
            kind => drop(html.tagged("<span class=\"context\">(an element of type ", kind, ")</span>")),
        }
        // Elements whose changes are dispatched immediately need a button where scripts are disabled.
        if item.kind() != "button" && item.dispatches() {
            html.raw("<button class=\"quiet dispatch\" name=\"do\"")
                .attr("value", &button_value("enter", &key))
                .raw(">OK</button>");
        }
    }

    fn button(&self, item: ElementRef<'_>, key: &Key, html: &mut Html) {
        let class = match item.element["style"].as_str() {
            Some("primary") => "primary",
            Some("danger") => "danger",
            _ => "quiet",
        };
        let label = item.element["text"]["text"].as_str().unwrap_or_default();
        let click = button_value("click", key);
        let confirm = &item.element["confirm"];
        if !confirm.is_object() {
            html.raw("<button name=\"do\"")
                .attr("class", class)
                .attr("value", &click)
                .raw(">")
                .text(label)
                .raw("</button>");
            return;
        }
        // The confirmation works without a script.
        html.raw("<details class=\"confirm\"><summary")
            .attr("class", class)
            .raw(">")
            .text(label)
            .raw("</summary><div><b>");
        html.html(&self.text(&confirm["title"])).raw("</b><p>").html(&self.text(&confirm["text"])).raw("</p>");
        html.raw("<button name=\"do\"").attr("class", class).attr("value", &click).raw(">");
        html.html(&self.text(&confirm["confirm"])).raw("</button></div></details>");
    }

    fn users(&self, item: ElementRef<'_>, key: &Key, value: &Value, html: &mut Html) {
        let people: Vec<Value> = self
            .workspace
            .members
            .values()
            .filter(|member| member.is_active())
            .map(|member| json!({ "value": member.id(), "text": { "text": member.display_name() } }))
            .collect();
        menu(item, key, value, &people.iter().collect::<Vec<_>>(), html);
    }

    /// Renders a menu with external options: those that the app offered last.
    fn external(&self, item: ElementRef<'_>, key: &Key, value: &Value, html: &mut Html) {
        let offered = self
            .workspace
            .offered
            .get(&(self.user.to_owned(), self.surface.to_owned(), key.clone()))
            .unwrap_or_default();
        let picked: Vec<&Value> = match value {
            Value::Array(several) => several.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        let others = offered.iter().filter(|option| !picked.contains(option));
        let all: Vec<&Value> = picked.iter().copied().chain(others).collect();
        html.raw("<div class=\"external\"");
        html.attr("data-block", &key.0)
            .attr("data-action", &key.1)
            .raw("><input type=\"search\" placeholder=\"Type to search\"");
        html.attr("name", &format!("typed:{}", field_name(key))).raw(" autocomplete=\"off\">");
        html.raw("<button class=\"quiet find\" name=\"do\"")
            .attr("value", &button_value("find", key))
            .raw(">Find</button>");
        menu(item, key, value, &all, html);
        html.raw("</div>");
    }
}

fn text_input(item: ElementRef<'_>, key: &Key, value: &Value, html: &mut Html) {
    let element = item.element;
    let text = value.as_str().unwrap_or_default();
    let placeholder = element["placeholder"]["text"].as_str().unwrap_or_default();
    let name = field_name(key);
    if element["multiline"] == true {
        html.raw("<textarea rows=\"3\"").attr("name", &name).attr("placeholder", placeholder).raw(">\n");
        html.text(text).raw("</textarea>");
        return;
    }
    html.raw("<input type=\"text\"").attr("name", &name).attr("value", text).attr("placeholder", placeholder);
    if item.kind() == "number_input" {
        html.raw(" inputmode=\"decimal\"");
    }
    html.raw(" autocomplete=\"off\">");
}

/// Returns the selected values.
fn picked(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(several) => {
            several.iter().filter_map(|value| value.as_str().or(value["value"].as_str())).collect()
        }
        value => value.as_str().or(value["value"].as_str()).into_iter().collect(),
    }
}

fn menu(item: ElementRef<'_>, key: &Key, value: &Value, options: &[&Value], html: &mut Html) {
    let is_multi = item.kind().starts_with("multi_");
    let picked = picked(value);
    // A multi-select submits nothing when nothing is selected; this field says that it was there.
    html.raw("<input type=\"hidden\" value=\"\"")
        .attr("name", &field_name(key))
        .raw("><select")
        .attr("name", &field_name(key));
    html.flag("multiple", is_multi).raw(">");
    if !is_multi {
        let placeholder = item.element["placeholder"]["text"].as_str().unwrap_or("Select an option");
        html.raw("<option value=\"\">").text(placeholder).raw("</option>");
    }
    let mut seen = std::collections::HashSet::new();
    for option in options {
        let value = option["value"].as_str().unwrap_or_default();
        if seen.insert(value) {
            html.raw("<option").attr("value", value).flag("selected", picked.contains(&value)).raw(">");
            html.text(option["text"]["text"].as_str().unwrap_or_default()).raw("</option>");
        }
    }
    html.raw("</select>");
}

fn ticks(item: ElementRef<'_>, key: &Key, value: &Value, html: &mut Html) {
    let kind = if item.kind() == "checkboxes" { "checkbox" } else { "radio" };
    let picked = picked(value);
    html.raw("<input type=\"hidden\" value=\"\"").attr("name", &field_name(key)).raw(">");
    for option in options(item.element).into_iter().filter(|option| list(&item.element["options"]).contains(option)) {
        let value = option["value"].as_str().unwrap_or_default();
        html.raw("<label class=\"tick\"><input").attr("type", kind).attr("name", &field_name(key)).attr("value", value);
        html.flag("checked", picked.contains(&value)).raw("> ");
        html.text(option["text"]["text"].as_str().unwrap_or_default()).raw("</label>");
    }
}
