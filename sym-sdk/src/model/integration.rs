use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Secret, Slug};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::suggest;

/// A connection to an outside service.
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
    /// An integration of a type, such as `pagerduty`, with the service's own id of the account.
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

    /// Sets what people see instead of the name.
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a setting.
    pub fn with_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Adds a setting that is a secret, such as `api_token_secret`.
    pub fn with_secret(mut self, setting: impl Into<String>, secret: Secret) -> Self {
        self.secrets.insert(setting.into(), secret);
        self
    }

    /// Adds a secret to the list that a custom integration has.
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

    /// The service's own id of the account: a workspace, a domain, an organization.
    pub fn external_id(&self) -> &str {
        &self.external_id
    }

    /// What people see: the label, or the name if there is none.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// The settings in clear.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The setting of this name.
    pub fn setting(&self, name: &str) -> Result<&str> {
        find_setting(&self.settings, name, &format!("integration `{}`", self.name))
    }

    /// The settings that are secrets.
    pub fn secrets(&self) -> &BTreeMap<String, Secret> {
        &self.secrets
    }

    /// The secret in the setting of this name.
    pub fn secret(&self, setting: &str) -> Result<&Secret> {
        self.secrets.get(setting).ok_or_else(|| {
            let owner = format!("integration `{}`", self.name);
            Error::new(ErrorKind::NotFound, codes::UNKNOWN_SECRET, format!("{owner} has no secret `{setting}`"))
                .with_hint(suggest::hint(setting, &format!("secrets in {owner}"), self.secrets.keys().map(|s| &**s)))
        })
    }

    /// The secrets that a custom integration lists.
    pub fn secret_list(&self) -> &[Secret] {
        &self.secret_list
    }
}

/// Refuses settings other than the known ones: one that is spelt wrongly would be without effect.
#[cfg(feature = "runtime")]
pub(crate) fn expect_settings<'a>(
    owner: &str,
    mut settings: impl Iterator<Item = &'a String>,
    known: &[&str],
) -> Result<()> {
    let Some(unknown) = settings.find(|setting| !known.contains(&setting.as_str())) else { return Ok(()) };
    let message = format!("{owner} has an unknown setting `{unknown}`");
    let hint = suggest::hint(unknown, "settings of this type", known.iter().copied());
    Err(Error::new(ErrorKind::Configuration, codes::UNKNOWN_SETTING, message).with_hint(hint))
}

/// The setting of this name, or an error that lists the settings there are.
pub(super) fn find_setting<'a>(settings: &'a BTreeMap<String, String>, name: &str, owner: &str) -> Result<&'a str> {
    settings.get(name).map(String::as_str).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, codes::UNKNOWN_SETTING, format!("{owner} has no setting `{name}`"))
            .with_hint(suggest::hint(name, &format!("settings in {owner}"), settings.keys().map(String::as_str)))
    })
}
