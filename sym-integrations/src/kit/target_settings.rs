//! The settings of targets, as strategies read them.

use std::collections::BTreeMap;

use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::AccessTarget;
use sym_sdk::strategy::{StrategyConfig, resource_by_settings};

/// Names the resource of a target by these settings alone, so that targets that have them in common share the access, whatever else their
/// settings say. Each comes with its value as it is the same for all spellings.
///
/// A target without one of them, because its requester picks it, is named by all of its settings.
///
/// ```
/// use sym_integrations::kit::resource_named_by;
/// use sym_sdk::model::{AccessTarget, Slug};
///
/// let resource = |target: AccessTarget| {
///     let group = target.settings().get("group").map(|group| group.to_lowercase());
///     resource_named_by(&target, &[("group", group.as_deref())])
/// };
/// let target = |name: &str| Ok::<_, sym_sdk::Error>(AccessTarget::new("acme", "wiki_group", Slug::parse(name)?));
/// let ops = target("ops")?.with_setting("group", "ops");
/// assert_eq!(resource(ops.clone()), resource(target("all-ops")?.with_setting("group", "Ops").with_setting("notify", "true")));
/// assert_ne!(resource(ops), resource(target("dev")?.with_setting("group", "dev")));
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub fn resource_named_by(target: &AccessTarget, settings: &[(&str, Option<&str>)]) -> String {
    let mut named = AccessTarget::new("", target.kind(), target.name().clone());
    for (name, value) in settings {
        let Some(value) = value else { return resource_by_settings(target) };
        named = named.with_setting(*name, *value);
    }
    resource_by_settings(&named)
}

/// Returns a setting of a target that is `true` or `false`. One that is absent or blank is `false`.
///
/// # Errors
/// `SymSDK:CONFIGURATION` if it is anything else.
pub fn target_flag(target: &AccessTarget, setting: &str) -> Result<bool> {
    flag(target.settings(), setting, &format!("target `{}`", target.name()))
}

/// Returns a setting of a strategy that is `true` or `false`. One that is absent or blank is `false`.
///
/// # Errors
/// `SymSDK:CONFIGURATION` if it is anything else.
pub fn strategy_flag(config: &StrategyConfig<'_>, setting: &str) -> Result<bool> {
    flag(config.strategy.settings(), setting, &format!("strategy `{}`", config.strategy.name()))
}

fn flag(settings: &BTreeMap<String, String>, setting: &str, owner: &str) -> Result<bool> {
    match settings.get(setting).map(|text| text.trim()) {
        None | Some("" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => {
            let other = other.escape_debug();
            let message = format!("setting `{setting}` of {owner} must be `true` or `false`, got `{other}`");
            Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message))
        }
    }
}

/// Whether the requester picks this setting in the form, so that it is not known yet.
pub(crate) fn is_picked_by_requester(target: &AccessTarget, setting: &str) -> bool {
    target.field_bindings().iter().any(|name| name == setting) && !target.settings().contains_key(setting)
}
