//! Access that a function of your own grants, called by HTTP: strategies of type `http` in the configuration.
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
//! | `url` | where the function is; `https`, or `http` on this machine; neither a query nor a password |
//! | `bearer_token_secret` | the name of a secret that is sent as a bearer token |
//!
//! The function is called for each grant and each revocation with a POST of [`AccessRequest::to_json`]: `event.type` is `escalate`
//! or `deescalate`, `run.actors.request.username` is who gets or loses the access, `fields.target` to what. It answers with a
//! status from 200 to 299 and
//!
//! ```json
//! { "body": { "message": "use profile office-7" }, "errors": [] }
//! ```
//!
//! The answer becomes the step's output, which handlers read with [`StepOutput`]. If `errors` is not empty, access was not
//! granted, or not taken away. An answer without `errors`, or with neither errors nor `body`, is no success either.
//!
//! A call may come more than once, with the same `idempotency_key` in the body and the header `Idempotency-Key`: the function has
//! to do then as if it had come once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use sym_sdk::BoxFuture;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::User;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, Escalation, RevocationReach, StrategyConfig, StrategyType};
use sym_sdk::template::StepOutput;

use super::{Auth, BaseUrl, Client, Connection, Service, names};
use crate::function_protocol::{FunctionResponse, MOST_BYTES};

/// A function may think for so long. Gateways in front of functions give up at about this time.
const SILENCE: Duration = Duration::from_secs(30);

/// A call with all its tries may take this long: a little less than a strategy has, so that it ends with an error of its own.
const CALL: Duration = Duration::from_secs(55);

/// The classes of calls: where grants are to wait, revocations are not.
const GRANTS: &str = "grants";
const REVOCATIONS: &str = "revocations";

/// The type of strategies that [`all`](crate::all) brings along.
pub fn strategy_type() -> StrategyType {
    StrategyType::new("http", |config| Ok(Arc::new(HttpStrategy::from_config(config)?)))
}

/// Has a function behind a URL grant access and take it away. See the [module](self) for what it is sent and answers.
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
/// use sym_sdk::strategy::{AccessRequest, AccessStrategy, Escalation};
/// use sym_sdk::template::StepOutput;
/// # use std::sync::Arc;
/// # use sym_sdk::prelude::*;
/// # let flow = Arc::new(Flow::builder(Slug::parse("prod")?, "acme").build());
/// # let ann = User::person(UserId::of_email("ann@example.com"), "ann@example.com")?;
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
/// assert_eq!(granted, Escalation::granted().with_output(StepOutput(answer)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpStrategy {
    name: String,
    client: Client,
}

impl HttpStrategy {
    /// Begins a strategy. `name` is what errors call it.
    pub fn builder(name: impl Into<String>, url: impl Into<String>) -> HttpStrategyBuilder {
        HttpStrategyBuilder {
            name: name.into(),
            url: url.into(),
            auth: Auth::none(),
            connection: Connection::default(),
        }
    }

    /// The strategy that is configured so.
    ///
    /// # Errors
    /// If `url` is missing or cannot be used, or there is a setting that is not known.
    pub fn from_config(config: &StrategyConfig<'_>) -> Result<Self> {
        config.expect_settings(&["url", "bearer_token_secret"])?;
        let mut builder = Self::builder(config.strategy.name().as_str(), config.setting("url")?);
        if let Some(token) = config.secret("bearer_token_secret") {
            builder = builder.bearer_token(token.clone());
        }
        builder.build()
    }

    async fn call(&self, class: &'static str, request: &AccessRequest<'_>) -> Result<FunctionResponse> {
        let response = self
            .client
            .post("", &[])
            .class(class)
            .header("idempotency-key", &request.idempotency_key().to_string())
            .json(&request.to_json())
            // The runtime repeats a call whose outcome it does not know, so a function has to bear it anyway; and it can tell by
            // the key. Not to try again at once would only leave the access in doubt for longer.
            .idempotent(true)
            .max_silence(SILENCE)
            .within(CALL)
            .max_bytes(MOST_BYTES)
            .await?;
        FunctionResponse::read(response.json_without_secrets()?).map_err(|fault| {
            let message = format!("`{}` did not answer as a strategy's function does: {fault}", self.name);
            let error = self
                .client
                .error(ErrorKind::Decode, names::ERROR_RESPONSE, message)
                .with_status(response.status())
                .with_hint(r#"have it answer with `{"body": {…}, "errors": []}`"#);
            match response.request_id() {
                Some(id) => error.with_request_id(id),
                None => error,
            }
        })
    }
}

impl AccessStrategy for HttpStrategy {
    /// The username: functions find people by it.
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move { Ok(Some(user.username().to_owned())) })
    }

    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Escalation>> {
        Box::pin(async move { Ok(self.call(GRANTS, request).await?.into_escalation()) })
    }

    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
        Box::pin(async move { self.call(REVOCATIONS, request).await?.into_revocation(&self.name) })
    }

    fn reach(&self) -> RevocationReach {
        RevocationReach::Unknown
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

    /// How the function is reached. Unless told, over the network and by the machine's clock.
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// The strategy. It calls nobody yet.
    ///
    /// # Errors
    /// If the URL is neither `https` nor on this machine, or has a query, a user or a password in it; or if the token is empty or
    /// cannot be sent.
    pub fn build(self) -> Result<HttpStrategy> {
        let Self { name, url, auth, connection } = self;
        let client = Client::builder(Function, BaseUrl::parse(&url)?).auth(auth).connection(connection).build()?;
        Ok(HttpStrategy { name, client })
    }
}

/// Nobody's in particular.
struct Function;

impl Service for Function {
    fn name(&self) -> &'static str {
        "http"
    }

    fn error_type(&self) -> &'static str {
        "HTTP"
    }
}
