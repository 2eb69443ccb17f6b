//! Destinations of the audit log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Integration, Secret, Slug};

/// A destination for the audit entries of an environment's flows.
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
    /// Creates a log destination of a type, such as `http`.
    pub fn new(name: Slug, kind: impl Into<String>) -> Self {
        Self { name, kind: kind.into(), integration: None, settings: BTreeMap::new(), secrets: BTreeMap::new() }
    }

    /// Sets the integration to connect through.
    pub fn with_integration(mut self, integration: Integration) -> Self {
        self.integration = Some(integration);
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

    /// The integration to connect through.
    pub fn integration(&self) -> Option<&Integration> {
        self.integration.as_ref()
    }
}

setting_accessors!(LogDestination, "log destination");
secret_accessors!(LogDestination, "bearer_token_secret");
