use serde::{Serialize, Serializer};
use sym_sdk::error::Result;

use crate::slack::blocks::id::ActionId;
use crate::slack::blocks::text::{PlainText, Shown};
use crate::slack::blocks::{invalid, limits, measure};

/// When an input tells the app of what is typed, before the view is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DispatchOn {
    /// When Enter is pressed.
    #[serde(rename = "on_enter_pressed")]
    Enter,
    /// With every character.
    #[serde(rename = "on_character_entered")]
    Character,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DispatchConfig {
    trigger_actions_on: [DispatchOn; 1],
}

/// Text to type.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlainTextInput {
    action_id: ActionId,
    multiline: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_value: Option<String>,
    max_length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dispatch_action_config: Option<DispatchConfig>,
}

impl PlainTextInput {
    /// One line of at most 3000 characters.
    pub fn new(action_id: ActionId) -> Self {
        Self {
            action_id,
            multiline: false,
            initial_value: None,
            max_length: limits::INPUT_LENGTH,
            placeholder: None,
            dispatch_action_config: None,
        }
    }

    /// Several lines.
    pub fn multiline(mut self) -> Self {
        self.multiline = true;
        self
    }

    /// The most characters that can be typed, 1 to 3000.
    pub fn max_length(mut self, length: usize) -> Result<Self> {
        if !(1..=limits::INPUT_LENGTH).contains(&length) {
            return Err(invalid(format!("the most characters of an input can be 1 to 3000, not {length}")));
        }
        self.max_length = length;
        self.checked()
    }

    /// What stands there from the start. It is what would be submitted, so what is too long is an error and never cut.
    pub fn initial_value(mut self, text: impl Into<String>) -> Result<Self> {
        self.initial_value = Some(text.into()).filter(|text| !text.is_empty());
        self.checked()
    }

    /// Shown in grey while there is nothing, in 150 characters.
    pub fn placeholder(mut self, text: impl Into<PlainText>) -> Self {
        self.placeholder = text.into().cut_unless_blank(limits::PLACEHOLDER);
        self
    }

    /// When the app is told of what is typed, if the [`Input`](crate::slack::blocks::Input) dispatches at all.
    pub fn dispatch_on(mut self, when: DispatchOn) -> Self {
        self.dispatch_action_config = Some(DispatchConfig { trigger_actions_on: [when] });
        self
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }

    fn checked(self) -> Result<Self> {
        let length = self.initial_value.as_deref().map_or(0, measure::utf16_length);
        if length > self.max_length {
            let most = self.max_length;
            return Err(invalid(format!("the initial value has {length} characters, the input takes at most {most}")));
        }
        Ok(self)
    }
}

/// A whole number to type.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/number-input-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberInput {
    action_id: ActionId,
    is_decimal_allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    initial_value: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    min_value: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    max_value: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dispatch_action_config: Option<DispatchConfig>,
}

impl NumberInput {
    /// Any whole number.
    pub fn new(action_id: ActionId) -> Self {
        Self {
            action_id,
            is_decimal_allowed: false,
            initial_value: None,
            min_value: None,
            max_value: None,
            placeholder: None,
            dispatch_action_config: None,
        }
    }

    /// The least number.
    pub fn min_value(mut self, least: i64) -> Result<Self> {
        self.min_value = Some(least);
        self.checked()
    }

    /// The greatest number.
    pub fn max_value(mut self, most: i64) -> Result<Self> {
        self.max_value = Some(most);
        self.checked()
    }

    /// What stands there from the start. It must be within the bounds.
    pub fn initial_value(mut self, number: i64) -> Result<Self> {
        self.initial_value = Some(number);
        self.checked()
    }

    /// Shown in grey while there is nothing, in 150 characters.
    pub fn placeholder(mut self, text: impl Into<PlainText>) -> Self {
        self.placeholder = text.into().cut_unless_blank(limits::PLACEHOLDER);
        self
    }

    /// When the app is told of what is typed, if the [`Input`](crate::slack::blocks::Input) dispatches at all.
    pub fn dispatch_on(mut self, when: DispatchOn) -> Self {
        self.dispatch_action_config = Some(DispatchConfig { trigger_actions_on: [when] });
        self
    }

    /// What it goes by in what Slack sends.
    pub fn action_id(&self) -> &ActionId {
        &self.action_id
    }

    fn checked(self) -> Result<Self> {
        let (least, most) = (self.min_value.unwrap_or(i64::MIN), self.max_value.unwrap_or(i64::MAX));
        if least > most {
            return Err(invalid(format!("there is no number from {least} to {most}")));
        }
        match self.initial_value {
            Some(number) if number < least => Err(invalid(format!("the initial value {number} is less than {least}"))),
            Some(number) if number > most => Err(invalid(format!("the initial value {number} is more than {most}"))),
            _ => Ok(self),
        }
    }
}

/// Slack has numbers as text, as JSON cannot hold all of them.
fn as_text<S: Serializer>(number: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => serializer.collect_str(number),
        None => serializer.serialize_none(),
    }
}
