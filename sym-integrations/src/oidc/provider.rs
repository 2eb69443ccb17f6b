//! The identity provider that people sign in at: its addresses, and the exchange of a code for an ID token.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::runtime::{IdentityProvider, SignInRequest};
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use super::keys::{Discovery, IssuerKeys, KEYS_TTL, MAX_DOCUMENT_BYTES, OIDC, READ_TIMEOUT, misconfigured};
use super::verifier::verify_signature;
use crate::http::{Auth, BaseUrl, Client, Connection};

/// The tenants of Entra that stand for any tenant. A token of theirs names another issuer each time.
const ANY_TENANT: [&str; 3] = ["/common/", "/organizations/", "/consumers/"];

/// An [`IdentityProvider`] by OpenID Connect, with an authorization code and PKCE.
///
/// ```
/// use sym_integrations::oidc::OidcProvider;
/// use sym_sdk::config::Config;
/// use sym_sdk::model::UserRole;
/// use sym_sdk::runtime::{Runtime, SignInRules};
///
/// # fn main() -> Result<(), sym_sdk::Error> {
/// let provider = OidcProvider::new("https://acme.okta.com", "0oa1b2c3")?.client_secret("from-the-environment".into());
/// let rules = SignInRules::new().role(UserRole::Admin, ["sym-admins"]).role(UserRole::Member, ["eng"]);
/// let builder = Runtime::builder(Config::default()).identity_provider(provider, rules);
/// # let _ = builder;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct OidcProvider {
    issuer: String,
    client_id: String,
    client_secret: Option<SecretString>,
    scopes: Vec<String>,
    connection: Connection,
    keys: IssuerKeys,
    /// The description, and the time that had passed when it was read.
    discovery: Mutex<Option<(Discovery, Duration)>>,
}

/// The answer of the token endpoint, as far as it is needed.
#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
}

impl OidcProvider {
    /// Creates a provider with this issuer, exactly as its openid-configuration names it, and the client id that it has given us.
    ///
    /// # Errors
    /// If the issuer is no HTTPS address, or stands for any tenant.
    pub fn new(issuer: impl Into<String>, client_id: impl Into<String>) -> Result<Self> {
        let (issuer, connection) = (issuer.into(), Connection::default());
        let is_any_tenant = issuer.contains("//login.microsoftonline.")
            && ANY_TENANT.iter().any(|tenant| format!("{issuer}/").contains(tenant));
        if is_any_tenant || issuer.contains('{') {
            let message = format!("the issuer `{issuer}` stands for any tenant");
            return Err(misconfigured(message).with_hint("use the issuer of your tenant, which has its id in it"));
        }
        let keys = IssuerKeys::new(&issuer, &connection)?.allow_elsewhere();
        let scopes = ["openid", "email", "profile"].map(str::to_owned).to_vec();
        Ok(Self {
            issuer,
            client_id: client_id.into(),
            client_secret: None,
            scopes,
            connection,
            keys,
            discovery: Mutex::default(),
        })
    }

    /// Sets the client secret. Without one, the code is protected by its verifier alone.
    #[must_use]
    pub fn client_secret(mut self, secret: SecretString) -> Self {
        self.client_secret = Some(secret);
        self
    }

    /// Adds a scope to `openid`, `email` and `profile`, such as `groups`.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Sets the connection, such as that of a fake provider.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn connection(mut self, connection: Connection) -> Result<Self> {
        self.keys = IssuerKeys::new(&self.issuer, &connection)?.allow_elsewhere();
        self.connection = connection;
        Ok(self)
    }

    /// Returns the description of the provider, which is read again after an hour.
    async fn discovery(&self) -> Result<Discovery> {
        let mut known = self.discovery.lock().await;
        let now = self.connection.clock().elapsed();
        if let Some((discovery, read_at)) = &*known
            && now.saturating_sub(*read_at) < KEYS_TTL
        {
            return Ok(discovery.clone());
        }
        match self.keys.discover().await {
            Ok(discovery) => {
                *known = Some((discovery.clone(), now));
                Ok(discovery)
            }
            // Addresses do not go bad because they cannot be read again.
            Err(error) => match &*known {
                Some((discovery, _)) => {
                    tracing::warn!(%error, issuer = self.issuer, "the description of an identity provider could not be read again");
                    Ok(discovery.clone())
                }
                None => Err(error),
            },
        }
    }

    fn endpoint<'a>(&self, name: &str, endpoint: Option<&'a String>) -> Result<&'a str> {
        let endpoint = endpoint.ok_or_else(|| misconfigured(format!("`{}` publishes no `{name}`", self.issuer)))?;
        // Its query, if it has one, is kept.
        BaseUrl::parse(endpoint.split('?').next().unwrap_or_default()).map_err(|error| {
            misconfigured(format!("the `{name}` of `{}` is not good", self.issuer)).with_source(error)
        })?;
        Ok(endpoint)
    }

    /// Returns a client of the token endpoint. Whether the secret is sent in a header or in the form is up to the provider; without a word of
    /// it, in a header.
    fn token_client(&self, endpoint: &str, sends_form: bool) -> Result<Client> {
        let client = Client::builder(OIDC, BaseUrl::parse(endpoint)?).connection(self.connection.clone());
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        match &self.client_secret {
            Some(secret) if !sends_form => {
                let secret = SecretString::from(encoded(secret.expose_secret()));
                client.auth(Auth::basic(encoded(&self.client_id), secret)).build()
            }
            _ => client.build(),
        }
    }

    async fn id_token(&self, code: &SecretString, request: &SignInRequest) -> Result<SecretString> {
        let discovery = self.discovery().await?;
        let endpoint = self.endpoint("token_endpoint", discovery.token_endpoint.as_ref())?;
        let sends_form = discovery.token_endpoint_auth_methods_supported.iter().any(|way| way == "client_secret_post");
        let call = self
            .token_client(endpoint, sends_form)?
            .post("", &[])
            .form("grant_type", "authorization_code")
            .form("redirect_uri", request.redirect_uri())
            .form("client_id", &self.client_id)
            .secret_form("code", code)
            .secret_form("code_verifier", &request.verifier());
        let call = match &self.client_secret {
            Some(secret) if sends_form => call.secret_form("client_secret", secret),
            _ => call,
        };
        // A code is good once.
        let call = call.idempotent(false).confidential().timeout(READ_TIMEOUT).max_bytes(MAX_DOCUMENT_BYTES);
        let tokens: Tokens = call.await?.json()?;
        tokens.id_token.map(SecretString::from).ok_or_else(|| {
            let message = format!("`{}` has sent no ID token", self.issuer);
            Error::new(ErrorKind::Identity, codes::AUTHENTICATION_SIGN_IN_REFUSED, message)
                .with_hint("the client must be allowed the scope `openid`")
        })
    }
}

impl IdentityProvider for OidcProvider {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn client_id(&self) -> &str {
        &self.client_id
    }

    fn authorization_url<'a>(&'a self, request: &'a SignInRequest) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let discovery = self.discovery().await?;
            let endpoint = self.endpoint("authorization_endpoint", discovery.authorization_endpoint.as_ref())?;
            let mut url = Url::parse(endpoint)
                .map_err(|error| misconfigured(format!("`{endpoint}` is no address")).with_source(error))?;
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(request.verifier().expose_secret().as_bytes()));
            url.query_pairs_mut()
                .append_pair("response_type", "code")
                .append_pair("response_mode", "query")
                .append_pair("client_id", &self.client_id)
                .append_pair("redirect_uri", request.redirect_uri())
                .append_pair("scope", &self.scopes.join(" "))
                .append_pair("state", &request.state())
                .append_pair("nonce", &request.nonce())
                .append_pair("code_challenge", &challenge)
                .append_pair("code_challenge_method", "S256");
            Ok(url.into())
        })
    }

    fn redeem<'a>(
        &'a self,
        code: &'a SecretString,
        request: &'a SignInRequest,
    ) -> BoxFuture<'a, Result<Map<String, Value>>> {
        Box::pin(async move {
            let token = self.id_token(code, request).await?;
            verify_signature(&self.keys, &self.issuer, &token).await
        })
    }
}
