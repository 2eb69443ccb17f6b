use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::integration::find_setting;
use super::{Integration, Secret, Slug};
use crate::error::Result;

/// Where the audit entries of an environment's flows go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogDestination {
    pub(crate) name: Slug,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) integration: Option<Integration>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) secrets: BTreeMap<String, Secret>,
}

impl LogDestination {
    /// A log destination of a type, such as `http`.
    pub fn new(name: Slug, kind: impl Into<String>) -> Self {
        Self { name, kind: kind.into(), integration: None, settings: BTreeMap::new(), secrets: BTreeMap::new() }
    }

    /// Sets the integration that it works through.
    pub fn with_integration(mut self, integration: Integration) -> Self {
        self.integration = Some(integration);
        self
    }

    /// Adds a setting.
    pub fn with_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Adds a setting that is a secret, such as `bearer_token_secret`.
    pub fn with_secret(mut self, setting: impl Into<String>, secret: Secret) -> Self {
        self.secrets.insert(setting.into(), secret);
        self
    }

    /// The name.
    pub fn name(&self) -> &Slug {
        &self.name
    }

    /// The type, such as `http`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The integration that it works through.
    pub fn integration(&self) -> Option<&Integration> {
        self.integration.as_ref()
    }

    /// The settings in clear.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The setting of this name.
    pub fn setting(&self, name: &str) -> Result<&str> {
        find_setting(&self.settings, name, &format!("log destination `{}`", self.name))
    }

    /// The settings that are secrets.
    pub fn secrets(&self) -> &BTreeMap<String, Secret> {
        &self.secrets
    }
}
