use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use sym_sdk::BoxFuture;
use sym_sdk::error::Result;

/// Keys that requests are signed with. As a [`CredentialsSource`], they are always the same.
#[derive(Clone)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
    expires_at: Option<Timestamp>,
}

impl Credentials {
    /// The keys of a user.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: SecretString) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key, session_token: None, expires_at: None }
    }

    /// Adds the token that goes with keys that are for some time only.
    #[must_use]
    pub fn with_session_token(mut self, token: SecretString) -> Self {
        self.session_token = Some(token);
        self
    }

    /// Sets until when they are good.
    #[must_use]
    pub fn with_expiry(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The id of the key, which is no secret.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The key.
    pub fn secret_access_key(&self) -> &SecretString {
        &self.secret_access_key
    }

    /// The token that goes with it.
    pub fn session_token(&self) -> Option<&SecretString> {
        self.session_token.as_ref()
    }

    /// Until when they are good. `None`: until somebody ends it.
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

/// Where credentials come from. It is asked for every request: one that has to fetch them is wrapped in
/// [`CachedCredentials`](super::CachedCredentials).
///
/// ```
/// use sym_integrations::aws::{Credentials, CredentialsSource};
/// use sym_integrations::http::SecretString;
/// use sym_sdk::BoxFuture;
/// use sym_sdk::error::Result;
///
/// struct Vault;
///
/// impl CredentialsSource for Vault {
///     fn credentials(&self) -> BoxFuture<'_, Result<Credentials>> {
///         Box::pin(async { Ok(Credentials::new("AKIDEXAMPLE", SecretString::from("k3y"))) })
///     }
/// }
/// # let _ = Vault.credentials();
/// ```
pub trait CredentialsSource: Send + Sync + 'static {
    /// The credentials to be used now.
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials>>;

    /// AWS did not accept the credentials with this access key id. Says whether the next ones may be others: then the request
    /// is tried once more.
    fn refused(&self, access_key_id: &str) -> bool {
        let _ = access_key_id;
        false
    }
}

impl CredentialsSource for Credentials {
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials>> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}
