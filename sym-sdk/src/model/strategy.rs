use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::integration::find_setting;
use super::{AccessTarget, Integration, Secret, Slug, Srn, TargetId};
use crate::error::Result;

/// How access to a list of targets is granted.
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
    /// A strategy of a type, such as `okta`, without targets.
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

    /// Sets what people see instead of the name.
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the integration that it works through.
    pub fn with_integration(mut self, integration: Integration) -> Self {
        self.integration = Some(integration);
        self
    }

    /// Adds a target.
    pub fn with_target(mut self, target: AccessTarget) -> Self {
        self.targets.push(target);
        self
    }

    /// Adds a setting.
    pub fn with_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Adds a setting that is a secret, such as `bearer_token_secret`.
    pub fn with_secret(mut self, setting: impl Into<String>, secret: Secret) -> Self {
        self.secrets.insert(setting.into(), secret);
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

    /// What tells apart in what access is granted, beside the account: the type, and the name too where each strategy of the
    /// type has something of its own behind it.
    #[cfg(feature = "runtime")]
    pub(crate) fn service(&self) -> String {
        match &*self.kind {
            "custom" | "http" => format!("{}:{}", self.kind, self.name),
            kind => kind.to_owned(),
        }
    }

    /// What people see: the label, or the name if there is none.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// The integration that it works through.
    pub fn integration(&self) -> Option<&Integration> {
        self.integration.as_ref()
    }

    /// The targets, in the order in which they are shown.
    pub fn targets(&self) -> &[AccessTarget] {
        &self.targets
    }

    /// The settings in clear.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The setting of this name.
    pub fn setting(&self, name: &str) -> Result<&str> {
        find_setting(&self.settings, name, &format!("strategy `{}`", self.name))
    }

    /// The settings that are secrets.
    pub fn secrets(&self) -> &BTreeMap<String, Secret> {
        &self.secrets
    }

    /// The target with this id.
    pub fn target_by_id(&self, id: TargetId) -> Option<&AccessTarget> {
        self.targets.iter().find(|target| target.id == id)
    }

    /// The target of this name, whatever the case; `None` also if targets of several types have it.
    pub fn target_by_name(&self, name: &str) -> Option<&AccessTarget> {
        self.only(|target| target.name == *name)
    }

    /// The target with this SRN. Neither version nor identifier need be given, nor the type if no other type has a target of
    /// the name.
    pub fn target_by_srn(&self, srn: &Srn) -> Option<&AccessTarget> {
        self.only(|target| target.srn().is_named_by(srn))
    }

    /// The one target that is meant. Where it could be one of several, none is.
    fn only(&self, is_meant: impl Fn(&AccessTarget) -> bool) -> Option<&AccessTarget> {
        let mut meant = self.targets.iter().filter(|target| is_meant(target));
        meant.next().filter(|_| meant.next().is_none())
    }
}
