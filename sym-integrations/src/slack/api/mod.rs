//! Slack's Web API, method by method.
//!
//! Each method is rate-limited as Slack documents it. Methods that read are retried when the outcome of a call is unknown;
//! methods that post or open something are not.

mod chat;
mod conversations;
mod rate_limits;
mod respond;
mod socket;
mod users;
mod views;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sym_sdk::error::{Error, ErrorKind, Result};

use super::service::SlackService;
use crate::http::{Auth, BaseUrl, Call, Client, Connection, SecretString};
pub use chat::{PostEphemeral, PostMessage, UpdateMessage};
pub use respond::Respond;
pub(super) use users::{USERS_PER_PAGE, Users};
pub use views::{PublishView, UpdateView, ViewInfo};

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
pub struct Api {
    web: Client,
    /// For response URLs, which are on another host.
    hooks: Client,
    /// With the app-level token, for Socket Mode.
    app: Option<Client>,
}

impl Api {
    pub(super) fn new(
        base: BaseUrl,
        token: SecretString,
        app_token: Option<SecretString>,
        connection: Connection,
        limited: bool,
    ) -> Result<Self> {
        let client = |auth| Client::builder(SlackService, base.clone()).auth(auth).connection(connection.clone());
        let web = client(Auth::bearer(token));
        let web = if limited { rate_limits::with_rate_limits(web) } else { web };
        let app = app_token.map(|token| client(Auth::bearer(token)).build()).transpose()?;
        let hooks =
            Client::builder(SlackService, respond::hooks_base_url(&base)?).connection(connection.clone()).build()?;
        Ok(Self { web: web.build()?, hooks, app })
    }

    /// Returns the owner of the token ([`auth.test`](https://docs.slack.dev/reference/methods/auth.test)).
    pub async fn test_auth(&self) -> Result<TokenOwner> {
        self.read("auth.test").await?.json()
    }

    /// Creates an error that Slack did not report itself.
    pub(super) fn error(&self, kind: ErrorKind, name: &'static str, message: impl Into<String>) -> Error {
        self.web.error(kind, name, message)
    }

    /// Calls a method that reads. Such methods take form-encoded arguments.
    fn read(&self, method: &'static str) -> Call {
        self.web.post(method, &[]).rate_group(method).idempotent(true)
    }

    /// Calls a method that writes. It is not retried unless the caller marks the call as idempotent.
    fn write(&self, method: &'static str, arguments: Arguments) -> Result<Call> {
        Ok(self.web.post(method, &[]).rate_group(method).json(&Value::Object(arguments.into_json()?)))
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

    fn into_json(self) -> Result<Map<String, Value>> {
        self.0
    }
}

/// The owner of a token.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct TokenOwner {
    /// The workspace id.
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
    /// All other members of the response.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
