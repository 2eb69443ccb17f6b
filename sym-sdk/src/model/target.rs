//! The resources that access is granted to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Slug, Srn, SrnVersion, TargetId};
use crate::error::{Error, Result, codes};
use crate::forms::{FieldMap, FieldValue};
use crate::normalize::normalize_identifier;

/// A resource that access can be granted to.
///
/// A setting can be bound to the request field of the same name, so that users choose its value in the form:
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
    /// Creates a target of a type, such as `okta_group`. The id is derived from type and name.
    ///
    /// Characters of `organization` that are not allowed in an SRN are replaced by dashes.
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

    /// Adds a setting whose value is the request field of the same name.
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

    /// The label, followed by the values of bound settings: `Repository (acme/website)`.
    pub fn title(&self) -> String {
        let bound: Vec<&str> =
            self.field_bindings.iter().filter_map(|name| self.settings.get(name)).map(String::as_str).collect();
        if bound.is_empty() { self.label().to_owned() } else { format!("{} ({})", self.label(), bound.join(", ")) }
    }

    /// The settings that are bound to request fields.
    pub fn field_bindings(&self) -> &[String] {
        &self.field_bindings
    }

    /// The SRN: `org:access_target:<type>:<name>:latest:<id>`.
    pub fn srn(&self) -> Srn {
        let (kind, id) = (Some(&*self.kind), self.id.as_uuid());
        Srn::from_slugs_with(&self.organization, "access_target", kind, &self.name, SrnVersion::Latest, Some(id))
    }

    /// Returns the JSON form of the target in audit entries.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "srn": self.srn(),
            "type": self.kind,
            "label": self.label(),
            "settings": self.settings,
        })
    }

    /// Returns the target with its bound settings set from the request fields. A value is normalized, so that one resource has
    /// one name: it is composed (NFC), and loses whitespace and invisible characters at both ends.
    ///
    /// # Errors
    /// If a field is empty, or contains control characters or invisible characters inside.
    pub fn bind(&self, fields: &FieldMap) -> Result<Self> {
        let mut bound = self.clone();
        for name in &self.field_bindings {
            let invalid = |code, problem: &str| {
                let message = format!("target `{}` takes its setting `{name}` from the field `{name}`", self.name);
                Error::invalid(code, format!("{message}, which {problem}"))
            };
            let given = fields.get(name).map(FieldValue::to_setting).unwrap_or_default();
            let value = match normalize_identifier(&given) {
                Ok(value) if value.is_empty() => {
                    return Err(invalid(codes::MISSING_FIELD, "has no value").with_hint(fields.hint(name)));
                }
                Ok(value) => value,
                Err(hidden) if hidden.is_control() => {
                    let problem = "contains a line break or another control character";
                    return Err(invalid(codes::INVALID_FIELD_VALUE, problem));
                }
                Err(hidden) => {
                    let problem = format!("contains the invisible character U+{:04X}", u32::from(hidden));
                    return Err(invalid(codes::INVALID_FIELD_VALUE, &problem).with_hint("type the value again"));
                }
            };
            bound.settings.insert(name.clone(), value);
        }
        Ok(bound)
    }
}

label_accessors!(AccessTarget);
setting_accessors!(AccessTarget, "target");
