//! Channels, and what happens to them.

use serde_json::json;
use sym_sdk::error::Result;

use super::shared::{configuration_error, not_visible};
use super::{FakeSlack, Message};

/// A channel of a workspace, or a conversation of the app with people.
///
/// ```
/// use sym_integrations::slack::fake::Channel;
///
/// let secret = Channel::new("C0SECRET").name("secret").private().members(["U0ANA"]).without_app();
/// assert_eq!((secret.id(), secret.display_name()), ("C0SECRET", "secret"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    id: String,
    pub(super) name: String,
    kind: Kind,
    /// The members. Without any given, everyone is one.
    pub(super) members: Option<Vec<String>>,
    pub(super) has_app: bool,
    pub(super) is_archived: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Public,
    Private,
    Direct,
}

impl Channel {
    /// Creates a public channel with everyone as its members, the app included. The id starts with C, or with G for a private channel, and is
    /// in upper case.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        let name = id.to_lowercase();
        let kind = if id.starts_with('G') { Kind::Private } else { Kind::Public };
        Self { id, name, kind, members: None, has_app: true, is_archived: false }
    }

    /// Creates the direct message or group of the app with these people.
    pub(super) fn direct(id: String, name: String, members: Vec<String>) -> Self {
        Self { name, kind: Kind::Direct, members: Some(members), ..Self::new(id) }
    }

    /// Sets the name, with or without `#`. The default is the id in lower case.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = name.as_ref().trim_start_matches('#').to_lowercase();
        self
    }

    /// Makes the channel private. An app that is not a member is told that there is no such channel.
    pub fn private(mut self) -> Self {
        self.kind = Kind::Private;
        self
    }

    /// Sets the members, by their ids. Only they see the messages.
    pub fn members<S: Into<String>>(mut self, members: impl IntoIterator<Item = S>) -> Self {
        self.members = Some(members.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves the app out of the channel. With the scope `chat:write.public` it can still post to a public one.
    pub fn without_app(mut self) -> Self {
        self.has_app = false;
        self
    }

    /// Archives the channel.
    pub fn archived(mut self) -> Self {
        self.is_archived = true;
        self
    }

    /// Returns the id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the name, without `#`.
    pub fn display_name(&self) -> &str {
        &self.name
    }

    pub(super) fn with_id(mut self, id: String) -> Self {
        self.id = id;
        self
    }

    /// Whether this is a direct message or group.
    pub(super) fn is_direct(&self) -> bool {
        self.kind == Kind::Direct
    }

    /// Whether this is a private channel.
    pub(super) fn is_private(&self) -> bool {
        self.kind == Kind::Private
    }

    /// Whether the app can know that the channel exists.
    pub(super) fn is_known_to_app(&self) -> bool {
        self.has_app || self.kind == Kind::Public
    }

    /// Returns the type by which `conversations.list` selects channels.
    pub(super) fn conversation_type(&self) -> &'static str {
        match self.kind {
            Kind::Public => "public_channel",
            Kind::Private => "private_channel",
            Kind::Direct if self.id.starts_with('D') => "im",
            Kind::Direct => "mpim",
        }
    }

    /// Whether a person is a member.
    pub(super) fn has_member(&self, user: &str) -> bool {
        self.members.as_ref().is_none_or(|members| members.iter().any(|member| member == user))
    }
}

impl FakeSlack {
    /// Adds a channel, or replaces the one with the same id. Channels that the app names for the first time are created without.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if the id is not that of a channel.
    pub fn add_channel(&self, channel: Channel) -> Result<()> {
        let id = channel.id();
        let is_valid = id.len() > 2 && id.starts_with(['C', 'G']);
        if !is_valid || !id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) {
            let hint = "expected C or G followed by upper-case letters and digits, such as `C012AB3CD`";
            return Err(configuration_error(format!("`{id}` is not a Slack channel id")).with_hint(hint));
        }
        self.shared().change(|workspace, _| workspace.channels.insert(channel.id().to_owned(), channel));
        Ok(())
    }

    /// Makes the app a member of a channel, given by its id.
    pub fn invite_app(&self, channel: &str) {
        self.shared().change(|workspace, _| {
            if let Some(channel) = workspace.channels.get_mut(channel) {
                channel.has_app = true;
            }
        });
    }

    /// Removes the app from a channel, given by its id.
    pub fn remove_app(&self, channel: &str) {
        self.shared().change(|workspace, _| {
            if let Some(channel) = workspace.channels.get_mut(channel) {
                channel.has_app = false;
            }
        });
    }

    /// Archives a channel, given by its id. Nobody can post or click in it any more.
    pub fn archive_channel(&self, channel: &str) {
        self.set_archived(channel, true);
    }

    /// Takes a channel, given by its id, back from the archive.
    pub fn unarchive_channel(&self, channel: &str) {
        self.set_archived(channel, false);
    }

    fn set_archived(&self, channel: &str, is_archived: bool) {
        self.shared().change(|workspace, _| {
            if let Some(channel) = workspace.channels.get_mut(channel) {
                channel.is_archived = is_archived;
            }
        });
    }

    /// Deletes a message, as people do by hand. The app does not hear of it.
    pub fn delete_message(&self, message: &Message) {
        self.shared().change(|workspace, _| {
            workspace.messages.retain(|other| other.channel != message.channel || other.ts != message.ts);
        });
    }

    /// Renames a channel, given by its id, and tells the app (`channel_rename`).
    ///
    /// # Errors
    /// If there is no such channel, or the app does not accept the event at the first attempt.
    pub async fn rename_channel(&self, id: &str, name: &str) -> Result<()> {
        let event = self.shared().change(|workspace, now| {
            let channel = workspace.channels.get_mut(id)?;
            *channel = channel.clone().name(name);
            let details = json!({ "id": id, "name": channel.name, "created": now.as_second() });
            Some(json!({ "type": "channel_rename", "channel": details }))
        });
        self.shared().emit(event.ok_or_else(|| not_visible(format!("there is no channel `{id}`")))?).await
    }

    /// Gives a channel another id, as when it is shared with another organization, and tells the app (`channel_id_changed`). The old id is
    /// nobody's from then on.
    ///
    /// # Errors
    /// See [`rename_channel`](Self::rename_channel).
    pub async fn change_channel_id(&self, old: &str, new: &str) -> Result<()> {
        if !self.shared().change(|workspace, _| workspace.move_channel(old, new)) {
            return Err(not_visible(format!("there is no channel `{old}`")));
        }
        let event = json!({ "type": "channel_id_changed", "old_channel_id": old, "new_channel_id": new });
        self.shared().emit(event).await
    }
}
