//! Access strategies as flows refer to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AccessTarget, Integration, Secret, Slug, Srn, TargetId};

/// An access strategy with its targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strategy {
    pub(crate) name: Slug,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) label: Option<String>,
    pub(crate) integration: Option<Integration>,
    pub(crate) targets: Vec<AccessTarget>,
    pub(crate) settings: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, Secret>,
}

impl Strategy {
    /// Creates a strategy of a type, such as `okta`, without targets.
    pub fn new(name: Slug, kind: impl Into<String>) -> Self {
        Self {
            name,
            kind: kind.into(),
            label: None,
            integration: None,
            targets: Vec::new(),
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }

    /// Sets the integration to connect through.
    pub fn with_integration(mut self, integration: Integration) -> Self {
        self.integration = Some(integration);
        self
    }

    /// Adds a target.
    pub fn with_target(mut self, target: AccessTarget) -> Self {
        self.targets.push(target);
        self
    }

    /// The name.
    pub fn name(&self) -> &Slug {
        &self.name
    }

    /// The type, such as `okta`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The service that access is granted in. Together with the account, it identifies an entitlement: the type, and for types
    /// whose strategies each have a service of their own, the name too.
    #[cfg(feature = "runtime")]
    pub(crate) fn service(&self) -> String {
        match &*self.kind {
            "custom" | "http" => format!("{}:{}", self.kind, self.name),
            kind => kind.to_owned(),
        }
    }

    /// The integration to connect through.
    pub fn integration(&self) -> Option<&Integration> {
        self.integration.as_ref()
    }

    /// The targets, in display order.
    pub fn targets(&self) -> &[AccessTarget] {
        &self.targets
    }

    /// Returns the target with this id.
    pub fn target_by_id(&self, id: TargetId) -> Option<&AccessTarget> {
        self.targets.iter().find(|target| target.id == id)
    }

    /// Returns the target with this name, ignoring case. `None` if targets of several types have it.
    pub fn target_by_name(&self, name: &str) -> Option<&AccessTarget> {
        self.only(|target| target.name == *name)
    }

    /// Returns the target with this SRN. Version and identifier are optional, and so is the type if the name is unique.
    pub fn target_by_srn(&self, srn: &Srn) -> Option<&AccessTarget> {
        self.only(|target| target.srn().is_named_by(srn))
    }

    /// Returns the target that matches, if it is the only one.
    fn only(&self, matches: impl Fn(&AccessTarget) -> bool) -> Option<&AccessTarget> {
        let mut matching = self.targets.iter().filter(|target| matches(target));
        matching.next().filter(|_| matching.next().is_none())
    }
}

label_accessors!(Strategy);
setting_accessors!(Strategy, "strategy");
secret_accessors!(Strategy, "bearer_token_secret");
