use serde::{Deserialize, Serialize};

use super::Slug;

/// Where secrets are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecretSource {
    /// In environment variables.
    Environment,
    /// In files.
    File,
    /// In AWS Secrets Manager.
    AwsSecretsManager {
        /// The name of the integration whose role reads them.
        context: Option<String>,
    },
    /// Elsewhere.
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

/// A secret, by reference: it says where the value is, and never holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    pub(crate) name: Slug,
    pub(crate) path: String,
    pub(crate) json_key: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) source: SecretSource,
}

impl Secret {
    /// A secret at `path` of its source: a variable's name, a file's path, a secret's id.
    pub fn new(name: Slug, source: SecretSource, path: impl Into<String>) -> Self {
        Self { name, path: path.into(), json_key: None, label: None, source }
    }

    /// Picks one entry of a secret that is a JSON object.
    pub fn with_json_key(mut self, key: impl Into<String>) -> Self {
        self.json_key = Some(key.into());
        self
    }

    /// Sets what people see instead of the name.
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The name.
    pub fn name(&self) -> &Slug {
        &self.name
    }

    /// Where it stands in its source.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The entry of the JSON object that it is.
    pub fn json_key(&self) -> Option<&str> {
        self.json_key.as_deref()
    }

    /// What people see: the label, or the name if there is none.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// Where it is kept.
    pub fn source(&self) -> &SecretSource {
        &self.source
    }
}
