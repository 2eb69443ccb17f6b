use serde::Serialize;
use sym_sdk::error::Result;

use crate::slack::blocks::Confirm;
use crate::slack::blocks::id::ActionId;
use crate::slack::blocks::option::{OptionObject, Options, not_offered};

/// Boxes to tick, at most 10.
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
    /// Boxes, none of them ticked.
    pub fn new(action_id: ActionId, options: Options<10>) -> Self {
        Self { action_id, options, initial_options: Vec::new() }
    }

    /// Ticks the boxes of these values from the start. An error if there is no such box.
    pub fn initial_values<V: AsRef<str>>(mut self, values: impl IntoIterator<Item = V>) -> Result<Self> {
        self.initial_options = Vec::new();
        for value in values {
            let option = self.options.get(value.as_ref()).ok_or_else(|| not_offered(value.as_ref()))?;
            if !self.initial_options.contains(option) {
                self.initial_options.push(option.clone());
            }
        }
        Ok(self)
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }
}

/// Buttons of which one is on, at most 10.
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
    /// Buttons, none of them on.
    pub fn new(action_id: ActionId, options: Options<10>) -> Self {
        Self { action_id, options, initial_option: None }
    }

    /// Turns on the button of this value from the start. An error if there is no such button.
    pub fn initial_value(mut self, value: impl AsRef<str>) -> Result<Self> {
        let option = self.options.get(value.as_ref()).ok_or_else(|| not_offered(value.as_ref()))?;
        self.initial_option = Some(option.clone());
        Ok(self)
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }
}

/// A menu behind three dots, of at most 5 options.
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
    /// A menu of these options.
    pub fn new(action_id: ActionId, options: Options<5>) -> Self {
        Self { action_id, options, confirm: None }
    }

    /// Asks once more.
    pub fn confirm(mut self, confirm: Confirm) -> Self {
        self.confirm = Some(confirm);
        self
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }
}
