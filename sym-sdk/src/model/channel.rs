//! The channels that events come from.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::User;

/// The start of the identifier of a channel through which a bot submits on behalf of a person.
const BOT_PREFIX: &str = "bot:";

/// The start of the identifier of a channel through which an agent submits.
const OWNER_PREFIX: &str = "owner:";

/// The kind of channel that an event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ChannelType {
    /// Slack. Written `slack`.
    #[serde(rename = "slack")]
    Slack,
    /// The HTTP API. Written `sym`.
    #[serde(rename = "sym")]
    Api,
    /// The console. Written `web`.
    #[serde(rename = "web")]
    Web,
    /// The command line of the program. Written `cli`.
    ///
    /// Nobody is authenticated there: the user is the one that the command names with `--as`, and the
    /// [identifier](Channel::identifier) says which user of the operating system has named them, and on which host. So the command
    /// line takes access away and grants none: requests and decisions are refused there.
    #[serde(rename = "cli")]
    Cli,
    /// The Model Context Protocol, through which agents request. Written `mcp`.
    #[serde(rename = "mcp")]
    Mcp,
    /// A hook that returned an event. Written `sdk`.
    #[serde(rename = "sdk")]
    Sdk,
    /// A timer. Written `internal`.
    #[serde(rename = "internal")]
    Scheduler,
}

impl ChannelType {
    /// The name in events and in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Api => "sym",
            Self::Web => "web",
            Self::Cli => "cli",
            Self::Mcp => "mcp",
            Self::Sdk => "sdk",
            Self::Scheduler => "internal",
        }
    }
}

impl fmt::Display for ChannelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The channel that an event came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Channel {
    #[serde(rename = "type")]
    pub(crate) kind: ChannelType,
    #[serde(default)]
    pub(crate) identifier: Option<String>,
}

impl Channel {
    /// Creates a channel without an identifier.
    pub fn new(kind: ChannelType) -> Self {
        Self { kind, identifier: None }
    }

    /// Sets the identifier: the name of the Slack channel in which the command was entered, or `file:user@host` for the command line.
    pub fn with_identifier(mut self, identifier: impl Into<String>) -> Self {
        self.identifier = Some(identifier.into());
        self
    }

    /// Returns the channel of the HTTP API for what a bot submits on behalf of a person, so that the record names both.
    pub fn of_bot(bot: &User) -> Self {
        Self::new(ChannelType::Api).with_identifier(format!("{BOT_PREFIX}{}", bot.username()))
    }

    /// Returns the username of the bot that has submitted on behalf of a person.
    pub fn bot(&self) -> Option<&str> {
        let identifier = self.identifier.as_deref().filter(|_| self.kind == ChannelType::Api)?;
        identifier.strip_prefix(BOT_PREFIX)
    }

    /// Returns the channel of what an agent submits, which names its owner beside it.
    pub fn of_agent(agent: &User) -> Self {
        let identifier = agent.owner().map(|owner| format!("{OWNER_PREFIX}{}", owner.username()));
        Self { kind: ChannelType::Mcp, identifier }
    }

    /// The kind of channel.
    pub fn kind(&self) -> ChannelType {
        self.kind
    }

    /// The name of the Slack channel in which the command was entered; `None` for a global shortcut. For the command line, the
    /// operating system's user and host as `file:user@host`. For an agent, its owner as `owner:ana@example.com`.
    pub fn identifier(&self) -> Option<&str> {
        self.identifier.as_deref()
    }
}
