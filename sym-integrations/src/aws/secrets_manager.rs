use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use sym_sdk::BoxFuture;
use sym_sdk::config::Config;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::{Secret, SecretSource};
use sym_sdk::runtime::{Builder, Extension, SecretReader};

use super::fault::{REQUEST_IDS, failure};
use super::{PermissionContext, Region};
use crate::http::{Failure, Response, Service};

/// Reads secrets of sources of type `aws_secrets_manager`, each with the role of the integration in the source's setting
/// `context_id`.
///
/// A secret's path is its name or its ARN; one with an ARN is read in the region that it names. What is read is the version
/// `AWSCURRENT`, text or the bytes of a text. The credentials need `secretsmanager:GetSecretValue`, and `kms:Decrypt` where the
/// secret has a key of its own.
///
/// [`all`](crate::all) hands over one that knows the integrations of the configuration, and so does
/// [`secrets_manager`]. Hand over one of your own where an integration's settings do not say how AWS is called:
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
    /// As it is configured. It is built when a secret asks for it, so that its faults are told together with the secret's.
    Declared(BTreeMap<String, String>),
}

/// Hands over a [`SecretsManager`] that knows the integrations of the configuration.
///
/// ```
/// use sym_integrations::aws;
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::{Extension, Runtime};
///
/// // An `App` takes it with `App::with`.
/// let builder = aws::secrets_manager().install(Runtime::builder(Config::default()));
/// # let _ = builder;
/// ```
pub fn secrets_manager() -> impl Extension + Send + 'static {
    |builder: Builder| {
        let reader = SecretsManager::from_config(builder.config());
        builder.secrets(reader)
    }
}

impl SecretsManager {
    /// A reader that knows no integration yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader that knows the integrations of type `permission_context` that a configuration declares.
    pub fn from_config(config: &Config) -> Self {
        let declared = config.integrations.iter().filter(|integration| integration.kind == PermissionContext::TYPE);
        let contexts = declared
            .map(|integration| (key(&integration.name), Context::Declared(integration.settings.clone())))
            .collect();
        Self { contexts: Mutex::new(contexts) }
    }

    /// Says how AWS is called for secrets whose source names this integration.
    #[must_use]
    pub fn context(self, integration: &str, context: PermissionContext) -> Self {
        self.lock().insert(key(integration), Context::Ready(context));
        self
    }

    /// The context that a source names. One that names none has the only one there is.
    fn find(&self, secret: &Secret) -> Result<PermissionContext> {
        let mut contexts = self.lock();
        let fault = |what: String| {
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
                        return Err(fault("does not say whose role reads it".to_owned())
                            .with_hint("give its source the setting `context_id`"));
                    }
                }
            }
        };
        let Some(found) = contexts.get_mut(&wanted) else {
            let message = format!("is to be read with the role of integration `{wanted}`, which is not known here");
            return Err(fault(message).with_hint("name one of type `permission_context` in `context_id`"));
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
        let client = context.client(SecretsManagerService, "secretsmanager", &region)?.build()?;
        let (name, path) = (secret.name().to_string(), secret.path().to_owned());
        // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
        let body = json!({ "SecretId": secret.path(), "VersionStage": "AWSCURRENT" });
        let response = client
            .post("/", &[])
            .header("x-amz-target", "secretsmanager.GetSecretValue")
            .body("application/x-amz-json-1.1", body.to_string())
            .idempotent(true)
            .confidential()
            .explain(move |_, failure| explained(failure, &name, &path))
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

    fn read<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, Result<SecretString>> {
        Box::pin(self.get(secret))
    }
}

impl fmt::Debug for SecretsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsManager").field("contexts", &self.lock().keys()).finish_non_exhaustive()
    }
}

/// Names in the configuration are the same in upper and lower case.
fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The region that an ARN names.
fn region_of(path: &str) -> Result<Option<Region>> {
    match path.starts_with("arn:") {
        true => path.split(':').nth(3).map(Region::parse).transpose(),
        false => Ok(None),
    }
}

struct SecretsManagerService;

impl Service for SecretsManagerService {
    fn name(&self) -> &'static str {
        "secretsmanager"
    }

    fn error_type(&self) -> &'static str {
        "AWS"
    }

    fn request_id_headers(&self) -> &'static [&'static str] {
        REQUEST_IDS
    }

    fn classify(&self, response: &Response) -> Result<(), Failure> {
        if response.is_success() { Ok(()) } else { Err(failure(response)) }
    }
}

fn explained(failure: Failure, name: &str, path: &str) -> Failure {
    let message = format!("secret `{name}` at `{path}` cannot be read: {}", failure.message());
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
    /// In base64.
    secret_binary: Option<String>,
}

fn value(response: &Response, secret: &Secret) -> Result<SecretString> {
    let SecretValue { secret_string, secret_binary } = response.json()?;
    if let Some(text) = secret_string {
        return Ok(text.into());
    }
    let unfit = |what: &str| response.invalid(format!("secret `{}` {what}", secret.name()));
    let binary = secret_binary.ok_or_else(|| unfit("has no value"))?;
    let bytes = STANDARD.decode(binary).map_err(|_| unfit("is not in base64"))?;
    String::from_utf8(bytes).map(Into::into).map_err(|_| unfit("is not text"))
}
