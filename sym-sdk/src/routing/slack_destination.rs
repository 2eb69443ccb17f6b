//! Destinations in Slack: channels, users and groups of users.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::error::{Error, Result, codes};
use crate::forms::duration_seconds;

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::invalid(codes::INVALID_DESTINATION, message)
}

/// Trims the text, and checks that it is not empty.
fn non_empty(text: impl Into<String>, what: &str) -> Result<String> {
    let text = text.into().trim().to_owned();
    if text.is_empty() { Err(invalid(format!("{what} must be non-empty"))) } else { Ok(text) }
}

/// Trims an id of Slack, and checks its first letter and its characters: an id becomes part of Slack markup.
fn slack_id(text: impl Into<String>, what: &str, initials: &[char], listed: &str) -> Result<String> {
    let id = non_empty(text, what)?;
    let problem = match id.chars().find(|c| !c.is_ascii_alphanumeric()) {
        _ if !id.starts_with(initials) => format!("it must start with {listed}"),
        Some(bad) => format!("it contains the character {bad:?}"),
        None => return Ok(id),
    };
    Err(invalid(format!("`{id}` is not {what}: {problem}")))
}

/// The settings that all destinations have.
macro_rules! destination_settings {
    ($($name:ident),*) => {$(
        impl $name {
            /// Sets whether the requester may decide a request that is delivered here. It applies to `get_approvers` only.
            pub fn allow_self(mut self, allow: bool) -> Self {
                self.allow_self = allow;
                self
            }

            /// Sets the time to wait for a decision before the request is forwarded. Default: no limit.
            pub fn timeout(mut self, timeout: Duration) -> Self {
                self.timeout = Some(timeout);
                self
            }

            /// Returns whether the requester may decide a request that is delivered here.
            pub fn self_allowed(&self) -> bool {
                self.allow_self
            }

            /// Returns the time to wait for a decision before the request is forwarded.
            pub fn timeout_after(&self) -> Option<Duration> {
                self.timeout
            }

            pub(super) fn with_settings(self, allow_self: bool, timeout: Option<Duration>) -> Self {
                Self { allow_self, timeout, ..self }
            }
        }
    )*};
}

/// A Slack channel, by its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SlackChannelId {
    allow_self: bool,
    #[serde(with = "duration_seconds::option")]
    timeout: Option<Duration>,
    channel_id: String,
}

impl SlackChannelId {
    /// Creates a destination from the id of a channel, which starts with C, D or G.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let channel_id = slack_id(id, "a channel id", &['C', 'D', 'G'], "C, D or G")?;
        Ok(Self { allow_self: false, timeout: None, channel_id })
    }

    /// Returns the id.
    pub fn channel_id(&self) -> &str {
        &self.channel_id
    }
}

impl fmt::Display for SlackChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlackChannelID({:?})", self.channel_id)
    }
}

/// A Slack channel, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SlackChannelName {
    allow_self: bool,
    #[serde(with = "duration_seconds::option")]
    timeout: Option<Duration>,
    channel_name: String,
}

impl SlackChannelName {
    /// Creates a destination from the name of a channel, with or without `#`.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let channel_name = non_empty(name, "a channel name")?;
        non_empty(channel_name.trim_start_matches('#'), "a channel name")?;
        Ok(Self { allow_self: false, timeout: None, channel_name })
    }

    /// Returns the name as it was passed, with or without `#`.
    pub fn channel_name(&self) -> &str {
        &self.channel_name
    }
}

impl fmt::Display for SlackChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlackChannelName({:?})", self.channel_name)
    }
}

/// A direct message to a Slack user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SlackUser {
    allow_self: bool,
    #[serde(with = "duration_seconds::option")]
    timeout: Option<Duration>,
    user_id: String,
}

impl SlackUser {
    /// Creates a destination from the id of a Slack user, which starts with U or W.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let user_id = slack_id(id, "a Slack user id", &['U', 'W'], "U or W")?;
        Ok(Self { allow_self: false, timeout: None, user_id })
    }

    /// Returns the id.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the Slack markup that mentions the user.
    pub fn mention(&self) -> String {
        format!("<@{}>", self.user_id)
    }
}

impl fmt::Display for SlackUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlackUser({:?})", self.user_id)
    }
}

/// A group direct message to several Slack users.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SlackUserGroup {
    allow_self: bool,
    #[serde(with = "duration_seconds::option")]
    timeout: Option<Duration>,
    users: Vec<SlackUser>,
}

impl SlackUserGroup {
    /// Slack's limit for group direct messages, without the app itself.
    const MAX_USERS: usize = 7;

    /// Creates a destination from 1 to 7 users. Their own `allow_self` is ignored.
    pub fn new(users: impl IntoIterator<Item = SlackUser>) -> Result<Self> {
        let users: Vec<SlackUser> = users.into_iter().collect();
        match users.len() {
            0 => Err(invalid("a Slack group must have at least 1 user")),
            1..=Self::MAX_USERS => Ok(Self { allow_self: false, timeout: None, users }),
            number => Err(invalid(format!("a Slack group must have at most 7 users, got {number}"))
                .with_hint("notify a channel instead")),
        }
    }

    /// Returns the users.
    pub fn users(&self) -> &[SlackUser] {
        &self.users
    }
}

impl fmt::Display for SlackUserGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlackUserGroup(")?;
        for (index, user) in self.users.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{:?}", user.user_id)?;
        }
        f.write_str(")")
    }
}

/// A destination in the format of old data. It has only the way in which it was looked up, so nothing can be delivered to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct LegacyDestination {
    allow_self: bool,
    #[serde(with = "duration_seconds::option")]
    timeout: Option<Duration>,
    lookup_type: String,
}

impl LegacyDestination {
    pub(super) fn new(lookup_type: String) -> Self {
        Self { allow_self: false, timeout: None, lookup_type }
    }

    /// Returns the way in which it was looked up.
    pub fn lookup_type(&self) -> &str {
        &self.lookup_type
    }
}

impl fmt::Display for LegacyDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestDestination({:?})", self.lookup_type)
    }
}

destination_settings!(SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup, LegacyDestination);
