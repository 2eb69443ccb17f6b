//! References to secrets. They never hold a value.

use serde::{Deserialize, Serialize};

use super::Slug;

/// The store that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecretSource {
    /// Environment variables.
    Environment,
    /// Files.
    File,
    /// AWS Secrets Manager.
    AwsSecretsManager {
        /// The name of the integration whose role has read access.
        context: Option<String>,
    },
    /// Another store.
    Other(String),
}

impl SecretSource {
    /// The type in the configuration.
    pub fn kind(&self) -> &str {
        match self {
            Self::Environment => "environment",
            Self::File => "file",
            Self::AwsSecretsManager { .. } => "aws_secrets_manager",
            Self::Other(kind) => kind,
        }
    }
}

/// A reference to a secret. It never holds the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    pub(crate) name: Slug,
    pub(crate) path: String,
    pub(crate) json_key: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) source: SecretSource,
}

impl Secret {
    /// Creates a reference to the secret at `path` of a source: the name of a variable, the path of a file, or the id of a secret.
    pub fn new(name: Slug, source: SecretSource, path: impl Into<String>) -> Self {
        Self { name, path: path.into(), json_key: None, label: None, source }
    }

    /// Selects one entry of a secret that is a JSON object.
    pub fn with_json_key(mut self, key: impl Into<String>) -> Self {
        self.json_key = Some(key.into());
        self
    }

    /// The name.
    pub fn name(&self) -> &Slug {
        &self.name
    }

    /// The path in the source.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The selected entry of a secret that is a JSON object.
    pub fn json_key(&self) -> Option<&str> {
        self.json_key.as_deref()
    }

    /// The source.
    pub fn source(&self) -> &SecretSource {
        &self.source
    }
}

label_accessors!(Secret);
