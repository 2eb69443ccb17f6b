//! Access tokens that a client gets with a signed assertion (RFC 7523), as the authentication of its calls.
//!
//! Instead of a token that never ends, a service has the client's public key. The client signs an assertion with its private key and
//! exchanges it for an access token, which is valid for an hour or so. There are two forms: with `jwt-bearer` the assertion is the grant,
//! as for Google's service accounts; with `private_key_jwt` it authenticates the client, as for Okta's service apps.
//!
//! Faults with tokens show after an hour, so these rules stand here, once:
//!
//! - A token is shared by all calls, renewed a minute before it expires, and fetched once for all that wait for it. A call whose token
//!   the service rejects is sent once more with a new one.
//! - Reads and writes have tokens of their own, so that a scope which only writes need does not stop the reads.
//! - The exchange is a call as any other, with retries and a timeout. Each attempt has an assertion of its own. It never fails as
//!   "not found" or "conflict", which a caller could take for the result of its own call.
//! - Assertions are backdated by some seconds, and a local clock that is wrong is corrected by the server's, with a warning.

mod assertion;
mod errors;
mod signing_key;
mod token;

use std::fmt;
use std::sync::Arc;

use sym_sdk::BoxFuture;
use sym_sdk::error::Result;

pub use signing_key::SigningKey;

use self::assertion::Grant;
use self::token::{TokenSource, Tokens};
use super::{Credentials, ErrorTable, Vendor};
use crate::http::{Auth, BaseUrl, Connection, CredentialsVersion, Signer, UnsignedRequest};

/// Access tokens for a client, got with assertions that its private key signs. They become its [`Auth`].
///
/// ```
/// use sym_integrations::http::{Auth, BaseUrl};
/// use sym_integrations::kit::{AccessTokens, Credentials, SigningKey};
/// use sym_sdk::error::Result;
///
/// // In the implementation of `VendorClient`:
/// fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
///     let key = SigningKey::from_pem(&credentials.secret("private_key_secret")?)?;
///     let endpoint = BaseUrl::parse("https://wiki.example.com/oauth2/token")?;
///     AccessTokens::private_key_jwt(credentials, endpoint, key, "client-17")
///         .scopes(&["spaces.read"], &["spaces.read", "spaces.manage"])
///         .auth()
/// }
/// # let _ = auth;
/// ```
#[must_use = "call `auth` to get the authentication of a client"]
pub struct AccessTokens {
    vendor: Vendor,
    connection: Connection,
    endpoint: BaseUrl,
    key: SigningKey,
    grant: Grant,
    read_scopes: String,
    write_scopes: String,
    errors: ErrorTable,
}

impl AccessTokens {
    /// Tokens for which the assertion is the grant: `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`. The issuer is the account
    /// that has the key; with a subject, the token acts as that user.
    ///
    /// The endpoint is the URL that assertions are posted to, and their audience.
    pub fn jwt_bearer(
        credentials: &Credentials<'_>,
        endpoint: BaseUrl,
        key: SigningKey,
        issuer: impl Into<String>,
        subject: Option<String>,
    ) -> Self {
        Self::new(credentials, endpoint, key, Grant::JwtBearer { issuer: issuer.into(), subject, client_id: None })
    }

    /// Tokens of the client itself, which the assertion authenticates: `grant_type=client_credentials`.
    ///
    /// The endpoint is the URL that assertions are posted to, and their audience.
    pub fn private_key_jwt(
        credentials: &Credentials<'_>,
        endpoint: BaseUrl,
        key: SigningKey,
        client_id: impl Into<String>,
    ) -> Self {
        Self::new(credentials, endpoint, key, Grant::ClientCredentials { client_id: client_id.into() })
    }

    fn new(credentials: &Credentials<'_>, endpoint: BaseUrl, key: SigningKey, grant: Grant) -> Self {
        Self {
            vendor: credentials.vendor(),
            connection: credentials.connection().clone(),
            endpoint,
            key,
            grant,
            read_scopes: String::new(),
            write_scopes: String::new(),
            errors: ErrorTable::new(&[]),
        }
    }

    /// Sets the id by which administrators know the issuer of a `jwt-bearer` assertion, for errors.
    pub fn issuer_id(mut self, id: Option<String>) -> Self {
        if let Grant::JwtBearer { client_id, .. } = &mut self.grant {
            *client_id = id;
        }
        self
    }

    /// Sets the scopes of tokens for GET and HEAD, and of those for all other methods.
    pub fn scopes(mut self, reads: &[&str], writes: &[&str]) -> Self {
        self.read_scopes = reads.join(" ");
        self.write_scopes = writes.join(" ");
        self
    }

    /// Sets the vendor's own meaning of the `error` codes of the token endpoint, such as hints that say where its console is. They
    /// supplement those of OAuth.
    pub fn errors(mut self, errors: ErrorTable) -> Self {
        self.errors = errors;
        self
    }

    /// Returns the authentication. Tokens are fetched with the first call.
    ///
    /// # Errors
    /// If there can be no connection, as when the system's certificates cannot be read.
    pub fn auth(self) -> Result<Auth> {
        let tokens = Tokens::default();
        let source = |scopes: &str| TokenSource::new(&self, scopes, &tokens).map(Arc::new);
        let reads = source(&self.read_scopes)?;
        let writes =
            if self.write_scopes == self.read_scopes { Arc::clone(&reads) } else { source(&self.write_scopes)? };
        Ok(Auth::signer(BearerTokens { reads, writes }))
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens")
            .field("endpoint", &self.endpoint.as_str())
            .field("key", &self.key)
            .field("grant", &self.grant)
            .field("read_scopes", &self.read_scopes)
            .field("write_scopes", &self.write_scopes)
            .finish_non_exhaustive()
    }
}

/// Puts an access token into each request.
struct BearerTokens {
    reads: Arc<TokenSource>,
    writes: Arc<TokenSource>,
}

impl Signer for BearerTokens {
    fn sign<'a>(&'a self, mut request: UnsignedRequest<'a>) -> BoxFuture<'a, Result<CredentialsVersion>> {
        let source = if matches!(request.method(), "GET" | "HEAD") { &self.reads } else { &self.writes };
        Box::pin(async move {
            let token = source.token().await?;
            request.set_secret_header("authorization", "Bearer ", &token.secret)?;
            Ok(token.version)
        })
    }

    fn renew(&self, rejected: CredentialsVersion) -> bool {
        // A call whose token is older than the present one gets that when it is sent again.
        self.reads.discard(rejected);
        self.writes.discard(rejected);
        true
    }
}
