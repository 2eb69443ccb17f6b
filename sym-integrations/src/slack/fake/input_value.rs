//! Values that people enter in inputs or select in menus.

use serde_json::{Value, json};

use super::Member;
use super::visible_state::{ElementRef, list, value_key};

/// A value that a person enters in an input or selects in a menu: one or several texts.
///
/// Options are given by their labels, people by their names or ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputValue(Vec<String>);

impl From<&str> for InputValue {
    fn from(text: &str) -> Self {
        Self(vec![text.to_owned()])
    }
}

impl From<String> for InputValue {
    fn from(text: String) -> Self {
        Self(vec![text])
    }
}

impl From<Vec<String>> for InputValue {
    fn from(texts: Vec<String>) -> Self {
        Self(texts)
    }
}

impl<const N: usize> From<[&str; N]> for InputValue {
    fn from(texts: [&str; N]) -> Self {
        Self(texts.into_iter().map(str::to_owned).collect())
    }
}

/// The attribute by which options are identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The visible label.
    Label,
    /// The value sent to the app.
    Value,
}

impl InputValue {
    /// Returns the non-empty texts.
    fn filled(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn texts(&self) -> &[String] {
        &self.0
    }

    /// Returns the element's value after this input. `offered` are the options of a menu with external options. The error describes an
    /// unknown option or person.
    pub(super) fn value(
        &self,
        item: ElementRef<'_>,
        by: By,
        offered: &[Value],
        members: &[Member],
    ) -> Result<Value, String> {
        let kind = item.kind();
        let key = value_key(kind).ok_or_else(|| format!("a `{kind}` accepts no input"))?;
        let options = || options(item.element).into_iter().chain(offered);
        let option = |text: &str| {
            let is_meant = |option: &&Value| match by {
                By::Label => option["text"]["text"] == text,
                By::Value => option["value"] == text,
            };
            options().find(is_meant).cloned().ok_or_else(|| missing(text, &options().collect::<Vec<_>>()))
        };
        let member = |text: &str| {
            let mut known = members.iter();
            let member = known.find(|member| member.id() == text || member.display_name() == text);
            member.map(|member| json!(member.id())).ok_or_else(|| format!("no member is called `{text}`"))
        };
        let (one, several) = (self.filled().next(), || self.filled());
        let value = match key {
            "value" => one.map(|text| json!(text)).unwrap_or_default(),
            "selected_option" => one.map(option).transpose()?.unwrap_or_default(),
            "selected_options" => several().map(option).collect::<Result<_, _>>()?,
            "selected_user" => one.map(member).transpose()?.unwrap_or_default(),
            "selected_users" => several().map(member).collect::<Result<_, _>>()?,
            "selected_date_time" => one.and_then(|text| text.parse::<i64>().ok()).map(Value::from).unwrap_or_default(),
            key if key.ends_with('s') => several().map(Value::from).collect(),
            _ => one.map(Value::from).unwrap_or_default(),
        };
        Ok(json!({ "type": kind, key: value }))
    }
}

/// Returns the options of a menu, including those in groups.
pub(super) fn options(element: &Value) -> Vec<&Value> {
    let groups = list(&element["option_groups"]).iter().map(|group| &group["options"]);
    let initial = list(&element["initial_options"]).iter().chain(element.get("initial_option"));
    groups.chain([&element["options"]]).flat_map(list).chain(initial).collect()
}

fn missing(text: &str, options: &[&Value]) -> String {
    const SHOWN: usize = 10;
    let mut labels: Vec<_> = options.iter().filter_map(|option| option["text"]["text"].as_str()).collect();
    labels.dedup();
    let more = if labels.len() > SHOWN { ", …" } else { "" };
    let shown: Vec<_> = labels.iter().take(SHOWN).map(|label| format!("`{label}`")).collect();
    format!("no option is labelled `{text}`; options: {}{more}", shown.join(", "))
}
