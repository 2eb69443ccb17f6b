//! The client of a workspace, and how it is built.

use std::sync::Arc;

use sym_sdk::config::{SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};

use super::SimulatedSlack;
use super::api::{HOOKS, RATE_LIMITS, SOCKET_MODE, hooks_base_url};
use super::errors::classify;
use super::user_cache::UserCache;
use super::{Api, TrustedTeams};
use crate::http::{Auth, BaseUrl, SecretString};
use crate::kit::{
    BASE_URL, Credentials, Endpoint, ServiceClient, SimulatedAccount, Vendor, VendorBuilder, VendorClient,
};

/// No setting is required: flows that only name Slack channels run without a token, and in simulations.
pub(super) const SLACK: Vendor = Vendor::new("slack", "Slack")
    .request_id_headers(&["x-slack-req-id"])
    .rate_limits(RATE_LIMITS)
    .settings(SettingsSchema::open(&[
        SettingSchema::optional(BOT_TOKEN),
        SettingSchema::optional(APP_TOKEN),
        SettingSchema::optional("signing_secret"),
        SettingSchema::optional(TRUSTED_TEAMS),
        SettingSchema::optional(SUPPORT),
        SettingSchema::optional(BASE_URL),
    ]))
    .classify(classify);

/// The setting that names the secret with the bot token.
const BOT_TOKEN: &str = "bot_token_secret";

/// The setting that names the secret with the app-level token.
const APP_TOKEN: &str = "app_token_secret";

/// The setting that names other workspaces whose people may use the app: see [`TrustedTeams`].
pub(super) const TRUSTED_TEAMS: &str = "trusted_teams";

/// The setting with the text that the front end shows for `/sym support`.
pub(super) const SUPPORT: &str = "support";

/// A client for one Slack workspace. Clones share connections, rate limits and the cache of users.
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
#[derive(Clone, Debug)]
pub struct Slack {
    api: Api,
    pub(super) users: Arc<UserCache>,
    trusted_teams: Arc<TrustedTeams>,
    /// Whether the workspace is simulated. Every channel name then resolves to itself.
    pub(super) is_simulated: bool,
}

/// A builder for a [`Slack`] client. It needs a [`token`](Self::token). The rate limits are those of Slack's methods.
pub type SlackBuilder = VendorBuilder<Slack>;

impl Slack {
    /// Creates a builder for the client of the workspace with this id, which begins with T.
    pub fn builder(workspace: impl Into<String>) -> SlackBuilder {
        Self::builder_for(workspace)
    }

    /// Sets the other workspaces that are trusted. The default is none.
    #[must_use]
    pub fn with_trusted_teams(self, teams: TrustedTeams) -> Self {
        Self { trusted_teams: Arc::new(teams), ..self }
    }

    /// Sets the other workspaces that the setting `trusted_teams` names.
    pub(super) fn with_trusted_teams_of(self, config: &IntegrationConfig<'_>) -> Result<Self> {
        match config.integration().settings().get(TRUSTED_TEAMS) {
            Some(teams) => Ok(self.with_trusted_teams(teams.parse()?)),
            None => Ok(self),
        }
    }

    /// Makes the client that of a simulated workspace.
    pub(super) fn simulated(self) -> Self {
        Self { is_simulated: true, ..self }
    }

    /// Returns the other workspaces that are trusted.
    pub fn trusted_teams(&self) -> &TrustedTeams {
        &self.trusted_teams
    }

    /// Returns the workspace id.
    pub fn workspace(&self) -> &str {
        self.service().account()
    }

    /// Returns the methods of Slack's Web API.
    pub fn api(&self) -> &Api {
        &self.api
    }
}

impl VendorBuilder<Slack> {
    /// Sets the app's bot token, `xoxb-…`.
    pub fn token(self, token: impl Into<SecretString>) -> Self {
        self.secret(BOT_TOKEN, token)
    }

    /// Sets an app-level token, `xapp-…`, for [`Api::open_socket`].
    pub fn app_token(self, token: impl Into<SecretString>) -> Self {
        self.secret(APP_TOKEN, token)
    }
}

impl VendorClient for Slack {
    const VENDOR: Vendor = SLACK;

    fn base_url(_: &str) -> Result<BaseUrl> {
        BaseUrl::of_host("slack.com", "api")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        Ok(Auth::bearer(credentials.secret(BOT_TOKEN)?))
    }

    /// Response URLs are secrets themselves and get no token, and Socket Mode takes a token of its own.
    fn endpoints(credentials: &Credentials<'_>, base_url: &BaseUrl) -> Result<Vec<Endpoint>> {
        let hooks = Endpoint::new(HOOKS, hooks_base_url(base_url)?, Auth::none());
        let app_token = credentials.optional_secret(APP_TOKEN);
        let sockets = app_token.map(|token| Endpoint::new(SOCKET_MODE, base_url.clone(), Auth::bearer(token)));
        Ok(std::iter::once(hooks).chain(sockets).collect())
    }

    fn check_account(workspace: &str) -> Result<()> {
        let is_id =
            workspace.starts_with('T') && workspace.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if is_id {
            return Ok(());
        }
        let message = format!("`{workspace}` is not a Slack workspace id");
        Err(SLACK
            .error(ErrorKind::Configuration, codes::CONFIGURATION, message)
            .with_hint("a workspace id begins with T and is upper case, as in `T012AB3CD`"))
    }

    fn from_service(service: ServiceClient) -> Self {
        let users = Arc::new(UserCache::new(Arc::clone(service.clock())));
        Self { api: Api::new(service), users, trusted_teams: Arc::default(), is_simulated: false }
    }

    fn with_service(&self, service: ServiceClient) -> Self {
        Self { api: Api::new(service), ..self.clone() }
    }

    fn service(&self) -> &ServiceClient {
        self.api.service()
    }
}

impl IntegrationClient for Slack {
    const TYPE: &'static str = SLACK.name();
    const SETTINGS: SettingsSchema = SLACK.settings_schema();

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        // A client needs the token even though the integration does not.
        config.secret(BOT_TOKEN)?;
        SlackBuilder::from_config(config)?.build()?.with_trusted_teams_of(config)
    }

    /// Reads the owner of the token ([`auth.test`](https://docs.slack.dev/reference/methods/auth.test)), which must be of the workspace.
    async fn check(&self) -> Result<Option<String>> {
        let owner = self.api().test_auth().await?;
        if let Some(organization) = owner.enterprise_id.as_deref().filter(|_| owner.is_enterprise_install) {
            // The token belongs to all workspaces of the organization.
            return Ok(Some(format!(
                "{} in organization {organization}",
                owner.bot_id.as_deref().unwrap_or(&owner.user_id)
            )));
        }
        if owner.team_id != self.workspace() {
            let (actual, configured) = (owner.team_id, self.workspace());
            let message = format!("the bot token belongs to workspace `{actual}`, but `{configured}` is configured");
            return Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_service(SLACK.name()));
        }
        let workspace = owner.team.unwrap_or_else(|| owner.team_id.clone());
        Ok(Some(format!("{} in {workspace}", owner.bot_id.as_deref().unwrap_or(&owner.user_id))))
    }

    /// Returns a client of a simulated workspace, in which every channel and group is empty. Messages are recorded in the outbox.
    fn simulated(config: &IntegrationConfig<'_>) -> Result<Option<Self>> {
        SimulatedSlack::new().client(&SimulatedAccount::of(config))?.with_trusted_teams_of(config).map(Some)
    }
}
