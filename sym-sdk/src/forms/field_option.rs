use serde::{Deserialize, Serialize};

use super::FieldValue;
use crate::error::{Error, Result, codes};

/// Slack's limit for the label and the value of an option, in characters.
const LONGEST: usize = 55;

/// An option of a drop-down: the value, and the label that people see.
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
#[serde(try_from = "RawOption")]
pub struct FieldOption {
    value: FieldValue,
    label: String,
}

#[derive(Deserialize)]
struct RawOption {
    value: FieldValue,
    label: String,
}

impl FieldOption {
    /// An option. The value is a single one, and both value and label have at most 55 characters.
    pub fn new(value: impl Into<FieldValue>, label: impl Into<String>) -> Result<Self> {
        let (value, label) = (value.into(), label.into());
        if value.type_of().is_list() || value.type_of().is_slack() {
            let message = format!("the value of an option must be a single value, got a `{}`", value.type_of());
            return Err(Error::invalid(codes::INVALID_FIELD, message));
        }
        check("value", &value.to_setting())?;
        check("label", &label)?;
        Ok(Self { value, label })
    }

    /// The option that offers a declared value; none if it is of a kind that cannot be offered.
    pub(crate) fn from_value(value: &FieldValue) -> Option<Self> {
        Self::new(value.clone(), value.to_setting()).ok()
    }

    /// The value that the field takes.
    pub fn value(&self) -> &FieldValue {
        &self.value
    }

    /// What people see.
    pub fn label(&self) -> &str {
        &self.label
    }
}

fn check(what: &str, text: &str) -> Result<()> {
    let fault = match text.chars().count() {
        0 => "must be non-empty".to_owned(),
        1..=LONGEST => return Ok(()),
        length => format!("must have at most {LONGEST} characters, but has {length}: `{text}`"),
    };
    Err(Error::invalid(codes::INVALID_FIELD, format!("the {what} of an option {fault}")))
}

impl TryFrom<RawOption> for FieldOption {
    type Error = Error;

    fn try_from(raw: RawOption) -> Result<Self> {
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
