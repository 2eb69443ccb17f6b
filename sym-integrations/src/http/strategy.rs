//! The strategy `http`: a function of your own, called over HTTP, grants and revokes access.
//!
//! ```hcl
//! resource "sym_strategy" "vpn" {
//!   type    = "http"
//!   name    = "vpn"
//!   targets = [sym_target.office.id]
//!   settings = {
//!     url                 = "https://access.example.com/vpn"
//!     bearer_token_secret = sym_secret.vpn_token.id
//!   }
//! }
//! ```
//!
//! | setting | meaning |
//! | --- | --- |
//! | `url` | the URL of the function; `https`, or `http` on the loopback interface; without a query or a password |
//! | `bearer_token_secret` | the name of the secret to send as a bearer token |
//!
//! Each grant and each revocation is a POST of [`AccessRequest::to_json`]: `event.type` is `escalate` or `deescalate`,
//! `run.actors.request.username` is the user, and `fields.target` the target. The function responds with a status from 200 to 299 and
//!
//! ```json
//! { "body": { "message": "use profile office-7" }, "errors": [] }
//! ```
//!
//! The response becomes the output of the step, which handlers read with [`StepOutput`]. A non-empty `errors` means that access was not
//! granted, or not revoked. A response without `errors`, or with neither errors nor `body`, is a failure as well.
//!
//! A call can be repeated, with the same `idempotency_key` in the body and in the header `Idempotency-Key`. The function must treat
//! repeated calls as one. All attempts of one grant have the same key: a function that keeps results by key must not keep failures.
//! A grant that has failed is followed by a revocation, whatever the error: only the function can tell what it gave, and must leave the rest.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use sym_sdk::config::{SettingSchema, SettingsSchema, StrategySchema};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::{StepOutput, User};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope, StrategyConfig, StrategyType};

use super::lost_attempts::LostAttempts;
use super::{Auth, BaseUrl, Client, Connection, Service, error_names};
use crate::function_protocol::{FunctionResponse, MAX_BYTES};

inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

inventory::submit! {
    crate::kit::IntegrationInfo::new("http", "HTTP", "http")
        .with_strategies(&[crate::kit::StrategyInfo::new(strategy_type, RevocationScope::Unknown)])
        .with_log_destinations(&[super::log_destination::log_destination_type])
}

/// Read timeout. Gateways in front of functions time out after about as long.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Timeout of a call with all its attempts: slightly less than the runtime's limit for a strategy, so that the call ends with the more
/// specific error.
const CALL_TIMEOUT: Duration = Duration::from_secs(55);

// Rate groups: revocations must not wait because grants are throttled.
const GRANTS: &str = "grants";
const REVOCATIONS: &str = "revocations";

/// The configuration of strategies of type `http`. The function receives the targets with all of their settings.
const SCHEMA: StrategySchema =
    StrategySchema::ANY.with_optional_integration().with_settings(SettingsSchema::closed(&[
        SettingSchema::required("url"),
        SettingSchema::optional("bearer_token_secret"),
    ]));

/// Returns the strategy type `http`, which [`all`](crate::all) includes.
pub fn strategy_type() -> StrategyType {
    StrategyType::new("http", HttpStrategy::from_config).with_schema(SCHEMA)
}

/// A strategy that calls a function at a URL. See the [module](self) for requests and responses.
///
/// ```
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// # #[cfg(feature = "testing")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::json;
/// use sym_integrations::http::strategy::HttpStrategy;
/// use sym_integrations::testing::{Replay, Reply};
/// use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult};
/// use sym_sdk::model::StepOutput;
/// # use std::sync::Arc;
/// # use sym_sdk::prelude::*;
/// # let flow = Arc::new(Flow::builder(Slug::parse("prod")?, "acme").build());
/// # let ann = User::from_email("ann@example.com")?;
/// # let target = AccessTarget::new("acme", "http_target", Slug::parse("office")?);
/// # let event = Event::builder(flow, Step::Escalate, ann).target(target.clone()).build();
/// # let key = "0190f5a4-0000-7000-8000-000000000000:7".parse()?;
/// # let request = AccessRequest::new(&event, &target, "ann@example.com", key);
///
/// let replay = Replay::new();
/// let answer = json!({ "body": { "profile": "office-7" }, "errors": [] });
/// replay.post("/vpn").header("idempotency-key", key.to_string()).reply(Reply::json(&answer));
///
/// let url = "https://access.example.com/vpn";
/// let strategy = HttpStrategy::builder("vpn", url).connection(replay.connection()).build()?;
/// let granted = strategy.escalate(&request).await?;
///
/// assert_eq!(granted, GrantResult::granted().with_output(StepOutput(answer)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpStrategy {
    name: String,
    client: Client,
}

impl HttpStrategy {
    /// Creates a builder. Errors refer to the strategy by `name`.
    pub fn builder(name: impl Into<String>, url: impl Into<String>) -> HttpStrategyBuilder {
        HttpStrategyBuilder {
            name: name.into(),
            url: url.into(),
            auth: Auth::none(),
            connection: Connection::default(),
        }
    }

    /// Creates the strategy from its configuration.
    ///
    /// # Errors
    /// If `url` is missing or invalid, or a setting is unknown.
    pub fn from_config(config: &StrategyConfig<'_>) -> Result<Self> {
        config.expect_settings(&["url", "bearer_token_secret"])?;
        let mut builder = Self::builder(config.strategy.name().as_str(), config.setting("url")?);
        if let Some(token) = config.secret("bearer_token_secret") {
            builder = builder.bearer_token(token.clone());
        }
        builder.build()
    }

    /// Calls the function. Returns the attempts before its response, too.
    async fn call(&self, class: &'static str, request: &AccessRequest<'_>) -> Result<(FunctionResponse, LostAttempts)> {
        let response = self
            .client
            .post("", &[])
            .rate_group(class)
            .header("idempotency-key", &request.idempotency_key().to_string())
            .json(&request.to_json())
            // The runtime repeats a call whose outcome is unknown anyway, and functions recognise repetitions by the key. Without a retry
            // here, the outcome would only stay unknown for longer.
            .idempotent(true)
            .read_timeout(READ_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .max_bytes(MAX_BYTES)
            .await?;
        let parsed = FunctionResponse::parse(response.redacted_json()?).map_err(|fault| {
            let message = format!("the response of `{}` is invalid: {}", self.name, fault.problem);
            let error = self
                .client
                .error(ErrorKind::Decode, error_names::ERROR_RESPONSE, message)
                .with_status(response.status())
                .with_hint(fault.hint);
            match response.request_id() {
                Some(id) => error.with_request_id(id),
                None => error,
            }
        });
        Ok((parsed?, response.lost_attempts()))
    }
}

impl AccessStrategy for HttpStrategy {
    /// Returns the username, by which functions identify users.
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        Ok(Some(user.username().to_owned()))
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let (response, lost) = self.call(GRANTS, request).await?;
        match response.reported_errors(&self.name, "grant") {
            // The lost attempt may still be at work, and grant the access: it is no rejection.
            Some(error) if lost.any() => Err(lost.followed_by(error)),
            _ => Ok(response.into_grant_result()),
        }
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        self.call(REVOCATIONS, request).await?.0.into_revocation(&self.name)
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::Unknown
    }
}

impl fmt::Debug for HttpStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpStrategy").field("name", &self.name).field("client", &self.client).finish()
    }
}

/// Builds an [`HttpStrategy`].
#[derive(Debug)]
#[must_use = "call `build` to get the strategy"]
pub struct HttpStrategyBuilder {
    name: String,
    url: String,
    auth: Auth,
    connection: Connection,
}

impl HttpStrategyBuilder {
    /// Sends `Authorization: Bearer …`.
    pub fn bearer_token(mut self, token: SecretString) -> Self {
        self.auth = Auth::bearer(token);
        self
    }

    /// Sets the connection. The default is the network and the system clock.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Builds the strategy, without calling the function.
    ///
    /// # Errors
    /// If the URL is neither `https` nor on the loopback interface, or contains a query, a user name or a password; or if the token is empty
    /// or not valid in a header.
    pub fn build(self) -> Result<HttpStrategy> {
        let Self { name, url, auth, connection } = self;
        let client = Client::builder(Function, BaseUrl::parse(&url)?).auth(auth).connection(connection).build()?;
        Ok(HttpStrategy { name, client })
    }
}

/// The service in errors: any function.
struct Function;

impl Service for Function {
    fn name(&self) -> &'static str {
        "http"
    }

    fn error_type(&self) -> &'static str {
        "HTTP"
    }
}
