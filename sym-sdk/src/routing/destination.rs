use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result, codes};
use crate::forms::duration_seconds;

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid(codes::INVALID_DESTINATION, message)
}

/// The text trimmed, if anything is left.
fn non_empty(text: impl Into<String>, what: &str) -> Result<String> {
    let text = text.into().trim().to_owned();
    if text.is_empty() { Err(invalid(format!("{what} must be non-empty"))) } else { Ok(text) }
}

/// The text trimmed, if it starts as an id of Slack does.
fn slack_id(text: impl Into<String>, what: &str, initials: &[char], listed: &str) -> Result<String> {
    let id = non_empty(text, what)?;
    if id.starts_with(initials) {
        Ok(id)
    } else {
        Err(invalid(format!("`{id}` is not valid as {what}: it must begin with {listed}")))
    }
}

/// What all destinations have.
macro_rules! common {
    ($($name:ident),*) => {$(
        impl $name {
            /// Whether the requester may decide when the request goes here. Only `get_approvers` looks at this.
            pub fn allow_self(mut self, allow: bool) -> Self {
                self.allow_self = allow;
                self
            }

            /// How long to wait for a decision before the request goes on; without it, for ever.
            pub fn timeout(mut self, timeout: Duration) -> Self {
                self.timeout = Some(timeout);
                self
            }

            /// Whether the requester may decide when the request goes here.
            pub fn self_allowed(&self) -> bool {
                self.allow_self
            }

            /// How long to wait for a decision before the request goes on.
            pub fn timeout_after(&self) -> Option<Duration> {
                self.timeout
            }
        }
    )*};
}

/// A Slack channel by its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SlackChannelId {
    allow_self: bool,
    #[serde(with = "duration_seconds::option")]
    timeout: Option<Duration>,
    channel_id: String,
}

impl SlackChannelId {
    /// The channel with this id, which begins with C, D or G.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let channel_id = slack_id(id, "a channel id", &['C', 'D', 'G'], "C, D or G")?;
        Ok(Self { allow_self: false, timeout: None, channel_id })
    }

    /// The id.
    pub fn channel_id(&self) -> &str {
        &self.channel_id
    }
}

impl fmt::Display for SlackChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlackChannelID({:?})", self.channel_id)
    }
}

/// A Slack channel by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SlackChannelName {
    allow_self: bool,
    #[serde(with = "duration_seconds::option")]
    timeout: Option<Duration>,
    channel_name: String,
}

impl SlackChannelName {
    /// The channel of this name, with or without `#`.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let channel_name = non_empty(name, "a channel name")?;
        non_empty(channel_name.trim_start_matches('#'), "a channel name")?;
        Ok(Self { allow_self: false, timeout: None, channel_name })
    }

    /// The name as it was given, with or without `#`.
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
    /// The user with this id, which begins with U or W.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let user_id = slack_id(id, "a Slack user id", &['U', 'W'], "U or W")?;
        Ok(Self { allow_self: false, timeout: None, user_id })
    }

    /// The id.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// What names the user in a Slack message.
    pub fn mention(&self) -> String {
        format!("<@{}>", self.user_id)
    }
}

impl fmt::Display for SlackUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlackUser({:?})", self.user_id)
    }
}

/// A direct message to several Slack users at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SlackUserGroup {
    allow_self: bool,
    #[serde(with = "duration_seconds::option")]
    timeout: Option<Duration>,
    users: Vec<SlackUser>,
}

impl SlackUserGroup {
    /// Slack's limit of a direct message.
    const MOST: usize = 7;

    /// These users, at least 1 and at most 7. Their own `allow_self` is disregarded.
    pub fn new(users: impl IntoIterator<Item = SlackUser>) -> Result<Self> {
        let users: Vec<SlackUser> = users.into_iter().collect();
        match users.len() {
            0 => Err(invalid("a Slack group must have at least 1 user")),
            1..=Self::MOST => Ok(Self { allow_self: false, timeout: None, users }),
            number => Err(invalid(format!("a Slack group must have at most 7 users, got {number}"))
                .with_hint("notify a channel instead")),
        }
    }

    /// The users.
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

/// A destination as old data has it: only the way in which it was looked up is known, so nothing can be delivered to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct LegacyDestination {
    allow_self: bool,
    #[serde(with = "duration_seconds::option")]
    timeout: Option<Duration>,
    lookup_type: String,
}

impl LegacyDestination {
    /// How it was looked up.
    pub fn lookup_type(&self) -> &str {
        &self.lookup_type
    }
}

impl fmt::Display for LegacyDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestDestination({:?})", self.lookup_type)
    }
}

common!(SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup, LegacyDestination);

/// Where a request can be sent in Slack.
///
/// In JSON each kind is known by its key: `channel_name`, `channel_id`, `user_id` or `users`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged, try_from = "Map<String, Value>")]
#[non_exhaustive]
pub enum RequestDestination {
    /// A channel by its id.
    ChannelId(SlackChannelId),
    /// A channel by its name.
    ChannelName(SlackChannelName),
    /// A direct message.
    User(SlackUser),
    /// A direct message to several users.
    Group(SlackUserGroup),
    /// One from old data, to which nothing can be delivered.
    Legacy(LegacyDestination),
}

impl RequestDestination {
    /// Whether the requester may decide when the request goes here. Only `get_approvers` looks at this.
    pub fn allow_self(self, allow: bool) -> Self {
        match self {
            Self::ChannelId(channel) => channel.allow_self(allow).into(),
            Self::ChannelName(channel) => channel.allow_self(allow).into(),
            Self::User(user) => user.allow_self(allow).into(),
            Self::Group(group) => group.allow_self(allow).into(),
            Self::Legacy(legacy) => Self::Legacy(legacy.allow_self(allow)),
        }
    }

    /// How long to wait for a decision before the request goes on; without it, for ever.
    pub fn timeout(self, timeout: Duration) -> Self {
        match self {
            Self::ChannelId(channel) => channel.timeout(timeout).into(),
            Self::ChannelName(channel) => channel.timeout(timeout).into(),
            Self::User(user) => user.timeout(timeout).into(),
            Self::Group(group) => group.timeout(timeout).into(),
            Self::Legacy(legacy) => Self::Legacy(legacy.timeout(timeout)),
        }
    }

    /// The destination as people know it, such as `#access-requests` or `@U12345`.
    pub fn label(&self) -> String {
        match self {
            Self::ChannelId(channel) => channel.channel_id().to_owned(),
            Self::ChannelName(channel) => format!("#{}", channel.channel_name().trim_start_matches('#')),
            Self::User(user) => format!("@{}", user.user_id()),
            Self::Group(group) => {
                group.users().iter().map(|user| format!("@{}", user.user_id())).collect::<Vec<_>>().join(", ")
            }
            Self::Legacy(legacy) => legacy.lookup_type().to_owned(),
        }
    }

    /// Whether the requester may decide when the request goes here.
    pub fn self_allowed(&self) -> bool {
        match self {
            Self::ChannelId(channel) => channel.self_allowed(),
            Self::ChannelName(channel) => channel.self_allowed(),
            Self::User(user) => user.self_allowed(),
            Self::Group(group) => group.self_allowed(),
            Self::Legacy(legacy) => legacy.self_allowed(),
        }
    }

    /// How long to wait for a decision before the request goes on.
    pub fn timeout_after(&self) -> Option<Duration> {
        match self {
            Self::ChannelId(channel) => channel.timeout_after(),
            Self::ChannelName(channel) => channel.timeout_after(),
            Self::User(user) => user.timeout_after(),
            Self::Group(group) => group.timeout_after(),
            Self::Legacy(legacy) => legacy.timeout_after(),
        }
    }
}

impl fmt::Display for RequestDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChannelId(channel) => channel.fmt(f),
            Self::ChannelName(channel) => channel.fmt(f),
            Self::User(user) => user.fmt(f),
            Self::Group(group) => group.fmt(f),
            Self::Legacy(legacy) => legacy.fmt(f),
        }
    }
}

macro_rules! from {
    ($($name:ident => $variant:ident),*) => {$(
        impl From<$name> for RequestDestination {
            fn from(destination: $name) -> Self {
                Self::$variant(destination)
            }
        }
    )*};
}

from!(SlackChannelId => ChannelId, SlackChannelName => ChannelName, SlackUser => User, SlackUserGroup => Group);

impl TryFrom<Map<String, Value>> for RequestDestination {
    type Error = Error;

    fn try_from(json: Map<String, Value>) -> Result<Self> {
        let allow_self = read(&json, "allow_self", "`true` or `false`", Value::as_bool)?.unwrap_or(false);
        let timeout = read(&json, "timeout", "a number of seconds", Value::as_u64)?.map(Duration::from_secs);
        let text = |key| read(&json, key, "text", |value| value.as_str().map(str::to_owned));
        if let Some(name) = text("channel_name")? {
            return Ok(SlackChannelName { allow_self, timeout, ..SlackChannelName::new(name)? }.into());
        }
        if let Some(id) = text("channel_id")? {
            return Ok(SlackChannelId { allow_self, timeout, ..SlackChannelId::new(id)? }.into());
        }
        if let Some(id) = text("user_id")? {
            return Ok(SlackUser { allow_self, timeout, ..SlackUser::new(id)? }.into());
        }
        if let Some(users) = read(&json, "users", "a list", |value| value.as_array().cloned())? {
            let users = users.into_iter().map(member).collect::<Result<Vec<_>>>()?;
            return Ok(SlackUserGroup { allow_self, timeout, ..SlackUserGroup::new(users)? }.into());
        }
        match text("lookup_type")? {
            Some(lookup_type) if json.contains_key("allow_self") => {
                Ok(Self::Legacy(LegacyDestination { allow_self, timeout, lookup_type }))
            }
            _ => Err(invalid("a destination of an unknown kind")
                .with_hint("expected one of the keys `channel_name`, `channel_id`, `user_id`, `users`")),
        }
    }
}

/// A user of a group: an object, or the id alone.
fn member(json: Value) -> Result<SlackUser> {
    match json {
        Value::String(id) => SlackUser::new(id),
        Value::Object(object) => match RequestDestination::try_from(object)? {
            RequestDestination::User(user) => Ok(user),
            other => Err(invalid(format!("a Slack group is made of users, got {other}"))),
        },
        other => Err(invalid(format!("a Slack group is made of users, got `{other}`"))),
    }
}

/// The value under a key; null counts as absent.
fn read<T>(
    json: &Map<String, Value>,
    key: &str,
    expected: &str,
    get: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>> {
    match json.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match get(value) {
            Some(value) => Ok(Some(value)),
            None => Err(invalid(format!("`{key}` of a destination must be {expected}, got `{value}`"))),
        },
    }
}
