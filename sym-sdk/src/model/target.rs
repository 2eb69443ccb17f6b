use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::integration::find_setting;
use super::{Slug, Srn, TargetId};
use crate::error::{Error, Result, codes};
use crate::forms::{FieldMap, FieldValue};

/// A thing that access can be had to.
///
/// A setting can be bound to the request's field of the same name, for targets that are picked in the form:
///
/// ```
/// use sym_sdk::prelude::*;
///
/// let target = AccessTarget::new("acme", "github_repo", Slug::parse("any-repo")?).with_field_binding("repo_name");
/// let fields = FieldMap::from_iter([("repo_name", "sym-sdk")]);
/// let target = target.bind(&fields)?;
/// assert_eq!(target.setting("repo_name")?, "sym-sdk");
/// assert_eq!(target.title(), "any-repo (sym-sdk)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessTarget {
    pub(crate) id: TargetId,
    pub(crate) organization: Slug,
    pub(crate) name: Slug,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) label: Option<String>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) field_bindings: Vec<String>,
}

impl AccessTarget {
    /// A target of a type, such as `okta_group`. Its id follows from type and name.
    ///
    /// Characters of `organization` that an SRN cannot have become dashes.
    pub fn new(organization: &str, kind: impl Into<String>, name: Slug) -> Self {
        let kind = kind.into();
        Self {
            id: TargetId::from_name(&kind, &name),
            organization: Slug::lossy(organization),
            name,
            kind,
            label: None,
            settings: BTreeMap::new(),
            field_bindings: Vec::new(),
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

    /// Adds a setting that is filled from the request's field of the same name.
    pub fn with_field_binding(mut self, name: impl Into<String>) -> Self {
        self.field_bindings.push(name.into());
        self
    }

    /// The id.
    pub fn id(&self) -> TargetId {
        self.id
    }

    /// The name.
    pub fn name(&self) -> &Slug {
        &self.name
    }

    /// The type, such as `okta_group`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What people see: the label, or the name if there is none.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// What people see, and the bound settings once they are filled: `Repository (acme/website)`.
    pub fn title(&self) -> String {
        let bound: Vec<&str> =
            self.field_bindings.iter().filter_map(|name| self.settings.get(name)).map(String::as_str).collect();
        if bound.is_empty() { self.label().to_owned() } else { format!("{} ({})", self.label(), bound.join(", ")) }
    }

    /// The settings.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The setting of this name.
    pub fn setting(&self, name: &str) -> Result<&str> {
        find_setting(&self.settings, name, &format!("target `{}`", self.name))
    }

    /// The settings that are filled from the request's fields.
    pub fn field_bindings(&self) -> &[String] {
        &self.field_bindings
    }

    /// The SRN: `org:access_target:<type>:<name>:latest:<id>`.
    pub fn srn(&self) -> Srn {
        let srn = Srn::from_slugs(&self.organization, "access_target", Some(&self.kind), &self.name);
        srn.identified_by(self.id.as_uuid())
    }

    /// The target as audit entries have it.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "srn": self.srn(),
            "type": self.kind,
            "label": self.label(),
            "settings": self.settings,
        })
    }

    /// The target with its bound settings filled from the request's fields, each with a value of one line.
    pub fn bind(&self, fields: &FieldMap) -> Result<Self> {
        let mut bound = self.clone();
        for name in &self.field_bindings {
            let fault = |code, what: &str| {
                let message = format!("target `{}` takes its setting `{name}` from the field `{name}`", self.name);
                Error::invalid(code, format!("{message}, which {what}"))
            };
            let value = fields.get(name).map(FieldValue::to_setting).unwrap_or_default();
            if value.trim().is_empty() {
                return Err(fault(codes::MISSING_FIELD, "has no value").with_hint(fields.hint(name)));
            }
            if value.contains(char::is_control) {
                let what = "has a line break or another control character in it";
                return Err(fault(codes::INVALID_FIELD_VALUE, what));
            }
            bound.settings.insert(name.clone(), value);
        }
        Ok(bound)
    }
}
