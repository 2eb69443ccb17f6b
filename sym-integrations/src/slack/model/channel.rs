//! A channel of a workspace.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sym_sdk::error::{Error, Result};
use sym_sdk::forms::FieldOption;

use super::resource::Resource;
use crate::ToFieldOption;

/// A channel, as returned by [`conversations.list`](https://docs.slack.dev/reference/methods/conversations.list).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelInfo(Resource<Members>);

#[derive(Clone, Debug, Deserialize)]
struct Members {
    id: String,
    name: Option<String>,
    #[serde(default)]
    is_private: bool,
    #[serde(default)]
    is_archived: bool,
    #[serde(default)]
    is_member: bool,
}

impl ChannelInfo {
    /// Returns the channel id, such as `C012AB3CD`.
    pub fn id(&self) -> &str {
        &self.0.typed.id
    }

    /// Returns the name, without `#`. A direct message has none.
    pub fn name(&self) -> Option<&str> {
        self.0.typed.name.as_deref()
    }

    /// Returns whether the channel is private: only its members can see it.
    pub fn is_private(&self) -> bool {
        self.0.typed.is_private
    }

    /// Returns whether the channel is archived. No messages can be posted to an archived channel.
    pub fn is_archived(&self) -> bool {
        self.0.typed.is_archived
    }

    /// Returns whether the app is a member of the channel.
    pub fn is_member(&self) -> bool {
        self.0.typed.is_member
    }

    /// Returns the object as Slack sent it.
    pub fn raw(&self) -> &Value {
        self.0.raw()
    }
}

impl ToFieldOption for ChannelInfo {
    fn option_value(&self) -> String {
        self.id().to_owned()
    }

    fn option_label(&self) -> String {
        self.name().map_or_else(|| self.id().to_owned(), |name| format!("#{name}"))
    }
}

impl TryFrom<&ChannelInfo> for FieldOption {
    type Error = Error;

    fn try_from(channel: &ChannelInfo) -> Result<Self> {
        channel.to_field_option()
    }
}
