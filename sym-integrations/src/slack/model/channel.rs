use serde::{Deserialize, Serialize};
use serde_json::Value;
use sym_sdk::error::{Error, Result};
use sym_sdk::forms::FieldOption;

use super::kept::Kept;
use crate::ToFieldOption;

/// A channel, as [`conversations.list`](https://docs.slack.dev/reference/methods/conversations.list) describes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelInfo(Kept<Known>);

#[derive(Clone, Debug, Deserialize)]
struct Known {
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
    /// The id, such as `C012AB3CD`.
    pub fn id(&self) -> &str {
        &self.0.known.id
    }

    /// The name, without `#`. Direct messages have none.
    pub fn name(&self) -> Option<&str> {
        self.0.known.name.as_deref()
    }

    /// Whether only those who were invited see it.
    pub fn is_private(&self) -> bool {
        self.0.known.is_private
    }

    /// Whether it is archived: nobody can write to it.
    pub fn is_archived(&self) -> bool {
        self.0.known.is_archived
    }

    /// Whether the app is a member.
    pub fn is_member(&self) -> bool {
        self.0.known.is_member
    }

    /// All that Slack sent.
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
