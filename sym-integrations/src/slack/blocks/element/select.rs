use std::num::NonZeroU32;

use serde::Serialize;
use sym_sdk::error::Result;

use crate::slack::blocks::id::ActionId;
use crate::slack::blocks::invalid::pickable;
use crate::slack::blocks::limits;
use crate::slack::blocks::option::{Choice, OptionObject};
use crate::slack::blocks::text::{PlainText, Shown};

/// A menu of options, of which one is picked.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StaticSelect {
    action_id: ActionId,
    #[serde(flatten)]
    choice: Choice,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_option: Option<OptionObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<Shown>,
}

impl StaticSelect {
    /// A menu of these [`Options`](crate::slack::blocks::Options), or groups of them, of which none is picked yet.
    pub fn new(action_id: ActionId, choice: impl Into<Choice>) -> Self {
        Self { action_id, choice: choice.into(), initial_option: None, placeholder: None }
    }

    /// Picks the option of this value from the start. An error if there is no such option.
    pub fn initial_value(mut self, value: impl AsRef<str>) -> Result<Self> {
        self.initial_option = Some(self.choice.pick(value.as_ref())?);
        Ok(self)
    }

    /// Shown while nothing is picked, in 150 characters.
    pub fn placeholder(mut self, text: impl Into<PlainText>) -> Self {
        self.placeholder = text.into().cut_unless_blank(limits::PLACEHOLDER);
        self
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }
}

/// A menu of options, of which several can be picked.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/multi-select-menu-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MultiStaticSelect {
    action_id: ActionId,
    #[serde(flatten)]
    choice: Choice,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    initial_options: Vec<OptionObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_selected_items: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<Shown>,
}

impl MultiStaticSelect {
    /// A menu of these [`Options`](crate::slack::blocks::Options), or groups of them, of which none is picked yet.
    pub fn new(action_id: ActionId, choice: impl Into<Choice>) -> Self {
        let (initial_options, max_selected_items, placeholder) = Default::default();
        Self { action_id, choice: choice.into(), initial_options, max_selected_items, placeholder }
    }

    /// Picks the options of these values from the start. An error if there is no such option.
    pub fn initial_values<V: AsRef<str>>(mut self, values: impl IntoIterator<Item = V>) -> Result<Self> {
        let picked: Result<Vec<_>> = values.into_iter().map(|value| self.choice.pick(value.as_ref())).collect();
        self.initial_options = each_once(picked?);
        self.checked()
    }

    /// How many can be picked. An error if more are picked from the start.
    pub fn max_selected_items(mut self, most: NonZeroU32) -> Result<Self> {
        self.max_selected_items = Some(most);
        self.checked()
    }

    /// Shown while nothing is picked, in 150 characters.
    pub fn placeholder(mut self, text: impl Into<PlainText>) -> Self {
        self.placeholder = text.into().cut_unless_blank(limits::PLACEHOLDER);
        self
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }

    fn checked(self) -> Result<Self> {
        pickable(self.initial_options.len(), self.max_selected_items)?;
        Ok(self)
    }
}

/// A menu whose options the app is asked for while a person types, of which one is picked. The answer is
/// [`Suggestions`](crate::slack::blocks::Suggestions).
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExternalSelect {
    action_id: ActionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_option: Option<OptionObject>,
    min_query_length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<Shown>,
}

impl ExternalSelect {
    /// A menu that asks as soon as it opens, of which nothing is picked yet.
    pub fn new(action_id: ActionId) -> Self {
        Self { action_id, initial_option: None, min_query_length: 0, placeholder: None }
    }

    /// Picks this option from the start.
    pub fn initial_option(mut self, option: OptionObject) -> Self {
        self.initial_option = Some(option);
        self
    }

    /// Asks once this many characters are typed; 0, as it is without, asks when the menu opens.
    pub fn min_query_length(mut self, length: u32) -> Self {
        self.min_query_length = length;
        self
    }

    /// Shown while nothing is picked, in 150 characters.
    pub fn placeholder(mut self, text: impl Into<PlainText>) -> Self {
        self.placeholder = text.into().cut_unless_blank(limits::PLACEHOLDER);
        self
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }
}

/// A menu whose options the app is asked for while a person types, of which several can be picked. The answer is
/// [`Suggestions`](crate::slack::blocks::Suggestions).
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/multi-select-menu-element#external_multi_select).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MultiExternalSelect {
    action_id: ActionId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    initial_options: Vec<OptionObject>,
    min_query_length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_selected_items: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<Shown>,
}

impl MultiExternalSelect {
    /// A menu that asks as soon as it opens, of which nothing is picked yet.
    pub fn new(action_id: ActionId) -> Self {
        let (initial_options, max_selected_items, placeholder) = Default::default();
        Self { action_id, initial_options, min_query_length: 0, max_selected_items, placeholder }
    }

    /// Picks these options from the start, each value once and at most 100.
    pub fn initial_options(mut self, options: impl IntoIterator<Item = OptionObject>) -> Result<Self> {
        self.initial_options = each_once(options.into_iter().collect());
        self.checked()
    }

    /// Asks once this many characters are typed; 0, as it is without, asks when the menu opens.
    pub fn min_query_length(mut self, length: u32) -> Self {
        self.min_query_length = length;
        self
    }

    /// How many can be picked. An error if more are picked from the start.
    pub fn max_selected_items(mut self, most: NonZeroU32) -> Result<Self> {
        self.max_selected_items = Some(most);
        self.checked()
    }

    /// Shown while nothing is picked, in 150 characters.
    pub fn placeholder(mut self, text: impl Into<PlainText>) -> Self {
        self.placeholder = text.into().cut_unless_blank(limits::PLACEHOLDER);
        self
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }

    fn checked(self) -> Result<Self> {
        pickable(self.initial_options.len(), self.max_selected_items)?;
        Ok(self)
    }
}

fn each_once(options: Vec<OptionObject>) -> Vec<OptionObject> {
    let mut seen = std::collections::HashSet::new();
    options.into_iter().filter(|option| seen.insert(option.value().clone())).collect()
}
