use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};

use super::{CachedCredentials, Credentials, CredentialsSource, Region};
use crate::http::with_timeout;

/// Finding credentials may take this long.
const LIMIT: Duration = Duration::from_secs(20);

/// The credentials that the AWS SDKs find: in the environment, in the files of the AWS CLI, by a web identity, from the
/// container or the instance that the program runs in, [in this order][doc]. They are kept until shortly before they run out.
///
/// [doc]: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
#[derive(Clone, Debug)]
pub struct DefaultCredentials(CachedCredentials);

impl DefaultCredentials {
    /// Looks for credentials when they are first needed. A web identity is shown to STS in this region.
    pub fn new(region: Region, clock: Arc<dyn Clock>) -> Self {
        Self(CachedCredentials::new(Chain { region, clock: Arc::clone(&clock) }, clock))
    }
}

impl CredentialsSource for DefaultCredentials {
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials>> {
        self.0.credentials()
    }

    fn refused(&self, access_key_id: &str) -> bool {
        self.0.refused(access_key_id)
    }
}

struct Chain {
    region: Region,
    clock: Arc<dyn Clock>,
}

impl CredentialsSource for Chain {
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials>> {
        Box::pin(async move {
            let found = async {
                let region = aws_config::Region::new(self.region.as_str().to_owned());
                let chain = DefaultCredentialsChain::builder().region(region).build().await;
                chain.provide_credentials().await
            };
            match with_timeout(&*self.clock, LIMIT, found).await {
                Some(Ok(found)) => ours(&found),
                Some(Err(error)) => {
                    let kind = match &error {
                        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => {
                            ErrorKind::Configuration
                        }
                        CredentialsError::ProviderTimedOut(_) => ErrorKind::Timeout,
                        _ => ErrorKind::Unavailable,
                    };
                    Err(not_found(kind, "no credentials for AWS can be had").with_source(error))
                }
                None => Err(not_found(ErrorKind::Timeout, &format!("no credentials for AWS were found in {LIMIT:?}"))),
            }
        })
    }
}

fn ours(found: &aws_credential_types::Credentials) -> Result<Credentials> {
    let mut credentials = Credentials::new(found.access_key_id(), found.secret_access_key().into());
    if let Some(token) = found.session_token() {
        credentials = credentials.with_session_token(token.into());
    }
    if let Some(expiry) = found.expiry() {
        let expiry = Timestamp::try_from(expiry)
            .map_err(|_| not_found(ErrorKind::Decode, "the credentials for AWS run out at no time that there is"))?;
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
