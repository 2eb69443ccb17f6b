//! Text and number inputs.

use serde::{Serialize, Serializer};
use sym_sdk::error::Result;

use super::methods;
use crate::slack::blocks::id::ActionId;
use crate::slack::blocks::text::{PlainText, TextObject};
use crate::slack::blocks::{invalid, limits, measure};

/// When an input dispatches an action to the app, before the view is submitted.
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

/// A text input.
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
    placeholder: Option<TextObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dispatch_action_config: Option<DispatchConfig>,
}

impl PlainTextInput {
    /// Creates an input for one line of at most 3000 characters.
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

    /// Allows several lines.
    pub fn multiline(mut self) -> Self {
        self.multiline = true;
        self
    }

    /// Sets the maximum number of characters.
    ///
    /// # Errors
    /// If it is not between 1 and 3000, or less than the length of the initial value.
    pub fn max_length(mut self, length: usize) -> Result<Self> {
        if !(1..=limits::INPUT_LENGTH).contains(&length) {
            return Err(invalid(format!("the maximum length of an input must be 1 to 3000, not {length}")));
        }
        self.max_length = length;
        self.checked()
    }

    /// Sets the initial value. It is submitted if the user changes nothing, so it is never truncated.
    ///
    /// # Errors
    /// If it is longer than the maximum length.
    pub fn initial_value(mut self, text: impl Into<String>) -> Result<Self> {
        self.initial_value = Some(text.into()).filter(|text| !text.is_empty());
        self.checked()
    }

    fn checked(self) -> Result<Self> {
        let length = self.initial_value.as_deref().map_or(0, measure::utf16_length);
        if length > self.max_length {
            let limit = self.max_length;
            return Err(invalid(format!(
                "the initial value has {length} characters, the input accepts at most {limit}"
            )));
        }
        Ok(self)
    }
}

/// An input for a whole number.
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
    placeholder: Option<TextObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dispatch_action_config: Option<DispatchConfig>,
}

impl NumberInput {
    /// Creates an input for any whole number.
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

    /// Sets the minimum.
    ///
    /// # Errors
    /// If it is above the maximum or the initial value.
    pub fn min_value(mut self, min: i64) -> Result<Self> {
        self.min_value = Some(min);
        self.checked()
    }

    /// Sets the maximum.
    ///
    /// # Errors
    /// If it is below the minimum or the initial value.
    pub fn max_value(mut self, max: i64) -> Result<Self> {
        self.max_value = Some(max);
        self.checked()
    }

    /// Sets the initial value.
    ///
    /// # Errors
    /// If it is below the minimum or above the maximum.
    pub fn initial_value(mut self, number: i64) -> Result<Self> {
        self.initial_value = Some(number);
        self.checked()
    }

    fn checked(self) -> Result<Self> {
        let (min, max) = (self.min_value.unwrap_or(i64::MIN), self.max_value.unwrap_or(i64::MAX));
        if min > max {
            return Err(invalid(format!("the minimum {min} is greater than the maximum {max}")));
        }
        match self.initial_value {
            Some(number) if number < min => {
                Err(invalid(format!("the initial value {number} is less than the minimum {min}")))
            }
            Some(number) if number > max => {
                Err(invalid(format!("the initial value {number} is greater than the maximum {max}")))
            }
            _ => Ok(self),
        }
    }
}

methods! {
    PlainTextInput: action_id, dispatch_on, placeholder;
    NumberInput: action_id, dispatch_on, placeholder;
}

/// Serializes a number as text: Slack does so because a JSON number may lose precision.
fn as_text<S: Serializer>(number: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => serializer.collect_str(number),
        None => serializer.serialize_none(),
    }
}
