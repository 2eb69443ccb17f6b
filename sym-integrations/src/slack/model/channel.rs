//! A channel of a workspace.

use serde::Deserialize;

use crate::ToFieldOption;
use crate::kit::null_as_default;

/// A channel, as returned by [`conversations.list`](https://docs.slack.dev/reference/methods/conversations.list).
#[derive(Clone, Debug, Deserialize)]
pub struct ChannelInfo {
    id: String,
    name: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    is_private: bool,
    #[serde(default, deserialize_with = "null_as_default")]
    is_archived: bool,
    #[serde(default, deserialize_with = "null_as_default")]
    is_member: bool,
}

impl ChannelInfo {
    /// Returns the channel id, such as `C012AB3CD`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the name, without `#`. A direct message has none.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns whether the channel is private: only its members can see it.
    pub fn is_private(&self) -> bool {
        self.is_private
    }

    /// Returns whether the channel is archived. No messages can be posted to an archived channel.
    pub fn is_archived(&self) -> bool {
        self.is_archived
    }

    /// Returns whether the app is a member of the channel.
    pub fn is_member(&self) -> bool {
        self.is_member
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
