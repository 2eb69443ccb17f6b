//! Settings: which are secrets, and whether they fit the schema of their type.
//!
//! A setting whose name ends in `_secret` holds the name of a declared secret and is resolved here, so that no other code
//! tells secrets from plain settings.

use std::collections::BTreeMap;

use super::Check;
use super::index::{Declaration, describe};
use super::secrets::Secrets;
use crate::config::SettingsSchema;
use crate::config::schema::SECRET_SUFFIX;
use crate::model;
use crate::suggest;

/// The settings of one declaration, separated into plain values and secrets.
#[derive(Default)]
pub(super) struct ResolvedSettings {
    pub(super) plain: Vec<(String, String)>,
    pub(super) secrets: Vec<(String, model::Secret)>,
}

impl Check<'_> {
    /// Separates the settings of a declaration. Secrets that are not declared are reported and left out.
    pub(super) fn resolve_settings(
        &mut self,
        owner: &impl Declaration,
        settings: &BTreeMap<String, String>,
        secrets: &Secrets,
    ) -> ResolvedSettings {
        let mut resolved = ResolvedSettings::default();
        for (setting, value) in settings {
            if !setting.ends_with(SECRET_SUFFIX) {
                resolved.plain.push((setting.clone(), value.clone()));
            } else if let Some(secret) = self.secret(owner, setting, value, secrets) {
                resolved.secrets.push((setting.clone(), secret));
            }
        }
        resolved
    }

    /// Reports settings that the schema requires and the declaration lacks, and those that the schema does not allow.
    pub(super) fn check_settings(
        &mut self,
        owner: &impl Declaration,
        settings: &BTreeMap<String, String>,
        bindings: &[String],
        schema: &SettingsSchema,
    ) {
        let (subject, location) = (describe(owner), owner.location());
        for setting in schema.settings().iter().filter(|setting| setting.is_required()) {
            let name = setting.name();
            if settings.contains_key(name) || bindings.iter().any(|binding| binding == name) {
                continue;
            }
            let mut unknown = self.unknown_settings.iter();
            if let Some(unknown) = unknown.find(|unknown| unknown.name == name && unknown.location == *location) {
                let reference = &unknown.reference;
                let message = format!(
                    "{subject} needs the setting `{name}`, and only `terraform apply` knows its value `{reference}`"
                );
                self.error_with_hint(location, message, unknown.hint.clone());
                continue;
            }
            let hint = if setting.is_secret() {
                format!("write `{name} = sym_secret.….id`, or the name of a secret")
            } else if setting.is_bindable() {
                format!("write `{name} = \"…\"`, or name it in `field_bindings` so that requesters fill it in")
            } else {
                format!("write `{name} = \"…\"`")
            };
            self.error_with_hint(location, format!("{subject} needs the setting `{name}`"), hint);
        }
        if !schema.is_closed() {
            return;
        }
        let kind = owner.kind().unwrap_or_default();
        for name in settings.keys().filter(|name| schema.get(name).is_none()) {
            let message = format!("{subject} has the setting `{name}`, which type `{kind}` does not have");
            self.error_with_hint(location, message, suggest::hint(name, "settings", schema.names()));
        }
        for binding in bindings {
            match schema.get(binding) {
                Some(setting) if setting.is_bindable() => {}
                Some(_) => {
                    let message = format!("{subject} takes the setting `{binding}` from a field, but it must be fixed");
                    let hint = format!("write `{binding}` in `settings`, and remove it from `field_bindings`");
                    self.error_with_hint(location, message, hint);
                }
                None => {
                    let message = format!("{subject} binds the setting `{binding}`, which type `{kind}` does not have");
                    let bindable = schema.settings().iter().filter(|setting| setting.is_bindable());
                    let hint = suggest::hint(binding, "bindable settings", bindable.map(|setting| setting.name()));
                    self.error_with_hint(location, message, hint);
                }
            }
        }
    }
}
