//! Options of menus, and suggestions.

use serde::Serialize;
use sym_sdk::error::Result;

use super::id::OptionValue;
use super::text::{PlainText, TextObject};
use super::validate::{check_count, check_unique};
use super::{invalid, limits};

/// An option of a menu.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/composition-objects/option-object).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OptionObject {
    text: TextObject,
    value: OptionValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<TextObject>,
}

impl OptionObject {
    /// Creates an option of the value that is sent back and the label that is shown, truncated to 75 characters. If the label is
    /// blank, the value is shown.
    pub fn new(value: OptionValue, label: impl Into<PlainText>) -> Self {
        let label = label.into();
        let label = if label.is_blank() { PlainText::new(value.as_str()) } else { label };
        Self { text: label.truncate(limits::OPTION_TEXT), value, description: None }
    }

    /// Sets a description below the label, truncated to 75 characters.
    pub fn description(mut self, text: impl Into<PlainText>) -> Self {
        self.description = text.into().truncate_non_blank(limits::OPTION_TEXT);
        self
    }

    /// Returns the value that is sent back.
    pub fn value(&self) -> &OptionValue {
        &self.value
    }
}

/// A list of 1 to `MAX` options with distinct values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Options<const MAX: usize = { limits::OPTIONS }>(Vec<OptionObject>);

impl<const MAX: usize> Options<MAX> {
    /// Creates a list of options. If there can be more, use an [`ExternalSelect`](super::ExternalSelect).
    ///
    /// # Errors
    /// If the number of options is out of range or two have the same value.
    pub fn new(options: impl IntoIterator<Item = OptionObject>) -> Result<Self> {
        let options: Vec<_> = options.into_iter().collect();
        check_count("options", options.len(), 1, MAX)?;
        check_unique("option", options.iter().map(OptionObject::value))?;
        Ok(Self(options))
    }

    /// Returns the option with this value.
    pub fn get(&self, value: &str) -> Option<&OptionObject> {
        self.0.iter().find(|option| option.value == *value)
    }

    pub(super) fn select(&self, value: &str) -> Result<OptionObject> {
        self.get(value).cloned().ok_or_else(|| not_an_option(value))
    }
}

/// A group of options with a label.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/composition-objects/option-group-object).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OptionGroup {
    label: TextObject,
    options: Options,
}

impl OptionGroup {
    /// Creates a group of a label, truncated to 75 characters, and its options.
    pub fn new(label: impl Into<PlainText>, options: Options) -> Self {
        Self { label: label.into().truncate(limits::OPTION_TEXT), options }
    }
}

/// The options of a menu: a list of options or of groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct MenuOptions(MenuOptionsKind);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum MenuOptionsKind {
    Options(Options),
    OptionGroups(Vec<OptionGroup>),
}

impl MenuOptions {
    /// Creates menu options of 1 to 100 groups.
    ///
    /// # Errors
    /// If the number of groups is out of range.
    pub fn groups(groups: impl IntoIterator<Item = OptionGroup>) -> Result<Self> {
        let groups: Vec<_> = groups.into_iter().collect();
        check_count("groups of options", groups.len(), 1, limits::OPTION_GROUPS)?;
        Ok(Self(MenuOptionsKind::OptionGroups(groups)))
    }

    /// Returns the option with this value, from the first group that has one.
    pub fn get(&self, value: &str) -> Option<&OptionObject> {
        match &self.0 {
            MenuOptionsKind::Options(options) => options.get(value),
            MenuOptionsKind::OptionGroups(groups) => groups.iter().find_map(|group| group.options.get(value)),
        }
    }

    pub(super) fn select(&self, value: &str) -> Result<OptionObject> {
        self.get(value).cloned().ok_or_else(|| not_an_option(value))
    }
}

impl From<Options> for MenuOptions {
    fn from(options: Options) -> Self {
        Self(MenuOptionsKind::Options(options))
    }
}

fn not_an_option(value: &str) -> sym_sdk::Error {
    invalid(format!("the initial value `{value}` is not one of the options"))
}

/// The response to a `block_suggestion`: a user is typing in an [`ExternalSelect`](super::ExternalSelect).
///
/// ```
/// use sym_integrations::slack::blocks::{OptionObject, OptionValue, Suggestions};
///
/// let found = (0..250).map(|n| Ok(OptionObject::new(OptionValue::new(n.to_string())?, format!("Database {n}"))));
/// let suggestions = Suggestions::best(found.collect::<sym_sdk::Result<Vec<_>>>()?);
/// assert_eq!(suggestions.len(), 100);
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Suggestions {
    options: Vec<OptionObject>,
}

impl Suggestions {
    /// Creates suggestions from the first 100 options, as Slack shows no more. Options whose value has occurred before are
    /// dropped. There may be none.
    pub fn best(options: impl IntoIterator<Item = OptionObject>) -> Self {
        let mut seen = std::collections::HashSet::new();
        let options = options.into_iter().filter(|option| seen.insert(option.value.clone()));
        Self { options: options.take(limits::OPTIONS).collect() }
    }

    /// Returns the number of options.
    pub fn len(&self) -> usize {
        self.options.len()
    }

    /// Returns whether there are no options.
    pub fn is_empty(&self) -> bool {
        self.options.is_empty()
    }
}
