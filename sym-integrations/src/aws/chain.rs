//! The default credentials chain of the AWS SDKs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use jiff::Timestamp;
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};

use super::{CachedCredentials, Credentials, CredentialsSource, Region};
use crate::http::with_timeout;

/// Timeout for finding credentials.
const CHAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Credentials from the default chain of the AWS SDKs: the environment, the files of the AWS CLI, a web identity, the container or the
/// instance that the program runs in, [in this order][doc]. They are cached until shortly before they expire.
///
/// [doc]: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
#[derive(Clone, Debug)]
pub struct DefaultCredentials(CachedCredentials);

impl DefaultCredentials {
    /// Creates a source that searches for credentials when they are first needed. A web identity is exchanged with STS in this region.
    pub fn new(region: Region, clock: Arc<dyn Clock>) -> Self {
        Self(CachedCredentials::new(Chain { region, clock: Arc::clone(&clock) }, clock))
    }
}

impl CredentialsSource for DefaultCredentials {
    async fn credentials(&self) -> Result<Credentials> {
        self.0.credentials().await
    }

    fn rejected(&self, access_key_id: &str) -> bool {
        self.0.rejected(access_key_id)
    }
}

struct Chain {
    region: Region,
    clock: Arc<dyn Clock>,
}

impl CredentialsSource for Chain {
    async fn credentials(&self) -> Result<Credentials> {
        let found = async {
            let region = aws_config::Region::new(self.region.as_str().to_owned());
            let chain = DefaultCredentialsChain::builder().region(region).build().await;
            chain.provide_credentials().await
        };
        match with_timeout(&*self.clock, CHAIN_TIMEOUT, found).await {
            Some(Ok(found)) => to_credentials(&found),
            Some(Err(error)) => {
                let kind = match &error {
                    CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => {
                        ErrorKind::Configuration
                    }
                    CredentialsError::ProviderTimedOut(_) => ErrorKind::Timeout,
                    _ => ErrorKind::Unavailable,
                };
                Err(not_found(kind, "could not load AWS credentials").with_source(error))
            }
            None => Err(not_found(ErrorKind::Timeout, &format!("found no AWS credentials within {CHAIN_TIMEOUT:?}"))),
        }
    }
}

fn to_credentials(found: &aws_credential_types::Credentials) -> Result<Credentials> {
    let mut credentials = Credentials::new(found.access_key_id(), found.secret_access_key().into());
    if let Some(token) = found.session_token() {
        credentials = credentials.with_session_token(token.into());
    }
    if let Some(expiry) = found.expiry() {
        let expiry = Timestamp::try_from(expiry)
            .map_err(|_| not_found(ErrorKind::Decode, "the expiry of the AWS credentials is out of range"))?;
        credentials = credentials.with_expiry(expiry);
    }
    Ok(credentials)
}

fn not_found(kind: ErrorKind, message: &str) -> Error {
    Error::new(kind, ErrorCode::new("AWS", "NO_CREDENTIALS"), message)
        .with_service("aws")
        .with_hint("set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or give the container or the instance a role")
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("region", &self.region).finish_non_exhaustive()
    }
}
