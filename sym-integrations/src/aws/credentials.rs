//! Credentials, and the interface of their sources.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use sym_sdk::BoxFuture;
use sym_sdk::error::Result;

/// The keys that requests are signed with. They are also a [`CredentialsSource`] that always returns them.
#[derive(Clone)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
    expires_at: Option<Timestamp>,
}

impl Credentials {
    /// Creates the long-term keys of a user.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: SecretString) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key, session_token: None, expires_at: None }
    }

    /// Adds the session token of temporary keys.
    #[must_use]
    pub fn with_session_token(mut self, token: SecretString) -> Self {
        self.session_token = Some(token);
        self
    }

    /// Sets when they expire.
    #[must_use]
    pub fn with_expiry(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Returns the id of the access key, which is not a secret.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Returns the secret access key.
    pub fn secret_access_key(&self) -> &SecretString {
        &self.secret_access_key
    }

    /// Returns the session token.
    pub fn session_token(&self) -> Option<&SecretString> {
        self.session_token.as_ref()
    }

    /// Returns when they expire; `None` if they do not.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A source of credentials, which is called for every request. Wrap one that fetches them in
/// [`CachedCredentials`](super::CachedCredentials).
///
/// ```
/// use sym_integrations::aws::{Credentials, CredentialsSource};
/// use sym_integrations::http::SecretString;
/// use sym_sdk::error::Result;
///
/// struct Vault;
///
/// impl CredentialsSource for Vault {
///     async fn credentials(&self) -> Result<Credentials> {
///         Ok(Credentials::new("AKIDEXAMPLE", SecretString::from("k3y")))
///     }
/// }
/// # let _ = Vault.credentials();
/// ```
pub trait CredentialsSource: Send + Sync + 'static {
    /// Returns the current credentials.
    fn credentials(&self) -> impl Future<Output = Result<Credentials>> + Send;

    /// Called when AWS rejected the credentials with this access key id. Returns whether the next ones may differ, in which case the
    /// request is retried once.
    fn rejected(&self, access_key_id: &str) -> bool {
        let _ = access_key_id;
        false
    }
}

impl CredentialsSource for Credentials {
    async fn credentials(&self) -> Result<Credentials> {
        Ok(self.clone())
    }
}

/// A [`CredentialsSource`] of any type, behind a pointer.
pub(super) trait DynCredentialsSource: Send + Sync {
    /// See [`CredentialsSource::credentials`].
    fn current(&self) -> BoxFuture<'_, Result<Credentials>>;

    /// See [`CredentialsSource::rejected`].
    fn reject(&self, access_key_id: &str) -> bool;
}

impl<S: CredentialsSource> DynCredentialsSource for S {
    fn current(&self) -> BoxFuture<'_, Result<Credentials>> {
        Box::pin(self.credentials())
    }

    fn reject(&self, access_key_id: &str) -> bool {
        self.rejected(access_key_id)
    }
}
