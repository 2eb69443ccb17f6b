//! What Slack sends, as far as it matters here. All else is passed over, and what is new to Slack is no error.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use url::form_urlencoded;

use crate::http::SecretString;

/// One thing that Slack tells.
#[derive(Debug)]
pub(super) enum Incoming {
    Command(Command),
    Interaction(Box<Interaction>),
    /// Slack looks whether anybody is there.
    Check,
}

impl Incoming {
    /// Reads the body of a request: a form, with a command in its fields or JSON in the field `payload`.
    pub(super) fn of_form(body: &[u8]) -> Result<Self> {
        let fields = || form_urlencoded::parse(body);
        if let Some((_, payload)) = fields().filter(|(name, _)| name == "payload").last() {
            let Kind { kind } = serde_json::from_str(&payload).map_err(unreadable)?;
            return Self::interaction(&kind, &mut serde_json::Deserializer::from_str(&payload));
        }
        let fields: Map<_, _> =
            fields().map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
        if fields.contains_key("ssl_check") {
            return Ok(Self::Check);
        }
        serde_json::from_value(Value::Object(fields)).map(Self::Command).map_err(unreadable)
    }

    /// Reads what comes on a socket.
    pub(super) fn of_envelope(kind: &str, payload: Value) -> Result<Self> {
        match kind {
            "slash_commands" => serde_json::from_value(payload).map(Self::Command).map_err(unreadable),
            "interactive" => {
                let Kind { kind } = Kind::deserialize(&payload).map_err(unreadable)?;
                Self::interaction(&kind, &payload)
            }
            _ => Ok(Self::Check),
        }
    }

    fn interaction<'de>(kind: &str, payload: impl Deserializer<'de, Error = serde_json::Error>) -> Result<Self> {
        Interaction::of_kind(kind, payload).map(Box::new).map(Self::Interaction).map_err(unreadable)
    }
}

/// What a payload is of, which says how the rest is read. A tagged enum would keep all of it in memory until the tag comes.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

/// Foreign text stays out of the message: it may hold what people typed.
fn unreadable(error: serde_json::Error) -> Error {
    let message = format!("what Slack sent cannot be read ({:?} error)", error.classify());
    Error::new(ErrorKind::InvalidInput, codes::INVALID_JSON, message).with_service("slack")
}

/// A [command](https://docs.slack.dev/interactivity/implementing-slash-commands) that somebody typed.
#[derive(Debug, Deserialize)]
pub(super) struct Command {
    pub(super) team_id: String,
    pub(super) user_id: String,
    pub(super) channel_name: Option<String>,
    #[serde(default)]
    pub(super) text: String,
    pub(super) trigger_id: String,
}

/// What somebody did in a view or a message ([reference](https://docs.slack.dev/reference/interaction-payloads)).
#[derive(Debug)]
pub(super) enum Interaction {
    BlockActions(Actions),
    BlockSuggestion(Suggestion),
    ViewSubmission(Submitted),
    ViewClosed(Closed),
    Shortcut(Shortcut),
    Other,
}

impl Interaction {
    fn of_kind<'de, D: Deserializer<'de>>(kind: &str, payload: D) -> Result<Self, D::Error> {
        Ok(match kind {
            "block_actions" => Self::BlockActions(Deserialize::deserialize(payload)?),
            "block_suggestion" => Self::BlockSuggestion(Deserialize::deserialize(payload)?),
            "view_submission" => Self::ViewSubmission(Deserialize::deserialize(payload)?),
            "view_closed" => Self::ViewClosed(Deserialize::deserialize(payload)?),
            "shortcut" => Self::Shortcut(Deserialize::deserialize(payload)?),
            _ => Self::Other,
        })
    }
}

/// Somebody clicked or picked something.
#[derive(Debug, Deserialize)]
pub(super) struct Actions {
    pub(super) user: Person,
    pub(super) team: Option<Team>,
    pub(super) channel: Option<Channel>,
    #[serde(default)]
    pub(super) container: Container,
    #[serde(default, deserialize_with = "secret")]
    pub(super) response_url: Option<SecretString>,
    pub(super) message: Option<Message>,
    pub(super) view: Option<View>,
    #[serde(default)]
    pub(super) state: State,
    #[serde(default)]
    pub(super) actions: Vec<Action>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// The message that was clicked in.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub(super) text: String,
    #[serde(default)]
    pub(super) blocks: Vec<Value>,
}

/// Somebody types into a menu.
#[derive(Debug, Deserialize)]
pub(super) struct Suggestion {
    pub(super) user: Person,
    pub(super) view: Option<View>,
    pub(super) block_id: String,
    #[serde(default)]
    pub(super) value: String,
}

/// Somebody submitted a view.
#[derive(Debug, Deserialize)]
pub(super) struct Submitted {
    pub(super) user: Person,
    pub(super) team: Option<Team>,
    pub(super) trigger_id: Option<String>,
    pub(super) view: Arc<View>,
}

/// Somebody closed a view.
#[derive(Debug, Deserialize)]
pub(super) struct Closed {
    pub(super) view: View,
}

/// Somebody chose a global shortcut.
#[derive(Debug, Deserialize)]
pub(super) struct Shortcut {
    pub(super) user: Person,
    pub(super) team: Option<Team>,
    pub(super) trigger_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) team_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Team {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Channel {
    pub(super) name: Option<String>,
}

/// Where it was done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Container {
    pub(super) channel_id: Option<String>,
    pub(super) message_ts: Option<String>,
    pub(super) thread_ts: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Action {
    pub(super) action_id: String,
    #[serde(default)]
    pub(super) block_id: String,
    pub(super) value: Option<String>,
    pub(super) action_ts: String,
    pub(super) selected_option: Option<Picked>,
}

#[derive(Debug, Deserialize)]
pub(super) struct View {
    pub(super) id: String,
    #[serde(default)]
    pub(super) callback_id: String,
    #[serde(default)]
    pub(super) private_metadata: String,
    pub(super) hash: Option<String>,
    #[serde(default)]
    blocks: Vec<Block>,
    #[serde(default)]
    pub(super) state: State,
}

/// A block of a view.
#[derive(Debug, Deserialize)]
struct Block {
    #[serde(default, rename = "type")]
    kind: String,
    block_id: Option<String>,
}

impl View {
    /// The block of the first input.
    pub(super) fn first_input(&self) -> Option<&str> {
        self.blocks.iter().find(|block| block.kind == "input")?.block_id.as_deref()
    }

    /// The fields that the view asks for, and the revision of each.
    pub(super) fn revisions(&self) -> BTreeMap<&str, u32> {
        let inputs = self.blocks.iter().filter(|block| block.kind == "input");
        let inputs = inputs.filter_map(|block| block.block_id.as_deref());
        let mut latest = BTreeMap::new();
        for (field, revision) in inputs.chain(self.state.values.keys().map(String::as_str)).filter_map(field_of) {
            let known = latest.entry(field).or_insert(revision);
            *known = revision.max(*known);
        }
        latest
    }

    /// What stands in the input of a field.
    pub(super) fn filled(&self, field: &str, revision: u32) -> Option<&Filled> {
        self.state.of_block(&block_of(field, revision))
    }
}

/// The block of a field. Slack keeps what was typed in a block, so what code has put there needs a new one.
pub(super) fn block_of(field: &str, revision: u32) -> String {
    format!("{field}:{revision}")
}

/// The field of a block, and its revision.
pub(super) fn field_of(block: &str) -> Option<(&str, u32)> {
    let (field, revision) = block.rsplit_once(':')?;
    Some((field, revision.parse().ok()?))
}

/// What stands in the inputs, by block and then by element.
#[derive(Debug, Default, Deserialize)]
pub(super) struct State {
    #[serde(default)]
    pub(super) values: BTreeMap<String, BTreeMap<String, Filled>>,
}

impl State {
    /// What stands in the only input of a block.
    pub(super) fn of_block(&self, block: &str) -> Option<&Filled> {
        self.values.get(block)?.values().next()
    }
}

/// What stands in an input; all is `None` in one that is empty.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filled {
    pub(super) value: Option<String>,
    pub(super) selected_option: Option<Picked>,
    pub(super) selected_options: Option<Vec<Picked>>,
    pub(super) selected_user: Option<String>,
    pub(super) selected_users: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Picked {
    pub(super) value: String,
}

/// The workspace in which something was done, for names of submissions.
pub(super) fn team_of<'a>(team: Option<&'a Team>, user: &'a Person) -> &'a str {
    team.map(|team| team.id.as_str()).or(user.team_id.as_deref()).unwrap_or_default()
}
