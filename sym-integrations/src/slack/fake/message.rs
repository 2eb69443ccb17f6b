use serde_json::Value;

use super::visible_state;

/// A message as somebody sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub(super) channel: String,
    pub(super) ts: String,
    /// The only one who sees it.
    pub(super) only_for: Option<String>,
    /// As Slack describes it.
    pub(super) json: Value,
}

impl Message {
    /// The id of the channel it stands in. Those of direct messages begin with D.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// When it was posted, by which it goes in its channel.
    pub fn ts(&self) -> &str {
        &self.ts
    }

    /// Whether only one person sees it, by their id: an answer to a command, for example.
    pub fn only_for(&self) -> Option<&str> {
        self.only_for.as_deref()
    }

    /// The text beside its blocks, in Slack's notation.
    pub fn text(&self) -> &str {
        self.json["text"].as_str().unwrap_or_default()
    }

    /// All that is to be read in it, in Slack's notation, a line for each part.
    pub fn all_text(&self) -> String {
        match visible_state::blocks(&self.json) {
            [] => self.text().to_owned(),
            _ => visible_state::all_text(&self.json),
        }
    }

    /// What stands on its buttons.
    pub fn buttons(&self) -> Vec<&str> {
        visible_state::buttons(&self.json)
    }

    /// As Slack describes it in what it sends.
    pub fn raw(&self) -> &Value {
        &self.json
    }
}
