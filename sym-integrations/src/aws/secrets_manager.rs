//! Secrets in AWS Secrets Manager, for the secret sources of a configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use sym_sdk::config::Config;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::{Secret, SecretSource};
use sym_sdk::runtime::{Builder, Plugin, SecretReader};

use super::errors::service;
use super::{PermissionContext, Region};
use crate::http::{Failure, Response};
use crate::kit::Vendor;

/// A reader of secrets whose source is of type `aws_secrets_manager`. Each is read with the role of the integration that the source's
/// setting `context_id` names.
///
/// The path of a secret is its name or its ARN; one with an ARN is read in the region that the ARN names. The version `AWSCURRENT` is
/// read, which has to be text, or binary that is UTF-8. The credentials need `secretsmanager:GetSecretValue`, and `kms:Decrypt` if the
/// secret has a key of its own.
///
/// [`all`](crate::all) and [`secrets_manager`] install a reader that uses the integrations of the configuration. Install one of your own
/// if the settings of an integration do not suffice:
///
/// ```
/// use sym_integrations::aws::{EnvironmentCredentials, PermissionContext, Region, SecretsManager};
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::Runtime;
///
/// let context = PermissionContext::builder(Region::parse("eu-central-1")?).credentials(EnvironmentCredentials::new()).build()?;
/// let builder = Runtime::builder(Config::default()).secrets(SecretsManager::new().context("main", context));
/// # let _ = builder;
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Default)]
pub struct SecretsManager {
    contexts: Mutex<BTreeMap<String, Context>>,
}

enum Context {
    Ready(PermissionContext),
    /// The settings of the integration. The context is built when a secret needs it, so that its errors are reported with the secret's.
    Declared(BTreeMap<String, String>),
}

/// Returns a plugin that installs a [`SecretsManager`] with the integrations of the configuration.
///
/// ```
/// use sym_integrations::aws;
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::{Plugin, Runtime};
///
/// // An `App` takes it with `App::with`.
/// let builder = aws::secrets_manager().install(Runtime::builder(Config::default()));
/// # let _ = builder;
/// ```
pub fn secrets_manager() -> impl Plugin + Send + 'static {
    |builder: Builder| {
        let reader = SecretsManager::from_config(builder.config());
        builder.secrets(reader)
    }
}

impl SecretsManager {
    /// Creates a reader without contexts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a reader with a context for each integration of type `permission_context` in a configuration.
    pub fn from_config(config: &Config) -> Self {
        let declared = config.integrations.iter().filter(|integration| integration.kind == PermissionContext::TYPE);
        let contexts = declared
            .map(|integration| (key(&integration.name), Context::Declared(integration.settings.clone())))
            .collect();
        Self { contexts: Mutex::new(contexts) }
    }

    /// Sets the context for secrets whose source names this integration.
    #[must_use]
    pub fn context(self, integration: &str, context: PermissionContext) -> Self {
        self.lock().insert(key(integration), Context::Ready(context));
        self
    }

    /// Returns the context that a source names, or the only one if it names none.
    fn find(&self, secret: &Secret) -> Result<PermissionContext> {
        let mut contexts = self.lock();
        let error = |what: String| {
            let message = format!("secret `{}` {what}", secret.name());
            Error::new(ErrorKind::Configuration, codes::UNKNOWN_INTEGRATION, message)
        };
        let wanted = match secret.source() {
            SecretSource::AwsSecretsManager { context: Some(name) } => key(name),
            _ => {
                let mut names = contexts.keys();
                match (names.next(), names.next()) {
                    (Some(name), None) => name.clone(),
                    _ => {
                        return Err(error("does not say which role reads it".to_owned())
                            .with_hint("set `context_id` on its source"));
                    }
                }
            }
        };
        let Some(found) = contexts.get_mut(&wanted) else {
            let message = format!("is read with the role of integration `{wanted}`, which does not exist");
            return Err(
                error(message).with_hint("use the name of an integration of type `permission_context` in `context_id`")
            );
        };
        match found {
            Context::Ready(context) => Ok(context.clone()),
            Context::Declared(settings) => {
                let context = PermissionContext::from_settings(&wanted, settings)?;
                *found = Context::Ready(context.clone());
                Ok(context)
            }
        }
    }

    async fn get(&self, secret: &Secret) -> Result<SecretString> {
        let context = self.find(secret)?;
        let region = match region_of(secret.path())? {
            Some(region) => region,
            None => context.region().clone(),
        };
        let client = context.client(SECRETS_MANAGER, "secretsmanager", &region)?.build()?;
        let (name, path) = (secret.name().to_string(), secret.path().to_owned());
        // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
        let body = json!({ "SecretId": secret.path(), "VersionStage": "AWSCURRENT" });
        let response = client
            .post("/", &[])
            .header("x-amz-target", "secretsmanager.GetSecretValue")
            .body("application/x-amz-json-1.1", body.to_string())
            .idempotent(true)
            .confidential()
            .explain(move |_, failure| explain(failure, &name, &path))
            .await?;
        value(&response, secret)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Context>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretReader for SecretsManager {
    fn reads(&self, source: &SecretSource) -> bool {
        matches!(source, SecretSource::AwsSecretsManager { .. })
    }

    async fn read(&self, secret: &Secret) -> Result<SecretString> {
        self.get(secret).await
    }
}

impl fmt::Debug for SecretsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsManager").field("contexts", &self.lock().keys()).finish_non_exhaustive()
    }
}

/// Normalizes a name: names in a configuration are case-insensitive.
fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Returns the region of an ARN.
fn region_of(path: &str) -> Result<Option<Region>> {
    match path.starts_with("arn:") {
        true => path.split(':').nth(3).map(Region::parse).transpose(),
        false => Ok(None),
    }
}

const SECRETS_MANAGER: Vendor = service("secretsmanager", "AWS");

fn explain(failure: Failure, name: &str, path: &str) -> Failure {
    let message = format!("cannot read secret `{name}` at `{path}`: {}", failure.message());
    let failure = failure.with_message(message);
    match failure.code().name() {
        "RESOURCE_NOT_FOUND" => failure
            .with_hint("check the secret's path, the region of its integration, and that it has a current version"),
        "ACCESS_DENIED" => failure.with_hint("allow the role `secretsmanager:GetSecretValue` for this secret"),
        "DECRYPTION_FAILURE" => failure
            .with_kind(ErrorKind::Forbidden)
            .with_hint("allow the role `kms:Decrypt` with the key of this secret, and check that the key is enabled"),
        _ => failure,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: Option<String>,
    /// The bytes in base64.
    secret_binary: Option<String>,
}

fn value(response: &Response, secret: &Secret) -> Result<SecretString> {
    let SecretValue { secret_string, secret_binary } = response.json()?;
    if let Some(text) = secret_string {
        return Ok(text.into());
    }
    let invalid = |what: &str| response.invalid(format!("secret `{}` {what}", secret.name()));
    let binary = secret_binary.ok_or_else(|| invalid("has no value"))?;
    let bytes = STANDARD.decode(binary).map_err(|_| invalid("is not in base64"))?;
    String::from_utf8(bytes).map(Into::into).map_err(|_| invalid("is not text"))
}
