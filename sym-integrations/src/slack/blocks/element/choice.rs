//! Checkboxes, radio buttons and overflow menus.

use serde::Serialize;
use sym_sdk::error::Result;

use super::methods;
use crate::slack::blocks::Confirm;
use crate::slack::blocks::id::ActionId;
use crate::slack::blocks::option::{OptionObject, Options};

/// A group of at most 10 checkboxes.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkboxes {
    action_id: ActionId,
    options: Options<10>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    initial_options: Vec<OptionObject>,
}

impl Checkboxes {
    /// Creates checkboxes, none of them checked.
    pub fn new(action_id: ActionId, options: Options<10>) -> Self {
        Self { action_id, options, initial_options: Vec::new() }
    }

    /// Checks the boxes with these values initially.
    ///
    /// # Errors
    /// If a value is not one of the options.
    pub fn initial_values<V: AsRef<str>>(mut self, values: impl IntoIterator<Item = V>) -> Result<Self> {
        self.initial_options = Vec::new();
        for value in values {
            let option = self.options.select(value.as_ref())?;
            if !self.initial_options.contains(&option) {
                self.initial_options.push(option);
            }
        }
        Ok(self)
    }
}

/// A group of at most 10 radio buttons.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/radio-button-group-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RadioButtons {
    action_id: ActionId,
    options: Options<10>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_option: Option<OptionObject>,
}

impl RadioButtons {
    /// Creates radio buttons, none of them selected.
    pub fn new(action_id: ActionId, options: Options<10>) -> Self {
        Self { action_id, options, initial_option: None }
    }

    /// Selects the button with this value initially.
    ///
    /// # Errors
    /// If the value is not one of the options.
    pub fn initial_value(mut self, value: impl AsRef<str>) -> Result<Self> {
        self.initial_option = Some(self.options.select(value.as_ref())?);
        Ok(self)
    }
}

/// An overflow menu, shown as three dots, with at most 5 options.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overflow {
    action_id: ActionId,
    options: Options<5>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Confirm>,
}

impl Overflow {
    /// Creates an overflow menu with these options.
    pub fn new(action_id: ActionId, options: Options<5>) -> Self {
        Self { action_id, options, confirm: None }
    }
}

methods! {
    Checkboxes: action_id;
    RadioButtons: action_id;
    Overflow: action_id, confirm;
}
