//! The integrations that handlers require, and which one of the configuration meets a requirement.

use std::collections::BTreeMap;

use crate::handler::{HandlerRecord, IntegrationRequirement, Requires};
use crate::model::{Integration, Strategy};

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
