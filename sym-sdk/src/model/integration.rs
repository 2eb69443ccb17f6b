//! Connections to external services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Secret, Slug};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::suggest;

/// A connection to an external service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integration {
    pub(crate) name: Slug,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) external_id: String,
    pub(crate) label: Option<String>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) secret_list: Vec<Secret>,
}

impl Integration {
    /// Creates an integration of a type, such as `pagerduty`. `external_id` is the id of the account, as the service names it.
    pub fn new(name: Slug, kind: impl Into<String>, external_id: impl Into<String>) -> Self {
        Self {
            name,
            kind: kind.into(),
            external_id: external_id.into(),
            label: None,
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            secret_list: Vec::new(),
        }
    }

    /// Adds a secret to the list of a custom integration.
    pub fn with_listed_secret(mut self, secret: Secret) -> Self {
        self.secret_list.push(secret);
        self
    }

    /// The name.
    pub fn name(&self) -> &Slug {
        &self.name
    }

    /// The type, such as `pagerduty`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The id of the account, as the service names it: a workspace, a domain, an organization.
    pub fn external_id(&self) -> &str {
        &self.external_id
    }

    /// Returns a secret by its setting. Fails with a list of the existing secrets if there is none with this name.
    pub fn secret(&self, setting: &str) -> Result<&Secret> {
        self.secrets.get(setting).ok_or_else(|| {
            let owner = format!("integration `{}`", self.name);
            Error::new(ErrorKind::NotFound, codes::UNKNOWN_SECRET, format!("{owner} has no secret `{setting}`"))
                .with_hint(suggest::hint(setting, &format!("secrets in {owner}"), self.secrets.keys().map(|s| &**s)))
        })
    }

    /// The list of secrets of a custom integration.
    pub fn secret_list(&self) -> &[Secret] {
        &self.secret_list
    }
}

label_accessors!(Integration);
setting_accessors!(Integration, "integration");
secret_accessors!(Integration, "api_token_secret");
