//! The accessors that several model types share: labels, settings and secrets.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result, codes};
use crate::suggest;

/// Implements the accessors of `label`.
macro_rules! label_accessors {
    ($type:ty) => {
        impl $type {
            /// Sets the label, which people see instead of the name.
            pub fn with_label(mut self, label: impl Into<String>) -> Self {
                self.label = Some(label.into());
                self
            }

            /// The label that people see. Defaults to the name.
            pub fn label(&self) -> &str {
                self.label.as_deref().unwrap_or(&self.name)
            }
        }
    };
}

/// Implements the accessors of `settings`. `$owner` names the type in error messages.
macro_rules! setting_accessors {
    ($type:ty, $owner:literal) => {
        impl $type {
            /// Adds a setting.
            pub fn with_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
                self.settings.insert(name.into(), value.into());
                self
            }

            /// The settings, without secrets.
            pub fn settings(&self) -> &std::collections::BTreeMap<String, String> {
                &self.settings
            }

            /// Returns a setting. Fails with a list of the existing settings if there is none with this name.
            pub fn setting(&self, name: &str) -> crate::error::Result<&str> {
                $crate::model::accessors::find_setting(&self.settings, name, $owner, &self.name)
            }
        }
    };
}

/// Implements the accessors of `secrets`. `$example` is the name of a setting that is a secret.
macro_rules! secret_accessors {
    ($type:ty, $example:literal) => {
        impl $type {
            #[doc = concat!("Adds a setting that is a secret, such as `", $example, "`.")]
            pub fn with_secret(mut self, setting: impl Into<String>, secret: $crate::model::Secret) -> Self {
                self.secrets.insert(setting.into(), secret);
                self
            }

            /// The settings that are secrets.
            pub fn secrets(&self) -> &std::collections::BTreeMap<String, $crate::model::Secret> {
                &self.secrets
            }
        }
    };
}

/// Returns a setting, or an error that lists the existing settings.
pub(super) fn find_setting<'a>(
    settings: &'a BTreeMap<String, String>,
    name: &str,
    owner: &str,
    owner_name: &str,
) -> Result<&'a str> {
    settings.get(name).map(String::as_str).ok_or_else(|| {
        let owner = format!("{owner} `{owner_name}`");
        Error::new(ErrorKind::NotFound, codes::UNKNOWN_SETTING, format!("{owner} has no setting `{name}`"))
            .with_hint(suggest::hint(name, &format!("settings in {owner}"), settings.keys().map(String::as_str)))
    })
}

/// Rejects settings that are not in `known`. A misspelled setting would otherwise have no effect.
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
