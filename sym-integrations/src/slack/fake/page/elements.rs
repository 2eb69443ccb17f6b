//! Rendering of elements as HTML: buttons, inputs and menus.
//!
//! Everything works without a script: a menu whose options the app suggests is a search field, a button that searches, and the menu of what
//! was found. With the script it is one combobox.

use std::collections::HashSet;

use serde_json::{Value, json};
use url::Url;

use super::blocks::{RenderContext, button_value, field_name};
use super::html::Html;
use crate::slack::fake::input_value::options;
use crate::slack::fake::interactions::Key;
use crate::slack::fake::visible_state::{ElementRef, list, value_key};
use crate::slack::fake::workspace::Workspace;

/// Attributes that connect a control with its hint and its error.
type Attributes<'a> = &'a [(&'static str, &'a str)];

impl RenderContext<'_> {
    pub(super) fn element(&self, item: ElementRef<'_>, attributes: Attributes<'_>, html: &mut Html) {
        let key = item.key();
        let value = self.values.get(&key).zip(value_key(item.kind())).map(|(value, name)| &value[name]);
        let value = value.unwrap_or(&Value::Null);
        let control = Control { id: self.id(&key), name: field_name(&key), item, value, attributes };
        let dispatches = item.kind() != "button" && item.dispatches();
        if dispatches {
            html.raw("<div class=\"dispatching\">");
        }
        match item.kind() {
            "button" => self.button(item, &key, html),
            "plain_text_input" if item.element["multiline"] == true => control.text_area(html),
            "plain_text_input" => control.input("text", html),
            "number_input" => control.input("number", html),
            "email_text_input" => control.input("email", html),
            "url_text_input" => control.input("url", html),
            "datepicker" => control.input("date", html),
            "timepicker" => control.input("time", html),
            "radio_buttons" | "checkboxes" => control.ticks(html),
            "users_select" | "multi_users_select" => self.users(&control, html),
            kind if kind.ends_with("static_select") => self.select(&control, &options(item.element), html),
            kind if kind.ends_with("external_select") => self.external(&control, &key, html),
            "image" => {}
            kind => drop(html.tagged("<span class=\"context\">(an element of type ", kind, ")</span>")),
        }
        // Elements whose changes are dispatched immediately need a button where scripts are disabled.
        if dispatches {
            html.raw("<button class=\"button dispatch\" name=\"do\"")
                .attr("value", &button_value("enter", &key))
                .raw(">OK</button></div>");
        }
    }

    fn button(&self, item: ElementRef<'_>, key: &Key, html: &mut Html) {
        let class = match item.element["style"].as_str() {
            Some("primary") => "button primary",
            Some("danger") => "button danger",
            _ => "button",
        };
        let label = item.element["text"]["text"].as_str().unwrap_or_default();
        let (id, click) = (self.id(key), button_value("click", key));
        let url = item.element["url"].as_str().filter(|url| is_elsewhere(self.workspace, url, self.user));
        if let Some(url) = url {
            // The browser leaves for it. Programs tell the app of the click.
            html.raw("<a rel=\"noreferrer\" target=\"_blank\"").attr("class", class).attr("id", &id).attr("href", url);
            html.raw(">").text(label).raw("</a>");
            return;
        }
        let confirm = &item.element["confirm"];
        if !confirm.is_object() {
            html.raw("<button name=\"do\"").attr("class", class).attr("id", &id).attr("value", &click);
            if let Some(text) = item.element["accessibility_label"].as_str() {
                html.attr("aria-label", text);
            }
            html.raw(">").text(label).raw("</button>");
            return;
        }
        // The confirmation works without a script: the question opens in front of the page, and a link to the page closes it.
        html.raw("<details class=\"confirm\"><summary")
            .attr("class", class)
            .attr("id", &id)
            .raw(">")
            .text(label)
            .raw("</summary><div role=\"dialog\" aria-modal=\"true\"");
        html.attr("aria-label", confirm["title"]["text"].as_str().unwrap_or(label)).raw("><b>");
        html.html(&self.text(&confirm["title"])).raw("</b><p>").html(&self.text(&confirm["text"])).raw("</p>");
        let class = match confirm["style"].as_str() {
            Some("danger") => "button danger",
            _ => "button primary",
        };
        html.raw("<div class=\"actions\"><button name=\"do\"").attr("class", class);
        html.attr("id", &format!("{id}-yes")).attr("value", &click).raw(">");
        html.html(&self.text(&confirm["confirm"])).raw("</button><a class=\"button keep\"").attr("href", self.address);
        html.raw(">").html(&self.text(&confirm["deny"])).raw("</a></div></div></details>");
    }

    fn users(&self, control: &Control<'_>, html: &mut Html) {
        let people: Vec<Value> = self
            .workspace
            .members
            .values()
            .filter(|member| member.is_active())
            .map(|member| json!({ "value": member.id(), "text": { "text": member.display_name() } }))
            .collect();
        self.select(control, &people.iter().collect::<Vec<_>>(), html);
    }

    /// Renders a menu whose options are all here. Several are selected in a combobox too, where scripts are enabled.
    fn select(&self, control: &Control<'_>, options: &[&Value], html: &mut Html) {
        if !control.is_multi() {
            return control.menu(options, html);
        }
        html.raw("<div class=\"choose\"").attr("data-id", &control.id).raw(">");
        control.menu(options, html);
        html.raw("</div>");
    }

    /// Renders a menu with external options: those that the app offered last.
    fn external(&self, control: &Control<'_>, key: &Key, html: &mut Html) {
        let offered = (self.user.to_owned(), self.surface.to_owned(), key.clone());
        let offered = self.workspace.offered.get(&offered).unwrap_or_default();
        let picked: Vec<&Value> = match control.value {
            Value::Array(several) => several.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        let others = offered.iter().filter(|option| !picked.contains(option));
        let all: Vec<&Value> = picked.iter().copied().chain(others).collect();
        html.raw("<div class=\"choose external\"");
        html.attr("data-id", &control.id).attr("data-block", &key.0).attr("data-action", &key.1);
        html.raw("><input type=\"search\" aria-label=\"Search the options\" placeholder=\"Type to search\"");
        html.attr("name", &format!("typed:{}", control.name)).raw(" autocomplete=\"off\">");
        html.raw("<button class=\"button find\" name=\"do\"")
            .attr("value", &button_value("find", key))
            .raw(">Find</button>");
        control.menu(&all, html);
        html.raw("</div>");
    }
}

/// Whether an address leads to another site, rather than to a message of the workspace.
fn is_elsewhere(workspace: &Workspace, url: &str, user: &str) -> bool {
    let is_web = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"));
    is_web && workspace.page_of(url, user).is_none()
}

/// A control with its present value.
struct Control<'a> {
    id: String,
    name: String,
    item: ElementRef<'a>,
    value: &'a Value,
    attributes: Attributes<'a>,
}

impl Control<'_> {
    fn is_multi(&self) -> bool {
        self.item.kind().starts_with("multi_")
    }

    fn placeholder(&self) -> Option<&str> {
        self.item.element["placeholder"]["text"].as_str()
    }

    /// Appends what identifies the control. Outside an input, no label names it.
    fn identified<'h>(&self, html: &'h mut Html) -> &'h mut Html {
        html.attr("id", &self.id).attr("name", &self.name);
        for (name, value) in self.attributes {
            html.attr(name, value);
        }
        if !self.item.is_input() {
            let text = self.item.block["text"]["text"].as_str();
            html.attr("aria-label", self.placeholder().or(text).unwrap_or("Select an option"));
        }
        html
    }

    fn text_area(&self, html: &mut Html) {
        self.identified(html.raw("<textarea rows=\"3\""));
        html.attr("placeholder", self.placeholder().unwrap_or_default()).raw(">\n");
        html.text(self.value.as_str().unwrap_or_default()).raw("</textarea>");
    }

    fn input(&self, kind: &'static str, html: &mut Html) {
        // Numbers are validated as in Slack, which a control for numbers would forestall.
        let shown = if kind == "number" { "text" } else { kind };
        self.identified(html.raw("<input").attr("type", shown)).attr("value", self.value.as_str().unwrap_or_default());
        html.attr("placeholder", self.placeholder().unwrap_or_default());
        if kind == "number" {
            html.raw(" inputmode=\"decimal\"");
        }
        html.raw(" autocomplete=\"off\">");
    }

    /// Returns the selected values.
    fn picked(&self) -> Vec<&str> {
        match self.value {
            Value::Array(several) => {
                several.iter().filter_map(|value| value.as_str().or(value["value"].as_str())).collect()
            }
            value => value.as_str().or(value["value"].as_str()).into_iter().collect(),
        }
    }

    fn menu(&self, options: &[&Value], html: &mut Html) {
        let picked = self.picked();
        // A multi-select submits nothing when nothing is selected; this field says that it was there.
        html.raw("<input type=\"hidden\" value=\"\"").attr("name", &self.name).raw(">");
        self.identified(html.raw("<select")).flag("multiple", self.is_multi()).raw(">");
        if !self.is_multi() {
            let placeholder = self.placeholder().unwrap_or("Select an option");
            html.raw("<option value=\"\">").text(placeholder).raw("</option>");
        }
        let mut seen = HashSet::new();
        for option in options {
            let value = option["value"].as_str().unwrap_or_default();
            if seen.insert(value) {
                html.raw("<option").attr("value", value).flag("selected", picked.contains(&value)).raw(">");
                html.text(option["text"]["text"].as_str().unwrap_or_default()).raw("</option>");
            }
        }
        html.raw("</select>");
    }

    fn ticks(&self, html: &mut Html) {
        let kind = if self.item.kind() == "checkboxes" { "checkbox" } else { "radio" };
        let picked = self.picked();
        let own = list(&self.item.element["options"]);
        html.raw("<input type=\"hidden\" value=\"\"").attr("name", &self.name).raw(">");
        for (index, option) in options(self.item.element).into_iter().filter(|option| own.contains(option)).enumerate()
        {
            let value = option["value"].as_str().unwrap_or_default();
            // The first has the id of the element, so that the focus is found again.
            let id = if index == 0 { self.id.clone() } else { format!("{}-{index}", self.id) };
            html.raw("<label class=\"tick\"><input").attr("type", kind).attr("id", &id);
            html.attr("name", &self.name).attr("value", value).flag("checked", picked.contains(&value)).raw("> ");
            html.text(option["text"]["text"].as_str().unwrap_or_default()).raw("</label>");
        }
    }
}
