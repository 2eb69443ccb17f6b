//! Slack's Web API, method by method.
//!
//! Each method is rate-limited as Slack documents it. Methods that read are retried when the outcome of a call is unknown;
//! methods that post or open something are not.

mod chat;
mod conversations;
mod page;
mod respond;
mod socket;
mod users;
mod views;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sym_sdk::error::Result;

use crate::http::{Call, RateLimit};
use crate::kit::{RateGroup, ServiceClient, null_as_default};
#[cfg(feature = "slack-app")]
pub(super) use chat::UNKNOWN_TS;
pub use chat::{PostEphemeral, PostMessage, UpdateMessage};
pub(super) use conversations::CHANNEL_HINT;
pub use respond::Respond;
pub(super) use respond::{HOOKS, hooks_base_url};
pub(super) use socket::SOCKET_MODE;
pub(super) use users::USERS_PER_PAGE;
pub use views::{PublishView, UpdateView, ViewInfo};

const TIER_2: RateLimit = RateLimit::per_minute(20);
const TIER_3: RateLimit = RateLimit::per_minute(50);
const TIER_4: RateLimit = RateLimit::per_minute(100);

/// The [limit](https://docs.slack.dev/apis/web-api/rate-limits) of each method; every method counts separately, and messages count
/// per channel. `auth.test` has none here, because its limit is never reached.
pub(super) const RATE_LIMITS: &[RateGroup] = &[
    RateGroup::per_key("chat.postMessage", RateLimit::per_second(1)),
    RateGroup::new("chat.getPermalink", TIER_4),
    RateGroup::new("chat.postEphemeral", TIER_4),
    RateGroup::new("chat.update", TIER_3),
    RateGroup::new("conversations.list", TIER_2),
    RateGroup::new("conversations.members", TIER_4),
    RateGroup::new("conversations.open", TIER_3),
    RateGroup::new("usergroups.users.list", TIER_2),
    RateGroup::new("users.info", TIER_4),
    RateGroup::new("users.list", TIER_2),
    RateGroup::new("users.lookupByEmail", TIER_3),
    RateGroup::new("views.open", TIER_4),
    RateGroup::new("views.publish", TIER_4),
    RateGroup::new("views.push", TIER_4),
    RateGroup::new("views.update", TIER_4),
];

/// Slack's [Web API](https://docs.slack.dev/reference/methods), method by method. Obtained from [`Slack::api`].
///
/// Blocks and views can be any type that serializes to them. A method that reads is retried when the outcome of a call is
/// unknown; a method that posts or opens something is not. Calls are rate-limited per method as Slack documents, and messages
/// to one per second in each channel.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::json;
/// use sym_integrations::slack::Slack;
/// use sym_integrations::testing::{Replay, Reply};
///
/// let replay = Replay::new();
/// replay.post("/api/chat.postMessage").reply(Reply::json(json!({ "ok": true, "channel": "C012AB3CD", "ts": "1709208000.000100" })));
///
/// let slack = Slack::builder("T012AB3CD").token("xoxb-1").connection(replay.connection()).build()?;
/// let section = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "*Ana* asks for access" } });
/// let message = slack.api().post_message("C012AB3CD").text("Ana asks for access").blocks([section]).await?;
/// assert_eq!(message.ts(), "1709208000.000100");
/// # Ok(())
/// # }
/// ```
///
/// [`Slack::api`]: super::Slack::api
#[derive(Clone, Debug)]
pub struct Api(ServiceClient);

impl Api {
    pub(super) fn new(service: ServiceClient) -> Self {
        Self(service)
    }

    pub(super) fn service(&self) -> &ServiceClient {
        &self.0
    }

    /// Returns the workspace id. Methods that list take it, for a token that belongs to a whole organization; others ignore it.
    fn workspace(&self) -> &str {
        self.0.account()
    }

    /// Returns the owner of the token ([`auth.test`](https://docs.slack.dev/reference/methods/auth.test)).
    pub async fn test_auth(&self) -> Result<TokenOwner> {
        self.read("auth.test").await?.json()
    }

    /// Calls a method that reads. Such methods take form-encoded arguments.
    fn read(&self, method: &'static str) -> Call {
        self.0.post(method, &[]).rate_group(method).idempotent(true)
    }

    /// Calls a method that writes. It is not retried unless the caller marks the call as idempotent.
    fn write(&self, method: &'static str, arguments: Arguments) -> Result<Call> {
        Ok(self.0.post(method, &[]).rate_group(method).json(&Value::Object(arguments.into_json()?)))
    }
}

/// The arguments of a method, as JSON. An argument that does not serialize is reported when the call is made.
#[derive(Debug)]
struct Arguments(Result<Map<String, Value>>);

impl Arguments {
    fn new() -> Self {
        Self(Ok(Map::new()))
    }

    fn set(self, name: &str, value: impl Serialize) -> Self {
        Self(self.0.and_then(|mut arguments| {
            arguments.insert(name.to_owned(), serde_json::to_value(value)?);
            Ok(arguments)
        }))
    }

    /// Returns an argument that is text.
    fn text(&self, name: &str) -> Option<String> {
        Some(self.0.as_ref().ok()?.get(name)?.as_str()?.to_owned())
    }

    fn into_json(self) -> Result<Map<String, Value>> {
        self.0
    }
}

/// The owner of a token.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct TokenOwner {
    /// The workspace id. Empty for a token of a whole organization.
    #[serde(default, deserialize_with = "null_as_default")]
    pub team_id: String,
    /// The workspace name.
    pub team: Option<String>,
    /// The URL of the workspace.
    pub url: Option<String>,
    /// The user id of the app's bot user.
    pub user_id: String,
    /// The bot id of the app.
    pub bot_id: Option<String>,
    /// The id of the Enterprise organization that the workspace belongs to.
    pub enterprise_id: Option<String>,
    /// Whether the app is installed for a whole Enterprise organization.
    #[serde(default, deserialize_with = "null_as_default")]
    pub is_enterprise_install: bool,
    /// All other members of the response.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
