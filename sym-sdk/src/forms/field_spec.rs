//! Declared fields, and the validation of submitted values.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::duration::check_seconds;
use super::{FieldType, FieldValue, SlackUserSelection, parse_duration};
use crate::error::{Error, Result, codes};
use crate::normalize::normalize_text;

/// A declared field of a flow's form.
///
/// ```
/// use serde_json::json;
/// use sym_sdk::forms::{FieldSpec, FieldType, FieldValue};
///
/// let urgency = FieldSpec::new("urgency", FieldType::String)?.with_allowed_values(["Low".into(), "High".into()])?;
/// assert_eq!(urgency.parse(&json!("High"))?, FieldValue::from("High"));
/// assert!(urgency.parse(&json!("Higher")).is_err());
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedSpec")]
pub struct FieldSpec {
    name: String,
    #[serde(rename = "type")]
    field_type: FieldType,
    label: Option<String>,
    required: bool,
    visible: bool,
    default: Option<FieldValue>,
    allowed_values: Vec<FieldValue>,
    prefetch: bool,
    options_bind: bool,
    on_change: bool,
}

#[derive(Deserialize)]
struct UncheckedSpec {
    name: String,
    #[serde(rename = "type")]
    field_type: FieldType,
    label: Option<String>,
    required: bool,
    visible: bool,
    default: Option<FieldValue>,
    allowed_values: Vec<FieldValue>,
    prefetch: bool,
    #[serde(default = "yes")]
    options_bind: bool,
    on_change: bool,
}

fn yes() -> bool {
    true
}

impl TryFrom<UncheckedSpec> for FieldSpec {
    type Error = Error;

    fn try_from(raw: UncheckedSpec) -> Result<Self> {
        let UncheckedSpec {
            name,
            field_type,
            label,
            required,
            visible,
            default,
            allowed_values,
            prefetch,
            options_bind,
            on_change,
        } = raw;
        let spec = Self::new(name, field_type)?.with_allowed_values(allowed_values)?;
        let spec = match default {
            Some(default) => spec.with_default(default)?,
            None => spec,
        };
        Ok(Self { label, required, visible, prefetch, options_bind, on_change, ..spec })
    }
}

impl FieldSpec {
    /// Creates a required, visible field.
    ///
    /// # Errors
    /// If the name is empty or contains anything but letters, digits, hyphens and underscores.
    pub fn new(name: impl Into<String>, field_type: FieldType) -> Result<Self> {
        let name = name.into();
        let valid = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !valid {
            return Err(Error::invalid(codes::INVALID_FIELD, format!("`{name}` is not a valid field name"))
                .with_hint("a field name consists of letters, digits, hyphens and underscores"));
        }
        Ok(Self {
            name,
            field_type,
            label: None,
            required: true,
            visible: true,
            default: None,
            allowed_values: Vec::new(),
            prefetch: false,
            options_bind: true,
            on_change: false,
        })
    }

    /// Sets the label that users see. Default: the name.
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets whether the form cannot be submitted without a value.
    pub fn with_required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// Sets whether users see the field.
    pub fn with_visible(mut self, visible: bool) -> Self {
        self.visible = visible;
        self
    }

    /// Sets the value of an optional field that is left empty.
    ///
    /// # Errors
    /// If the field is a list or a Slack user, or the value does not fit.
    pub fn with_default(mut self, default: impl Into<FieldValue>) -> Result<Self> {
        let default = normalized(default.into());
        if self.field_type.is_slack() || self.field_type.is_list() {
            return Err(self.invalid_for_type("cannot have a default"));
        }
        self.check_type("default", &default)?;
        self.check_allowed(&default)?;
        self.default = Some(default);
        Ok(self)
    }

    /// Sets the options, which makes the field a drop-down. For a list they are the members that it may have.
    ///
    /// # Errors
    /// If the field is a Slack user, or a value or the default does not fit.
    pub fn with_allowed_values(mut self, values: impl IntoIterator<Item = FieldValue>) -> Result<Self> {
        let values: Vec<FieldValue> = values.into_iter().map(normalized).collect();
        if self.field_type.is_slack() && !values.is_empty() {
            return Err(self.invalid_for_type("cannot have allowed values"));
        }
        for value in &values {
            self.check_type("allowed value", value)?;
        }
        self.allowed_values = values;
        if let Some(default) = &self.default {
            self.check_allowed(default)?;
        }
        Ok(self)
    }

    /// Sets whether a `#[prefetch]` handler supplies the options.
    pub fn with_prefetch(mut self, prefetch: bool) -> Self {
        self.prefetch = prefetch;
        self
    }

    /// Sets whether only the options that a `#[prefetch]` handler supplies may be requested. Default: `true`. A field that fills a setting
    /// of a target is bound to its options in any case.
    pub fn with_binding_options(mut self, options_bind: bool) -> Self {
        self.options_bind = options_bind;
        self
    }

    /// Sets whether an `#[on_change]` handler runs when the field changes.
    pub fn with_on_change(mut self, on_change: bool) -> Self {
        self.on_change = on_change;
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the type of the value.
    pub fn field_type(&self) -> FieldType {
        self.field_type
    }

    /// Returns the label that users see: the declared one or the name.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// Returns `true` if the form cannot be submitted without a value.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Returns `true` if users see the field.
    pub fn is_visible(&self) -> bool {
        self.visible
    }

    /// Returns the value of an optional field that is left empty.
    pub fn default(&self) -> Option<&FieldValue> {
        self.default.as_ref()
    }

    /// Returns the declared options; empty if there are none.
    pub fn allowed_values(&self) -> &[FieldValue] {
        &self.allowed_values
    }

    /// Returns `true` if a `#[prefetch]` handler supplies the options.
    pub fn is_prefetched(&self) -> bool {
        self.prefetch
    }

    /// Returns `true` if only options that were offered may be requested. Declared options bind always.
    pub fn options_bind(&self) -> bool {
        self.options_bind || !self.prefetch
    }

    /// Returns `true` if an `#[on_change]` handler runs when the field changes.
    pub fn has_on_change(&self) -> bool {
        self.on_change
    }

    /// Parses a submitted value. It must be of the field's type, and one of the allowed values if there are any.
    ///
    /// Text is composed (NFC), and loses whitespace and invisible characters at both ends; members of a list that are then empty
    /// are left out. A duration is a whole number of seconds, as `3600`, `3600.0` or `"3600"`, or text such as `30m`. A Slack user is an
    /// id, or an object with `user_id`. A `username` beside it is ignored: which user of the platform the account belongs to is not for
    /// the requester to say.
    pub fn parse(&self, json: &Value) -> Result<FieldValue> {
        let value = self.parse_type(json)?;
        self.check_allowed(&value)?;
        Ok(value)
    }

    fn parse_type(&self, json: &Value) -> Result<FieldValue> {
        let mismatch = |expected| self.mismatch(expected, json);
        match self.field_type {
            FieldType::String => self.parse_text("text", json).map(FieldValue::Text),
            FieldType::Int => json.as_i64().map(FieldValue::Int).ok_or_else(|| mismatch("a whole number")),
            FieldType::Bool => json.as_bool().map(FieldValue::Bool).ok_or_else(|| mismatch("`true` or `false`")),
            FieldType::Duration => self.parse_duration(json).map(FieldValue::Duration),
            FieldType::SlackUser => slack_user(json).map(FieldValue::SlackUser).ok_or_else(|| mismatch("a Slack user")),
            FieldType::SlackUserList => {
                members(json, slack_user).map(FieldValue::SlackUsers).ok_or_else(|| mismatch("a list of Slack users"))
            }
            FieldType::StrList => {
                let texts = json.as_array().ok_or_else(|| mismatch("a list of texts"))?.iter();
                let texts = texts.map(|text| self.parse_text("a list of texts", text)).collect::<Result<Vec<_>>>()?;
                Ok(FieldValue::TextList(texts.into_iter().filter(|text| !text.is_empty()).collect()))
            }
            FieldType::IntList => {
                members(json, Value::as_i64).map(FieldValue::IntList).ok_or_else(|| mismatch("a list of whole numbers"))
            }
        }
    }

    /// Normalizes text. Rejects text with a NUL: many programs that read it later end it there, so other text would be used than was approved.
    fn parse_text(&self, expected: &str, json: &Value) -> Result<String> {
        let text = json.as_str().ok_or_else(|| self.mismatch(expected, json))?;
        if text.contains('\0') {
            return Err(self.mismatch("text without NUL", json));
        }
        Ok(normalize_text(text))
    }

    fn parse_duration(&self, json: &Value) -> Result<Duration> {
        let parsed = match (whole_seconds(json), json.as_str()) {
            (Some(seconds), text) => check_seconds(seconds, &text.map_or_else(|| json.to_string(), str::to_owned)),
            (None, Some(text)) => parse_duration(&normalize_text(text)),
            (None, None) => {
                let error = self.mismatch("a whole number of seconds above zero, or text such as `30m`", json);
                return Err(error.with_hint("a duration is `3600` or `1h`, for example"));
            }
        };
        parsed.map_err(|error| {
            let named = Error::invalid(error.code().clone(), format!("field `{}`: {}", self.name, error.message()));
            match error.hint() {
                Some(hint) => named.with_hint(hint),
                None => named,
            }
        })
    }

    fn mismatch(&self, expected: &str, json: &Value) -> Error {
        let message = format!("field `{}` expects {expected}, got {}", self.name, brief(json));
        Error::invalid(codes::INVALID_FIELD_VALUE, message)
    }

    fn invalid_for_type(&self, what: &str) -> Error {
        let message = format!("field `{}` {what}, because its type is `{}`", self.name, self.field_type);
        Error::invalid(codes::INVALID_FIELD, message)
    }

    fn check_type(&self, what: &str, value: &FieldValue) -> Result<()> {
        let (expected, got) = (self.field_type.member(), value.field_type());
        if expected == got {
            return Ok(());
        }
        let message =
            format!("the {what} `{value}` of field `{}` must have the type `{expected}`, but has `{got}`", self.name);
        Err(Error::invalid(codes::INVALID_FIELD, message))
    }

    /// Checks that the value is one of the declared options, if there are any.
    pub(crate) fn check_allowed(&self, value: &FieldValue) -> Result<()> {
        if self.allowed_values.is_empty() {
            return Ok(());
        }
        let refused = match value {
            FieldValue::TextList(texts) => self.first_refused(texts.iter().map(|text| text.as_str().into())),
            FieldValue::IntList(numbers) => self.first_refused(numbers.iter().map(|number| (*number).into())),
            single => self.first_refused([single.clone()]),
        };
        match refused {
            None => Ok(()),
            Some(refused) => Err(Error::invalid(
                codes::OPTION_NOT_ALLOWED,
                format!("field `{}` does not allow `{}`", self.name, refused.to_setting()),
            )
            .with_hint(format!(
                "choose one of {}",
                self.allowed_values
                    .iter()
                    .map(|value| format!("`{}`", value.to_setting()))
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    fn first_refused(&self, values: impl IntoIterator<Item = FieldValue>) -> Option<FieldValue> {
        values.into_iter().find(|value| !self.allowed_values.contains(value))
    }
}

fn normalized(value: FieldValue) -> FieldValue {
    match value {
        FieldValue::Text(text) => FieldValue::Text(normalize_text(&text)),
        other => other,
    }
}

/// Returns the number of seconds that a value states exactly: `3600`, `3600.0` or `"3600"`.
fn whole_seconds(json: &Value) -> Option<u64> {
    match json {
        Value::String(text) => {
            let digits = normalize_text(text);
            let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            // A number of digits only fails to parse if it is too long.
            all_digits.then(|| digits.parse().unwrap_or(u64::MAX))
        }
        Value::Number(number) => number.as_u64().or_else(|| {
            let seconds = number.as_f64().filter(|seconds| *seconds >= 0.0 && seconds.fract() == 0.0)?;
            Some(format!("{seconds:.0}").parse().unwrap_or(u64::MAX))
        }),
        _ => None,
    }
}

fn slack_user(json: &Value) -> Option<SlackUserSelection> {
    let id = json.as_str().or_else(|| json.get("user_id")?.as_str())?;
    let well_formed = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric());
    well_formed.then(|| SlackUserSelection::new(id, None))
}

fn members<T>(json: &Value, member: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    json.as_array()?.iter().map(member).collect()
}

/// Formats a value for a message, truncated.
fn brief(json: &Value) -> String {
    const MAX_CHARS: usize = 60;
    let text = json.to_string();
    match text.char_indices().nth(MAX_CHARS) {
        Some((cut, _)) => format!("`{}…`", &text[..cut]),
        None => format!("`{text}`"),
    }
}
