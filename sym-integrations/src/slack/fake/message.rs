use serde_json::Value;

use super::visible_state;

/// The beginning of the addresses of messages. They lead nowhere: the page replaces them by its own.
pub(super) const PERMALINKS: &str = "https://workspace.slack.com/archives/";

/// A message as a person sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub(super) channel: String,
    pub(super) ts: String,
    /// The only person who sees it, if it is ephemeral.
    pub(super) only_for: Option<String>,
    /// Slack's JSON of the message.
    pub(super) json: Value,
}

impl Message {
    /// Returns the id of the channel. Ids of direct messages start with D.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// Returns the time stamp, which identifies the message in its channel.
    pub fn ts(&self) -> &str {
        &self.ts
    }

    /// Returns the id of the only person who sees an ephemeral message, such as the response to a command.
    pub fn only_for(&self) -> Option<&str> {
        self.only_for.as_deref()
    }

    /// Returns the text besides the blocks, in mrkdwn.
    pub fn text(&self) -> &str {
        self.json["text"].as_str().unwrap_or_default()
    }

    /// Returns all visible text in mrkdwn, one line per part.
    pub fn all_text(&self) -> String {
        match visible_state::blocks(&self.json) {
            [] => self.text().to_owned(),
            _ => visible_state::all_text(&self.json),
        }
    }

    /// Returns the labels of the buttons.
    pub fn buttons(&self) -> Vec<&str> {
        visible_state::buttons(&self.json)
    }

    /// Returns the address that the app is told.
    pub(super) fn permalink(&self) -> String {
        format!("{PERMALINKS}{}/p{}", self.channel, self.ts.replace('.', ""))
    }

    /// Returns Slack's JSON of the message.
    pub fn raw(&self) -> &Value {
        &self.json
    }
}
