//! The integrations that handlers require, and which one of the configuration meets a requirement.

use std::collections::BTreeMap;

use crate::handler::{HandlerRecord, IntegrationRequirement, Requires};
use crate::model::{Integration, Strategy};
use crate::suggest;

/// Returns an iterator over the integrations whose clients a handler takes.
pub(super) fn requirements(record: &'static HandlerRecord) -> impl Iterator<Item = &'static IntegrationRequirement> {
    record.requires().iter().filter_map(|requires| match requires {
        Requires::Integration(requirement) | Requires::Optional(Requires::Integration(requirement)) => {
            Some(requirement)
        }
        _ => None,
    })
}

/// Finds the integration that a handler's client is built from: the environment's, or else the strategy's.
pub(super) fn integration_for<'a>(
    integrations: &'a BTreeMap<String, Integration>,
    strategy: Option<&'a Strategy>,
    requirement: &IntegrationRequirement,
) -> Option<&'a Integration> {
    let (kind, key) = (requirement.kind(), requirement.key());
    // A custom integration is known by its key: a client for `victorops` takes what stands under `victorops_id`.
    let by_key = integrations.get(key).filter(|integration| [kind, "custom"].contains(&integration.kind()));
    // Where clients share a type, what is meant for another one of them must not be taken in its place.
    let is_shared = kind != key;
    by_key.or_else(|| integrations.values().find(|integration| !is_shared && integration.kind() == kind)).or_else(
        || {
            let strategy = strategy.filter(|strategy| !is_shared || strategy.kind() == key)?;
            strategy.integration().filter(|integration| integration.kind() == kind)
        },
    )
}

/// Returns what to do about an integration that `owner` lacks, from the integrations that it has; `None` if it has none.
pub(super) fn advice(
    integrations: &BTreeMap<String, Integration>,
    required: &IntegrationRequirement,
    owner: &str,
) -> Option<String> {
    let (kind, key) = (required.kind(), required.key());
    let is_typo = |integration: &&Integration| suggest::nearest(kind, [integration.kind()]).is_some();
    if let Some(found) = integrations.values().find(|found| found.kind() != kind && is_typo(found)) {
        let (name, typed) = (found.name(), found.kind());
        return Some(format!("did you mean type `{kind}`? integration `{name}` of {owner} has type `{typed}`"));
    }
    let has = integrations.iter().map(|(key, integration)| format!("`{key}_id` (of type `{}`)", integration.kind()));
    let has = has.collect::<Vec<_>>().join(", ");
    let advice = format!("add an integration of type `{kind}` to {owner} as `{key}_id`");
    (!has.is_empty()).then(|| format!("{advice}; it has {has}"))
}
