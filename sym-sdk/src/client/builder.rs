//! The settings of a client.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use serde::Deserialize;

use super::Client;
use super::answer::Answer;
use super::http::HttpTransport;
use crate::error::{ErrorKind, Result, codes};

/// The settings of a [`Client`], which the token ends.
///
/// ```no_run
/// use sym_sdk::client::Client;
///
/// # async fn deploy(job_token: secrecy::SecretString) -> Result<(), Box<dyn std::error::Error>> {
/// let authority = std::fs::read("company-ca.pem")?;
/// let builder = Client::builder("https://sym.example.com").certificate_authorities(authority);
/// let client = builder.workload_token(&job_token, None).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a client is created by `token` or `workload_token`"]
pub struct ClientBuilder {
    server: String,
    authorities: Option<Vec<u8>>,
}

/// The answer to an exchange, as far as it is needed.
#[derive(Deserialize)]
struct Exchanged {
    access_token: SecretString,
}

impl ClientBuilder {
    pub(super) fn new(server: &str) -> Self {
        Self { server: server.to_owned(), authorities: None }
    }

    /// Trusts the certificate authorities in this text, in PEM format, and no others. By default, those of the system are trusted.
    pub fn certificate_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(pem.into());
        self
    }

    /// Creates a client that authenticates with a token.
    ///
    /// # Errors
    /// If the address or the authorities are invalid, or no HTTP client can be created.
    pub fn token(self, token: SecretString) -> Result<Client> {
        let transport = HttpTransport::open(&self.server, self.authorities.as_deref())?;
        Ok(Client { transport: Arc::new(transport.with_token(token)) })
    }

    /// Creates a client that authenticates nobody, for the calls that need no caller.
    #[cfg(all(feature = "api", feature = "cli", feature = "sqlite"))]
    pub(crate) fn without_token(self) -> Result<Client> {
        let transport = HttpTransport::open(&self.server, self.authorities.as_deref())?;
        Ok(Client { transport: Arc::new(transport) })
    }

    /// Creates a client that authenticates as the bot that trusts a CI job, and exchanges the job's token for one of the bot, which is good
    /// for 15 minutes. The bot is named by name or id, if the job is trusted by several.
    ///
    /// # Errors
    /// If the address or the authorities are invalid, or the server cannot be reached or refuses the token. A token of a job is good once.
    pub async fn workload_token(self, token: &SecretString, bot: Option<&str>) -> Result<Client> {
        let transport = HttpTransport::open(&self.server, self.authorities.as_deref())?;
        let answer = Answer::read(transport.exchange(token, bot).await?).await.map_err(|error| {
            // To OAuth, a token that is not good is an invalid request.
            let is_authentication = error.code().error_type() == codes::AUTHENTICATION_INVALID_JWT.error_type();
            match error.kind() {
                ErrorKind::InvalidInput if is_authentication => error.with_kind(ErrorKind::Unauthorized),
                _ => error,
            }
        });
        let exchanged: Exchanged = answer?.parse()?;
        Ok(Client { transport: Arc::new(transport.with_token(exchanged.access_token)) })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may have a password.
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
