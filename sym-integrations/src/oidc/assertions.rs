//! The assertions that a proxy signs about the people whom it lets through.

use secrecy::SecretString;
use serde_json::{Map, Value};
use sym_sdk::BoxFuture;
use sym_sdk::error::Result;
use sym_sdk::runtime::AssertionVerifier;

use super::keys::IssuerKeys;
use super::verifier::verify_signature;
use crate::http::Connection;

/// An [`AssertionVerifier`] of JSON Web Tokens, as Cloudflare Access, Google's Identity-Aware Proxy and Pomerium sign them.
///
/// ```
/// use sym_integrations::oidc::JwtAssertions;
///
/// // Cloudflare Access says where its keys are; Google's proxy does not.
/// let cloudflare = JwtAssertions::new("https://acme.cloudflareaccess.com", "4714c1358e65fe4b")?;
/// let google = JwtAssertions::with_keys_at(
///     "https://cloud.google.com/iap",
///     "/projects/1234/global/backendServices/5678",
///     "https://www.gstatic.com/iap/verify/public_key-jwk",
/// )?;
/// # let _ = (cloudflare, google);
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Debug)]
pub struct JwtAssertions {
    issuer: String,
    audience: String,
    keys_url: Option<String>,
    keys: IssuerKeys,
}

impl JwtAssertions {
    /// Creates a verifier of what this issuer signs for us, who are this audience. The issuer publishes where its keys are, by OpenID Connect
    /// Discovery.
    ///
    /// # Errors
    /// If the issuer is no HTTPS address.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Result<Self> {
        Self::create(issuer.into(), audience.into(), None, Connection::default())
    }

    /// Creates a verifier of what an issuer signs whose keys are at this address. The issuer need not be an address then.
    ///
    /// # Errors
    /// If the keys are at no HTTPS address.
    pub fn with_keys_at(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        keys_url: impl Into<String>,
    ) -> Result<Self> {
        Self::create(issuer.into(), audience.into(), Some(keys_url.into()), Connection::default())
    }

    /// Sets the connection, such as that of a fake issuer.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn connection(self, connection: Connection) -> Result<Self> {
        Self::create(self.issuer, self.audience, self.keys_url, connection)
    }

    fn create(issuer: String, audience: String, keys_url: Option<String>, connection: Connection) -> Result<Self> {
        let keys = match &keys_url {
            Some(address) => IssuerKeys::at(&issuer, address, &connection)?,
            None => IssuerKeys::new(&issuer, &connection)?.allow_elsewhere(),
        };
        Ok(Self { issuer, audience, keys_url, keys })
    }
}

impl AssertionVerifier for JwtAssertions {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn audience(&self) -> &str {
        &self.audience
    }

    fn verify<'a>(&'a self, assertion: &'a SecretString) -> BoxFuture<'a, Result<Map<String, Value>>> {
        Box::pin(verify_signature(&self.keys, &self.issuer, assertion))
    }
}
