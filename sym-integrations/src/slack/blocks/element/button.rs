use serde::Serialize;
use sym_sdk::error::Result;
use url::Url;

use crate::slack::blocks::id::{ActionId, ButtonValue};
use crate::slack::blocks::text::{PlainText, Shown};
use crate::slack::blocks::{Confirm, invalid, limits, measure};

/// A colour that says what a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Style {
    /// Green: goes on.
    Primary,
    /// Red: takes away.
    Danger,
}

/// A button.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/block-elements/button-element).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Button {
    action_id: ActionId,
    text: Shown,
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
    /// A button that says this, in 75 characters.
    pub fn new(action_id: ActionId, text: impl Into<PlainText>) -> Self {
        let text = text.into().cut(limits::BUTTON_TEXT);
        Self { action_id, text, value: None, url: None, style: None, confirm: None }
    }

    /// What it sends along.
    pub fn value(mut self, value: ButtonValue) -> Self {
        self.value = Some(value);
        self
    }

    /// Opens a page as well: a URL of the web, of at most 3000 characters.
    pub fn url(mut self, url: Url) -> Result<Self> {
        let length = measure::utf16_length(url.as_str());
        if length > limits::URL {
            return Err(invalid(format!(
                "the URL of a button has {length} characters, Slack takes at most {}",
                limits::URL
            )));
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(format!("the URL of a button must be one of the web, not of `{}:`", url.scheme())));
        }
        self.url = Some(url.into());
        Ok(self)
    }

    /// The colour.
    pub fn style(mut self, style: Style) -> Self {
        self.style = Some(style);
        self
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
