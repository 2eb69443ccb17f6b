//! The fingerprint of a request: where access was to be granted when it was requested.
//!
//! Flows are looked up in the current configuration whenever a Run proceeds, and a request can wait for weeks. Without a fingerprint, a
//! request for the account `staging` would be carried out in `production` once the integration is pointed there. So the request keeps
//! what was configured then, and is refused if that has changed: see `recheck`.
//!
//! Kept are the compared facts rather than one hash of them, so that a refusal can say what differs. Settings are kept as digests: the
//! settings of a strategy or an integration are not secret, but nothing else needs to read them from a Run either. Secrets are not part
//! of it, so they can be rotated while requests wait; neither are labels. The target itself is kept in the request, with its settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{Flow, Integration, Strategy};

/// The namespace of the digests of settings.
const SETTING_NAMESPACE: Uuid = Uuid::from_u128(0x0d0c_7a4b_52f1_4a7e_9c36_8e21_b7d9_40c5);

/// The strategy of a flow, its account, and the settings of both, as of the time of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// `None` in a flow that grants no access.
    strategy: Option<StrategyFingerprint>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StrategyFingerprint {
    service: String,
    account: Option<AccountFingerprint>,
    settings: Digests,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct AccountFingerprint {
    kind: String,
    id: String,
    settings: Digests,
}

/// The digests of settings by name.
type Digests = BTreeMap<String, Uuid>;

impl Fingerprint {
    /// Returns the fingerprint of a flow as it is configured now.
    pub fn of(flow: &Flow) -> Self {
        Self { strategy: flow.strategy().map(StrategyFingerprint::of) }
    }

    /// Describes the first difference of a flow as it is configured `now`; `None` if there is none.
    pub(super) fn difference(&self, now: &Self) -> Option<String> {
        let (then, now) = match (&self.strategy, &now.strategy) {
            (None, None) => return None,
            (Some(_), None) => return Some("the flow no longer grants access".to_owned()),
            (None, Some(_)) => {
                return Some("the flow granted no access when it was requested, and does now".to_owned());
            }
            (Some(then), Some(now)) => (then, now),
        };
        if then.service != now.service {
            return Some(format!("the flow now grants access with `{}`, not with `{}`", now.service, then.service));
        }
        let setting = |owner: &str, name: &str| Some(format!("the setting `{name}` of {owner} has changed"));
        match (&then.account, &now.account) {
            (Some(then), Some(now)) if (&then.kind, &then.id) == (&now.kind, &now.id) => {
                if let Some(name) = changed(&then.settings, &now.settings) {
                    return setting("the integration", name);
                }
            }
            (None, None) => {}
            (then, now) => {
                let name = |account: &Option<AccountFingerprint>| {
                    account
                        .as_ref()
                        .map_or_else(|| "no account".to_owned(), |account| format!("account `{}`", account.id))
                };
                return Some(format!("access is now granted in {}, not in {}", name(now), name(then)));
            }
        }
        changed(&then.settings, &now.settings).and_then(|name| setting("the strategy", name))
    }
}

impl StrategyFingerprint {
    fn of(strategy: &Strategy) -> Self {
        Self {
            service: strategy.service(),
            account: strategy.integration().map(AccountFingerprint::of),
            settings: digests(strategy.settings()),
        }
    }
}

impl AccountFingerprint {
    fn of(integration: &Integration) -> Self {
        Self {
            kind: integration.kind().to_owned(),
            id: integration.external_id().to_owned(),
            settings: digests(integration.settings()),
        }
    }
}

fn digests(settings: &BTreeMap<String, String>) -> Digests {
    let digest = |value: &String| Uuid::new_v5(&SETTING_NAMESPACE, value.as_bytes());
    settings.iter().map(|(name, value)| (name.clone(), digest(value))).collect()
}

/// Returns the first setting that was changed, added or removed.
pub(super) fn changed<'a, V: PartialEq>(
    then: &'a BTreeMap<String, V>,
    now: &'a BTreeMap<String, V>,
) -> Option<&'a str> {
    then.keys().chain(now.keys()).find(|name| then.get(*name) != now.get(*name)).map(String::as_str)
}
