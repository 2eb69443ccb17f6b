use std::fmt;
use std::sync::Arc;

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::directory::Directory;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::Api;
use super::roster::Roster;
use crate::http::{BaseUrl, Connection, SecretString};
use crate::kit::AccountResolver;

/// One workspace of Slack. Clones share its connections, rate limits and what it remembers of people.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::json;
/// use sym_integrations::slack::{self, Slack};
/// use sym_integrations::testing::{Replay, Reply};
///
/// let replay = Replay::new();
/// replay
///     .post("/api/chat.postMessage")
///     .json(json!({ "channel": "#access-audit", "text": "hello" }))
///     .reply(Reply::json(json!({ "ok": true, "channel": "C012AB3CD", "ts": "1709208000.000100" })));
///
/// let slack = Slack::builder("T012AB3CD").token("xoxb-1").connection(replay.connection()).build()?;
/// let message = slack.send_message(slack::channel("#access-audit")?, "hello").await?;
/// assert_eq!(message.channel(), "C012AB3CD");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Slack(Arc<Inner>);

pub(super) struct Inner {
    pub(super) workspace: String,
    pub(super) api: Api,
    pub(super) accounts: AccountResolver,
    pub(super) directory: Option<Directory>,
    pub(super) roster: Roster,
    /// Whether the workspace is a stand-in, where each channel is there that somebody names.
    pub(super) dry: bool,
}

impl Slack {
    /// Builds a client for the workspace of this id, which begins with T.
    pub fn builder(workspace: impl Into<String>) -> SlackBuilder {
        SlackBuilder {
            workspace: workspace.into(),
            token: None,
            app_token: None,
            base_url: None,
            connection: Connection::default(),
            directory: None,
            limited: true,
            dry: false,
        }
    }

    /// The id of the workspace.
    pub fn workspace(&self) -> &str {
        &self.0.workspace
    }

    /// The methods of Slack's Web API, one by one.
    pub fn api(&self) -> &Api {
        &self.0.api
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slack").field("workspace", &self.0.workspace).field("api", &self.0.api).finish_non_exhaustive()
    }
}

impl IntegrationClient for Slack {
    const TYPE: &'static str = "slack";

    // No setting is required: flows that only name Slack channels run without a token, and in simulations.
    const SETTINGS: SettingsSchema = SettingsSchema::open(&[
        SettingSchema::optional("bot_token_secret"),
        SettingSchema::optional("app_token_secret"),
        SettingSchema::optional("signing_secret"),
        SettingSchema::optional("base_url"),
    ]);

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let mut builder = Self::builder(config.external_id()).token(config.secret("bot_token_secret")?.clone());
        if config.integration().secrets().contains_key("app_token_secret") {
            builder = builder.app_token(config.secret("app_token_secret")?.clone());
        }
        if let Some(url) = config.integration().settings().get("base_url") {
            builder = builder.base_url(BaseUrl::parse(url)?);
        }
        if let Some(directory) = config.directory() {
            builder = builder.directory(directory.clone());
        }
        builder.build()
    }

    /// One for whom nobody is in channels and groups. What is sent stands in the timeline.
    #[cfg(feature = "runtime")]
    fn simulated(config: &IntegrationConfig<'_>) -> Option<Self> {
        let connection = super::dry::connection(config.outbox());
        let mut builder =
            Self::builder(config.external_id()).token("xoxb-dry").connection(connection).without_rate_limits();
        builder.dry = true;
        builder.directory = config.directory().cloned();
        // An id that is none is a fault that the real client reports.
        builder.build().ok()
    }
}

/// Builds a [`Slack`].
#[must_use]
pub struct SlackBuilder {
    workspace: String,
    token: Option<SecretString>,
    app_token: Option<SecretString>,
    base_url: Option<BaseUrl>,
    connection: Connection,
    directory: Option<Directory>,
    limited: bool,
    dry: bool,
}

impl SlackBuilder {
    /// Sets the app's bot token, `xoxb-…`. It cannot do without one.
    pub fn token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets an app-level token, `xapp-…`, for [`Api::open_socket`].
    pub fn app_token(mut self, token: impl Into<SecretString>) -> Self {
        self.app_token = Some(token.into());
        self
    }

    /// Sets another address of the API than `https://slack.com/api`.
    pub fn base_url(mut self, url: BaseUrl) -> Self {
        self.base_url = Some(url);
        self
    }

    /// How Slack is reached. Unless told, over the network and by the machine's clock.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Sets where it is kept who has which account. Without it, people are told by their e-mail addresses alone.
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Sends calls as they come, and leaves it to the other side to refuse them: for stand-ins that have no limits.
    pub fn without_rate_limits(mut self) -> Self {
        self.limited = false;
        self
    }

    /// The client. It calls nobody yet.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION`: there is no token, the workspace's id is not one, or a token does not fit in a header.
    pub fn build(self) -> Result<Slack> {
        let Self { workspace, token, app_token, base_url, connection, directory, limited, dry } = self;
        let is_id =
            workspace.starts_with('T') && workspace.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if !is_id {
            let message = format!("`{workspace}` is not the id of a Slack workspace");
            return Err(unfit(message).with_hint("it begins with T and is in upper case, as in `T012AB3CD`"));
        }
        let token = token.ok_or_else(|| unfit("Slack needs a bot token, and there is none".to_owned()))?;
        let base = match base_url {
            Some(url) => url,
            None => BaseUrl::of_host("slack.com", "api")?,
        };
        let roster = Roster::new(Arc::clone(connection.clock()));
        let api = Api::new(base, token, app_token, connection, limited)?;
        let accounts = AccountResolver::new(Slack::TYPE, &workspace, directory.clone());
        Ok(Slack(Arc::new(Inner { workspace, api, accounts, directory, roster, dry })))
    }
}

impl fmt::Debug for SlackBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackBuilder")
            .field("workspace", &self.workspace)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

fn unfit(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_service(Slack::TYPE)
}

#[cfg(feature = "runtime")]
inventory::submit! { crate::plugins::Registration::Other(|builder| builder.integration_type::<Slack>()) }
