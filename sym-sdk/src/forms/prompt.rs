//! The form that a requester fills in, and that `#[on_change]` handlers change.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{FieldMap, FieldOption, FieldSpec, FieldType, FieldValue};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::normalize::is_blank;
use crate::suggest;

/// A Slack user who was selected in a form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SlackUserSelection {
    user_id: String,
    #[serde(default)]
    username: Option<String>,
}

impl SlackUserSelection {
    /// Creates a selection. `username` is the name of the user on the platform, `None` if the account belongs to no known user.
    pub fn new(user_id: impl Into<String>, username: Option<String>) -> Self {
        Self { user_id: user_id.into(), username }
    }

    /// Returns the id in Slack, such as `U12345`.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the name on the platform, which is the e-mail address of a person.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "user_id": self.user_id, "username": self.username })
    }
}

impl fmt::Display for SlackUserSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.username().unwrap_or(&self.user_id))
    }
}

/// A field of a [`PromptForm`]. The public members are those that an `#[on_change]` handler may change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptField {
    name: String,
    #[serde(rename = "type")]
    field_type: FieldType,
    #[serde(default)]
    original_allowed_values: Vec<FieldOption>,
    /// The value so far. It is not checked until the form is submitted.
    #[serde(default)]
    pub value: Option<FieldValue>,
    /// The label that users see.
    pub label: String,
    /// Whether the form cannot be submitted without a value. Applies only while the field is visible.
    pub required: bool,
    /// The current options.
    #[serde(default)]
    pub current_allowed_values: Vec<FieldOption>,
    /// Whether users see the field.
    pub visible: bool,
}

impl PromptField {
    /// Creates an empty field as it was declared.
    pub fn from_spec(spec: &FieldSpec) -> Self {
        Self::with_options(spec, spec.allowed_values().iter().filter_map(FieldOption::from_value).collect())
    }

    /// Creates an empty field with these options, such as those of a `#[prefetch]` handler.
    pub fn with_options(spec: &FieldSpec, options: Vec<FieldOption>) -> Self {
        Self {
            name: spec.name().to_owned(),
            field_type: spec.field_type(),
            original_allowed_values: options.clone(),
            value: spec.default().cloned(),
            label: spec.label().to_owned(),
            required: spec.is_required(),
            current_allowed_values: options,
            visible: spec.is_visible(),
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the type of the value.
    pub fn field_type(&self) -> FieldType {
        self.field_type
    }

    /// Returns whether this is the value so far. A field without a value is nothing.
    ///
    /// ```
    /// use sym_sdk::prelude::*;
    ///
    /// fn on_change_urgency(form: &mut PromptForm) -> Result<()> {
    ///     form.field_mut("incident")?.visible = form.field("urgency")?.is("Urgent");
    ///     Ok(())
    /// }
    /// ```
    pub fn is(&self, value: impl Into<FieldValue>) -> bool {
        self.value.as_ref() == Some(&value.into())
    }

    /// Returns the options that the form was opened with.
    pub fn original_allowed_values(&self) -> &[FieldOption] {
        &self.original_allowed_values
    }
}

/// The form that a requester fills in. An `#[on_change]` handler takes it as `&mut PromptForm`.
///
/// Fields cannot be added, removed or renamed.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// fn on_change_urgency(form: &mut PromptForm) -> Result<()> {
///     form.field_mut("incident")?.visible = form.field("urgency")?.is("Urgent");
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptForm {
    fields: Vec<PromptField>,
    #[serde(default)]
    flow_vars: BTreeMap<String, String>,
    /// Text in the header of the form, in Slack markup.
    #[serde(default)]
    pub additional_header_text: Option<String>,
}

impl PromptForm {
    /// Creates a form of these fields, in the order in which they are shown.
    pub fn new(fields: Vec<PromptField>) -> Self {
        Self { fields, ..Self::default() }
    }

    /// Sets the flow's vars.
    #[must_use]
    pub fn with_flow_vars(self, flow_vars: BTreeMap<String, String>) -> Self {
        Self { flow_vars, ..self }
    }

    /// Replaces the fields.
    #[cfg(feature = "runtime")]
    pub(crate) fn with_fields(self, fields: Vec<PromptField>) -> Self {
        Self { fields, ..self }
    }

    /// Returns the fields, in the order in which they are shown.
    pub fn fields(&self) -> &[PromptField] {
        &self.fields
    }

    /// Returns the fields for changing them.
    pub fn fields_mut(&mut self) -> impl Iterator<Item = &mut PromptField> {
        self.fields.iter_mut()
    }

    /// Returns the field of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn field(&self, name: &str) -> Result<&PromptField> {
        self.fields.iter().find(|field| field.name == name).ok_or_else(|| self.unknown(name))
    }

    /// Returns the field of this name for changing it.
    ///
    /// # Errors
    /// If there is none.
    pub fn field_mut(&mut self, name: &str) -> Result<&mut PromptField> {
        match self.fields.iter().position(|field| field.name == name) {
            Some(index) => Ok(&mut self.fields[index]),
            None => Err(self.unknown(name)),
        }
    }

    /// Returns the flow's vars.
    pub fn flow_vars(&self) -> &BTreeMap<String, String> {
        &self.flow_vars
    }

    /// Returns the values so far.
    pub fn values(&self) -> FieldMap {
        self.fields.iter().filter_map(|field| Some((field.name.clone(), field.value.clone()?))).collect()
    }

    /// Sets the values of fields to what was entered in them, by name. A value that does not have the field's type clears it, as `null` and
    /// empty text do: what is wrong with it is reported when the form is submitted. Fields that are not among the entered ones stay as
    /// they are.
    ///
    /// ```
    /// use serde_json::json;
    /// use sym_sdk::forms::{FieldSpec, FieldType, PromptField, PromptForm};
    ///
    /// let reason = PromptField::from_spec(&FieldSpec::new("reason", FieldType::String)?);
    /// let hosts = PromptField::from_spec(&FieldSpec::new("hosts", FieldType::Int)?);
    /// let mut form = PromptForm::new(vec![reason, hosts]);
    ///
    /// form.fill(json!({ "reason": "incident 42", "hosts": "many" }).as_object().unwrap());
    /// assert!(form.field("reason")?.is("incident 42"));
    /// assert_eq!(form.field("hosts")?.value, None);
    /// # Ok::<(), sym_sdk::Error>(())
    /// ```
    pub fn fill(&mut self, entered: &Map<String, Value>) {
        for field in &mut self.fields {
            if let Some(json) = entered.get(&field.name) {
                field.value = parse_value(field, json);
            }
        }
    }

    fn unknown(&self, name: &str) -> Error {
        Error::new(ErrorKind::NotFound, codes::UNKNOWN_FIELD, format!("the form has no field `{name}`"))
            .with_hint(suggest::hint(name, "fields in the form", self.fields.iter().map(|field| field.name.as_str())))
    }
}

fn parse_value(field: &PromptField, json: &Value) -> Option<FieldValue> {
    if matches!(json, Value::Null) || matches!(json, Value::String(text) if is_blank(text)) {
        return None;
    }
    FieldSpec::new(field.name(), field.field_type()).ok()?.parse(json).ok()
}
