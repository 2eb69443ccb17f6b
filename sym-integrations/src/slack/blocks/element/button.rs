//! Buttons.

use serde::Serialize;
use sym_sdk::error::Result;
use url::Url;

use super::methods;
use crate::slack::blocks::id::{ActionId, ButtonValue};
use crate::slack::blocks::text::{PlainText, TextObject};
use crate::slack::blocks::{Confirm, invalid, limits, measure};

/// The color of a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Style {
    /// Green, for the primary action.
    Primary,
    /// Red, for a destructive action.
    Danger,
}

/// A button.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/button-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Button {
    action_id: ActionId,
    text: TextObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<ButtonValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<Style>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Confirm>,
}

impl Button {
    /// Creates a button with this label, truncated to 75 characters.
    pub fn new(action_id: ActionId, text: impl Into<PlainText>) -> Self {
        let text = text.into().truncate(limits::BUTTON_TEXT);
        Self { action_id, text, value: None, url: None, style: None, confirm: None }
    }

    /// Sets the value that is sent when the button is clicked.
    pub fn value(mut self, value: ButtonValue) -> Self {
        self.value = Some(value);
        self
    }

    /// Sets a URL that opens when the button is clicked.
    ///
    /// # Errors
    /// If the URL has more than 3000 characters or is neither `http` nor `https`.
    pub fn url(mut self, url: Url) -> Result<Self> {
        let length = measure::utf16_length(url.as_str());
        if length > limits::URL {
            let limit = limits::URL;
            return Err(invalid(format!("the URL of a button has {length} characters, Slack accepts at most {limit}")));
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(format!("the URL of a button must be `http` or `https`, not `{}`", url.scheme())));
        }
        self.url = Some(url.into());
        Ok(self)
    }

    /// Sets the color.
    pub fn style(mut self, style: Style) -> Self {
        self.style = Some(style);
        self
    }
}

methods! {
    Button: action_id, confirm;
}
