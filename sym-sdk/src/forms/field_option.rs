//! Options of drop-downs, within the limits that Slack sets.

use serde::{Deserialize, Serialize};

use super::FieldValue;
use crate::error::{Error, Result, codes};

/// The maximal length of an option's value and label in Slack, in characters.
const MAX_LEN: usize = 55;

/// An option of a drop-down: a value, and the label that users see.
///
/// ```
/// use sym_sdk::forms::FieldOption;
///
/// let option = FieldOption::new(42, "Answers")?;
/// assert_eq!(option.label(), "Answers");
/// assert!(FieldOption::new("x".repeat(56), "too long").is_err());
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "UncheckedOption")]
pub struct FieldOption {
    value: FieldValue,
    label: String,
}

#[derive(Deserialize)]
struct UncheckedOption {
    value: FieldValue,
    label: String,
}

impl FieldOption {
    /// Creates an option.
    ///
    /// # Errors
    /// If the value is a list or a Slack user, or if the value or the label is empty or longer than 55 characters.
    pub fn new(value: impl Into<FieldValue>, label: impl Into<String>) -> Result<Self> {
        let (value, label) = (value.into(), label.into());
        if value.field_type().is_list() || value.field_type().is_slack() {
            let message = format!("the value of an option must be a single value, got a `{}`", value.field_type());
            return Err(Error::invalid(codes::INVALID_FIELD, message));
        }
        check("value", &value.to_setting())?;
        check("label", &label)?;
        Ok(Self { value, label })
    }

    /// Creates the option for a declared value. Returns `None` if the value cannot be an option.
    pub(crate) fn from_value(value: &FieldValue) -> Option<Self> {
        Self::new(value.clone(), value.to_setting()).ok()
    }

    /// Returns the value of the field if the option is selected.
    pub fn value(&self) -> &FieldValue {
        &self.value
    }

    /// Returns the label that users see.
    pub fn label(&self) -> &str {
        &self.label
    }
}

fn check(what: &str, text: &str) -> Result<()> {
    let problem = match text.chars().count() {
        0 => "must not be empty".to_owned(),
        1..=MAX_LEN => return Ok(()),
        length => format!("must have at most {MAX_LEN} characters, but has {length}: `{text}`"),
    };
    Err(Error::invalid(codes::INVALID_FIELD, format!("the {what} of an option {problem}")))
}

impl TryFrom<UncheckedOption> for FieldOption {
    type Error = Error;

    fn try_from(raw: UncheckedOption) -> Result<Self> {
        Self::new(raw.value, raw.label)
    }
}

impl TryFrom<&str> for FieldOption {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::new(text, text)
    }
}

impl TryFrom<String> for FieldOption {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(text.clone(), text)
    }
}

impl<V: Into<FieldValue>, L: Into<String>> TryFrom<(V, L)> for FieldOption {
    type Error = Error;

    fn try_from((value, label): (V, L)) -> Result<Self> {
        Self::new(value, label)
    }
}
