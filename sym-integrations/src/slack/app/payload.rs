//! The payloads of Slack's interactions.
//!
//! Only the members that the front end uses are deserialized. Unknown members and kinds are ignored, because Slack adds new ones
//! at any time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use url::form_urlencoded;

use crate::http::SecretString;
use crate::http::repaired_json::repaired;
use crate::kit::null_as_default;

/// A payload received from Slack: a command, or an interaction in a view or a message
/// ([reference](https://docs.slack.dev/reference/interaction-payloads)).
#[derive(Debug)]
pub(super) enum Incoming {
    Command(SlashCommand),
    BlockActions(Box<BlockActions>),
    BlockSuggestion(Box<BlockSuggestion>),
    ViewSubmission(ViewSubmission),
    ViewClosed(Box<ViewClosed>),
    Shortcut(Shortcut),
    /// An event of the workspace.
    Event(EventCallback),
    /// Slack checks that the URL of events is the app's, which returns this text.
    UrlVerification(String),
    /// A request that only has to be acknowledged, such as Slack's `ssl_check` or an interaction of an unknown kind.
    Ping,
}

impl Incoming {
    /// Parses the body of an HTTP request: a form with the fields of a command, or with JSON in the field `payload`.
    pub(super) fn from_form(body: &[u8]) -> Result<Self> {
        let fields = || form_urlencoded::parse(body);
        if let Some((_, payload)) = fields().filter(|(name, _)| name == "payload").last() {
            let payload = repaired(payload.as_bytes());
            let Kind { kind } = serde_json::from_slice(&payload).map_err(malformed)?;
            return Self::interaction(&kind, &mut serde_json::Deserializer::from_slice(&payload));
        }
        let fields: Map<_, _> =
            fields().map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
        if fields.get("ssl_check").is_some_and(|check| check == "1") && !fields.contains_key("command") {
            return Ok(Self::Ping);
        }
        serde_json::from_value(Value::Object(fields)).map(Self::Command).map_err(malformed)
    }

    /// Parses the body of an event, which is JSON.
    pub(super) fn from_event(body: &[u8]) -> Result<Self> {
        let body = repaired(body);
        let Kind { kind } = serde_json::from_slice(&body).map_err(malformed)?;
        Self::event(&kind, &mut serde_json::Deserializer::from_slice(&body))
    }

    fn event<'de>(kind: &str, payload: impl Deserializer<'de, Error = serde_json::Error>) -> Result<Self> {
        let parsed = match kind {
            "event_callback" => Deserialize::deserialize(payload).map(Self::Event),
            "url_verification" => {
                Deserialize::deserialize(payload).map(|Challenge { challenge }| Self::UrlVerification(challenge))
            }
            _ => Ok(Self::Ping),
        };
        parsed.map_err(malformed)
    }

    /// Parses the payload of a Socket Mode envelope.
    pub(super) fn from_envelope(kind: &str, payload: Value) -> Result<Self> {
        match kind {
            "slash_commands" => serde_json::from_value(payload).map(Self::Command).map_err(malformed),
            "interactive" => {
                let Kind { kind } = Kind::deserialize(&payload).map_err(malformed)?;
                Self::interaction(&kind, &payload)
            }
            "events_api" => {
                let Kind { kind } = Kind::deserialize(&payload).map_err(malformed)?;
                Self::event(&kind, &payload)
            }
            _ => Ok(Self::Ping),
        }
    }

    fn interaction<'de>(kind: &str, payload: impl Deserializer<'de, Error = serde_json::Error>) -> Result<Self> {
        let parsed = match kind {
            "block_actions" => Deserialize::deserialize(payload).map(Self::BlockActions),
            "block_suggestion" => Deserialize::deserialize(payload).map(Self::BlockSuggestion),
            "view_submission" => Deserialize::deserialize(payload).map(Self::ViewSubmission),
            "view_closed" => Deserialize::deserialize(payload).map(Self::ViewClosed),
            "shortcut" => Deserialize::deserialize(payload).map(Self::Shortcut),
            _ => Ok(Self::Ping),
        };
        parsed.map_err(malformed)
    }
}

/// The kind of a payload, read first to select the type of the rest. An internally tagged enum would buffer the whole payload
/// as a tree until it meets the tag.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

/// Leaves serde's message out, since it may quote what users typed.
fn malformed(error: serde_json::Error) -> Error {
    let message = format!("the payload from Slack is malformed ({:?} error)", error.classify());
    Error::new(ErrorKind::InvalidInput, codes::INVALID_JSON, message).with_service("slack")
}

#[derive(Deserialize)]
struct Challenge {
    challenge: String,
}

/// An [event](https://docs.slack.dev/apis/events-api) and the workspace that it comes from.
#[derive(Debug, Deserialize)]
pub(super) struct EventCallback {
    team_id: Option<String>,
    enterprise_id: Option<String>,
    pub(super) event: Event,
}

/// An event.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event {
    AppHomeOpened {
        user: String,
        tab: Option<String>,
    },
    AppUninstalled,
    ChannelIdChanged {
        old_channel_id: String,
        new_channel_id: String,
    },
    TokensRevoked {
        #[serde(default, deserialize_with = "null_as_default")]
        tokens: RevokedTokens,
    },
    #[serde(other)]
    Other,
}

/// The owners of tokens that were revoked.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RevokedTokens {
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) bot: Vec<String>,
}

/// A [slash command](https://docs.slack.dev/interactivity/implementing-slash-commands).
#[derive(Debug, Deserialize)]
pub(super) struct SlashCommand {
    pub(super) team_id: String,
    pub(super) enterprise_id: Option<String>,
    pub(super) user_id: String,
    pub(super) channel_name: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) text: String,
    pub(super) trigger_id: String,
}

/// A click or a selection in a block.
#[derive(Debug, Deserialize)]
pub(super) struct BlockActions {
    pub(super) user: Account,
    pub(super) team: Option<Team>,
    pub(super) enterprise: Option<Team>,
    pub(super) channel: Option<ChannelName>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) container: Container,
    #[serde(default, deserialize_with = "secret")]
    pub(super) response_url: Option<SecretString>,
    pub(super) trigger_id: Option<String>,
    pub(super) message: Option<Message>,
    pub(super) view: Option<View>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) state: State,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) actions: Vec<Action>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// The message in which a button was clicked.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) text: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) blocks: Vec<Value>,
}

/// Text typed into an external menu.
#[derive(Debug, Deserialize)]
pub(super) struct BlockSuggestion {
    pub(super) user: Account,
    pub(super) team: Option<Team>,
    pub(super) enterprise: Option<Team>,
    pub(super) view: Option<View>,
    pub(super) block_id: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) value: String,
}

/// The submission of a view.
#[derive(Debug, Deserialize)]
pub(super) struct ViewSubmission {
    pub(super) user: Account,
    pub(super) team: Option<Team>,
    pub(super) enterprise: Option<Team>,
    pub(super) trigger_id: Option<String>,
    pub(super) view: Arc<View>,
}

/// A view that was closed without submitting it.
#[derive(Debug, Deserialize)]
pub(super) struct ViewClosed {
    pub(super) team: Option<Team>,
    pub(super) enterprise: Option<Team>,
    pub(super) view: View,
}

/// A global shortcut.
#[derive(Debug, Deserialize)]
pub(super) struct Shortcut {
    pub(super) user: Account,
    pub(super) team: Option<Team>,
    pub(super) enterprise: Option<Team>,
    pub(super) trigger_id: String,
}

/// The Slack account of the user who acts.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) team_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Team {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChannelName {
    pub(super) name: Option<String>,
}

/// The message that contains a block.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Container {
    pub(super) channel_id: Option<String>,
    pub(super) message_ts: Option<String>,
    pub(super) thread_ts: Option<String>,
}

/// The element that was clicked or changed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Action {
    pub(super) action_id: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) block_id: String,
    pub(super) value: Option<String>,
    pub(super) action_ts: String,
    pub(super) selected_option: Option<SelectedOption>,
}

/// A view, with its blocks and the state of its inputs.
#[derive(Debug, Deserialize)]
pub(super) struct View {
    pub(super) id: String,
    #[serde(default, deserialize_with = "null_as_default", rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) callback_id: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) private_metadata: String,
    pub(super) hash: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    blocks: Vec<Block>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) state: State,
}

#[derive(Debug, Deserialize)]
struct Block {
    #[serde(default, deserialize_with = "null_as_default", rename = "type")]
    kind: String,
    block_id: Option<String>,
}

impl View {
    /// Returns whether this is a home tab.
    pub(super) fn is_home(&self) -> bool {
        self.kind == "home"
    }

    /// Returns the block id of the first input.
    pub(super) fn first_input(&self) -> Option<&str> {
        self.blocks.iter().find(|block| block.kind == "input")?.block_id.as_deref()
    }

    /// Returns the fields that have an input in the view, each with its latest revision.
    pub(super) fn revisions(&self) -> BTreeMap<&str, u32> {
        let inputs = self.blocks.iter().filter(|block| block.kind == "input");
        let inputs = inputs.filter_map(|block| block.block_id.as_deref());
        let mut latest = BTreeMap::new();
        for (field, revision) in inputs.chain(self.state.values.keys().map(String::as_str)).filter_map(parse_block_id) {
            let known = latest.entry(field).or_insert(revision);
            *known = revision.max(*known);
        }
        latest
    }

    /// Returns the state of a field's input.
    pub(super) fn input(&self, field: &str, revision: u32) -> Option<&InputState> {
        self.state.in_block(&block_id(field, revision))
    }
}

/// Returns the block id of a field's input. Slack keeps what was typed into a block when the view is updated, so a value set by
/// a handler needs a block with a new revision.
pub(super) fn block_id(field: &str, revision: u32) -> String {
    format!("{field}:{revision}")
}

/// Splits a block id into the field and its revision.
pub(super) fn parse_block_id(block: &str) -> Option<(&str, u32)> {
    let (field, revision) = block.rsplit_once(':')?;
    Some((field, revision.parse().ok()?))
}

/// The state of all inputs, by block id and action id.
#[derive(Debug, Default, Deserialize)]
pub(super) struct State {
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) values: BTreeMap<String, BTreeMap<String, InputState>>,
}

impl State {
    /// Returns the state of the only input in a block.
    pub(super) fn in_block(&self, block: &str) -> Option<&InputState> {
        self.values.get(block)?.values().next()
    }
}

/// The state of an input. An empty input has no members.
#[derive(Debug, Default, Deserialize)]
pub(super) struct InputState {
    pub(super) value: Option<String>,
    pub(super) selected_option: Option<SelectedOption>,
    pub(super) selected_options: Option<Vec<SelectedOption>>,
    pub(super) selected_user: Option<String>,
    pub(super) selected_users: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct SelectedOption {
    pub(super) value: String,
}

/// The workspace that an interaction comes from, and its Enterprise organization. An app that is installed for a whole organization
/// gets the latter alone.
#[derive(Debug, Default)]
pub(super) struct Origin<'a> {
    pub(super) team: Option<&'a str>,
    pub(super) enterprise: Option<&'a str>,
}

impl Incoming {
    /// Returns the workspace that the interaction comes from.
    pub(super) fn origin(&self) -> Origin<'_> {
        let (team, enterprise) = match self {
            Self::Command(command) => {
                return Origin { team: Some(&command.team_id), enterprise: command.enterprise_id.as_deref() };
            }
            Self::BlockActions(actions) => (&actions.team, &actions.enterprise),
            Self::BlockSuggestion(suggestion) => (&suggestion.team, &suggestion.enterprise),
            Self::ViewSubmission(submission) => (&submission.team, &submission.enterprise),
            Self::ViewClosed(closed) => (&closed.team, &closed.enterprise),
            Self::Shortcut(shortcut) => (&shortcut.team, &shortcut.enterprise),
            Self::Event(event) => {
                return Origin { team: event.team_id.as_deref(), enterprise: event.enterprise_id.as_deref() };
            }
            Self::UrlVerification(_) | Self::Ping => return Origin::default(),
        };
        Origin {
            team: team.as_ref().map(|team| team.id.as_str()),
            enterprise: enterprise.as_ref().map(|enterprise| enterprise.id.as_str()),
        }
    }
}

/// Returns the workspace of an interaction, which is part of its input key.
pub(super) fn team_id<'a>(team: Option<&'a Team>, user: &'a Account) -> &'a str {
    team.map(|team| team.id.as_str()).or(user.team_id.as_deref()).unwrap_or_default()
}
