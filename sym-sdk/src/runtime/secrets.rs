//! Secrets: reading their values from environment variables, files and other sources.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::model::{Secret, SecretSource};

/// Maximum size of a secret file in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Reads secrets from one kind of source.
///
/// Implement `read` as `async fn`.
pub trait SecretReader: Send + Sync + 'static {
    /// Returns whether this reader reads from the source.
    fn reads(&self, source: &SecretSource) -> bool;

    /// Reads the value at the secret's path. The caller selects the secret's JSON key from it.
    ///
    /// # Errors
    /// If the value does not exist or cannot be read.
    fn read(&self, secret: &Secret) -> impl Future<Output = Result<SecretString>> + Send;
}

/// A [`SecretReader`] whose type is erased. Implemented for every reader.
pub(super) trait DynSecretReader: Send + Sync + 'static {
    fn reads(&self, source: &SecretSource) -> bool;
    fn read<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<SecretString>>;
}

impl<R: SecretReader> DynSecretReader for R {
    fn reads(&self, source: &SecretSource) -> bool {
        SecretReader::reads(self, source)
    }

    fn read<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<SecretString>> {
        Box::pin(SecretReader::read(self, secret))
    }
}

/// A reader of environment variables and files. A secret's path is the variable's name or the file's path. Line breaks at the
/// end are not part of the secret.
#[derive(Clone, Default)]
pub struct LocalSecrets {
    variables: Option<BTreeMap<String, SecretString>>,
}

impl LocalSecrets {
    /// Creates a reader of this process's variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a reader of the given variables instead of the process's, for tests.
    pub fn with_variables<K: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), SecretString::from(value.into())));
        Self { variables: Some(variables.collect()) }
    }

    fn variable(&self, secret: &Secret) -> Result<SecretString> {
        let name = secret.path();
        let value = match &self.variables {
            Some(variables) => variables.get(name).cloned(),
            None => std::env::var(name).ok().map(SecretString::from),
        };
        value.map(|value| without_line_breaks(&value)).filter(|value| !value.expose_secret().is_empty()).ok_or_else(
            || {
                let message =
                    format!("secret `{}` is to be in environment variable `{name}`, which is not set", secret.name());
                Error::new(ErrorKind::Configuration, codes::UNKNOWN_SECRET, message)
            },
        )
    }
}

impl SecretReader for LocalSecrets {
    fn reads(&self, source: &SecretSource) -> bool {
        matches!(source, SecretSource::Environment | SecretSource::File)
    }

    async fn read(&self, secret: &Secret) -> Result<SecretString> {
        match secret.source() {
            SecretSource::File => read_file(secret).await,
            _ => self.variable(secret),
        }
    }
}

async fn read_file(secret: &Secret) -> Result<SecretString> {
    let path = Path::new(secret.path()).to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        let read = File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
        if read as u64 > MAX_FILE_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it is larger than {MAX_FILE_BYTES} bytes"),
            ));
        }
        Ok(text)
    });
    let read = read.await;
    let text = match read {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => {
            let message = format!("secret `{}` cannot be read from file `{}`: {error}", secret.name(), secret.path());
            return Err(Error::new(ErrorKind::Configuration, codes::UNKNOWN_SECRET, message));
        }
        Err(_) => {
            let message = format!("reading secret `{}` was cut off", secret.name());
            return Err(Error::new(ErrorKind::Internal, codes::UNKNOWN_SECRET, message));
        }
    };
    Ok(without_line_breaks(&SecretString::from(text)))
}

/// Removes the line breaks at the end, which `echo` and editors add.
fn without_line_breaks(secret: &SecretString) -> SecretString {
    SecretString::from(secret.expose_secret().trim_end_matches(['\n', '\r']))
}

/// Reads a secret with the first reader for its source, and selects its JSON key.
pub(super) async fn read_secret(
    readers: &[std::sync::Arc<dyn DynSecretReader>],
    secret: &Secret,
) -> Result<SecretString> {
    let Some(reader) = readers.iter().find(|reader| reader.reads(secret.source())) else {
        let message =
            format!("nothing reads secret `{}` from a source of type `{}`", secret.name(), secret.source().kind());
        let error = Error::new(ErrorKind::Configuration, codes::UNKNOWN_SECRET, message);
        return Err(error.with_hint("hand a `SecretReader` for it over with `Builder::secrets`"));
    };
    let value = without_byte_order_mark(reader.read(secret).await?);
    match secret.json_key() {
        Some(key) => json_entry(secret, &value, key),
        None => Ok(value),
    }
}

/// Removes the mark that some editors write at the beginning of a file. It is part of no token.
fn without_byte_order_mark(value: SecretString) -> SecretString {
    match value.expose_secret().strip_prefix('\u{feff}') {
        Some(rest) => SecretString::from(rest),
        None => value,
    }
}

fn json_entry(secret: &Secret, value: &SecretString, key: &str) -> Result<SecretString> {
    let fault = |what: &str| {
        let message = format!("secret `{}` {what}", secret.name());
        Error::new(ErrorKind::Configuration, codes::UNKNOWN_SECRET, message)
    };
    // The parser's message is left out: it can quote the secret.
    let not_json = |_| fault("has a JSON key, but is not JSON");
    let entries: Value = serde_json::from_str(value.expose_secret()).map_err(not_json)?;
    match entries.get(key) {
        Some(Value::String(text)) => Ok(SecretString::from(text.as_str())),
        // As it is written: a number of many digits is not rounded.
        Some(Value::Number(_)) => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(value.expose_secret()).map_err(not_json)?;
            let number = entries.get(key).map(|number| SecretString::from(number.get()));
            number.ok_or_else(|| fault(&format!("has no entry `{key}`")))
        }
        Some(Value::Null) => Err(fault(&format!("has an entry `{key}` that is `null`"))),
        Some(_) => Err(fault(&format!("has an entry `{key}` that is neither text nor a number"))),
        None => Err(fault(&format!("has no entry `{key}`"))),
    }
}

impl fmt::Debug for LocalSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSecrets").finish_non_exhaustive()
    }
}
