//! Environments: settings that several flows share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Integration, Slug};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::suggest;

/// An environment: the integrations that several flows share, and the channel for their errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    pub(crate) name: Slug,
    pub(crate) label: Option<String>,
    pub(crate) integrations: BTreeMap<String, Integration>,
    pub(crate) error_logger: Option<String>,
}

impl Environment {
    /// Creates an environment without integrations.
    pub fn new(name: Slug) -> Self {
        Self { name, label: None, integrations: BTreeMap::new(), error_logger: None }
    }

    /// Adds an integration under a key, such as `slack`.
    pub fn with_integration(mut self, key: impl Into<String>, integration: Integration) -> Self {
        self.integrations.insert(key.into(), integration);
        self
    }

    /// Sets the Slack channel for errors.
    pub fn with_error_logger(mut self, channel: impl Into<String>) -> Self {
        self.error_logger = Some(channel.into());
        self
    }

    /// The name.
    pub fn name(&self) -> &Slug {
        &self.name
    }

    /// The integrations by key.
    pub fn integrations(&self) -> &BTreeMap<String, Integration> {
        &self.integrations
    }

    /// Returns the integration with this key. Fails with a list of the existing keys if there is none.
    pub fn integration(&self, key: &str) -> Result<&Integration> {
        self.integrations.get(key).ok_or_else(|| {
            let message = format!("environment `{}` has no integration `{key}`", self.name);
            let kind = format!("integrations in environment `{}`", self.name);
            Error::new(ErrorKind::NotFound, codes::UNKNOWN_INTEGRATION, message).with_hint(suggest::hint(
                key,
                &kind,
                self.integrations.keys().map(String::as_str),
            ))
        })
    }

    /// The Slack channel for errors.
    pub fn error_logger(&self) -> Option<&str> {
        self.error_logger.as_deref()
    }
}

label_accessors!(Environment);
