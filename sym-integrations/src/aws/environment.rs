//! Credentials from environment variables.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sym_sdk::error::{Error, ErrorKind, Result, codes};

use super::{Credentials, CredentialsSource};

/// Credentials from the environment variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, optionally, `AWS_SESSION_TOKEN`.
#[derive(Clone, Default)]
pub struct EnvironmentCredentials {
    variables: Option<BTreeMap<String, SecretString>>,
}

impl EnvironmentCredentials {
    /// Reads the variables of this process.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads these variables instead of those of the process, for tests.
    pub fn with_variables<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), SecretString::from(value.into())));
        Self { variables: Some(variables.collect()) }
    }

    fn variable(&self, name: &str) -> Option<SecretString> {
        let value = match &self.variables {
            Some(variables) => variables.get(name).cloned(),
            None => std::env::var(name).ok().map(SecretString::from),
        };
        value.filter(|value| !value.expose_secret().is_empty())
    }

    fn read(&self) -> Result<Credentials> {
        let required = |name: &str| {
            self.variable(name).ok_or_else(|| {
                let message = format!("the environment variable `{name}` is not set");
                let error = Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_service("aws");
                match cfg!(feature = "aws-config") {
                    true => error,
                    false => error.with_hint(
                        "set it, or enable the feature `aws-config` to use the credentials of a container or an instance",
                    ),
                }
            })
        };
        let id = required("AWS_ACCESS_KEY_ID")?;
        let credentials = Credentials::new(id.expose_secret(), required("AWS_SECRET_ACCESS_KEY")?);
        Ok(match self.variable("AWS_SESSION_TOKEN") {
            Some(token) => credentials.with_session_token(token),
            None => credentials,
        })
    }
}

impl CredentialsSource for EnvironmentCredentials {
    async fn credentials(&self) -> Result<Credentials> {
        self.read()
    }
}

impl fmt::Debug for EnvironmentCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentCredentials").finish_non_exhaustive()
    }
}
