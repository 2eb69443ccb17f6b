//! Error codes: stable names of failures.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use super::{Error, codes};

/// The stable name of a failure, written `<error type>:<name>`, such as `Okta:GROUP_NOT_FOUND`.
///
/// ```
/// use sym_sdk::error::{ErrorCode, codes};
///
/// let code: ErrorCode = "SymSDK:INVALID_SRN".parse()?;
/// assert_eq!(code, codes::INVALID_SRN);
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ErrorCode {
    error_type: Cow<'static, str>,
    name: Cow<'static, str>,
}

impl ErrorCode {
    /// Creates a code from its two parts.
    pub const fn new(error_type: &'static str, name: &'static str) -> Self {
        Self { error_type: Cow::Borrowed(error_type), name: Cow::Borrowed(name) }
    }

    /// The part before the colon, such as `Okta`.
    pub fn error_type(&self) -> &str {
        &self.error_type
    }

    /// The part after the colon, such as `GROUP_NOT_FOUND`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.error_type, self.name)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for ErrorCode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some((error_type, name)) if !error_type.is_empty() && !name.is_empty() && !name.contains(':') => {
                Ok(Self { error_type: Cow::Owned(error_type.to_owned()), name: Cow::Owned(name.to_owned()) })
            }
            _ => Err(Error::invalid(
                codes::INVALID_ERROR_CODE,
                format!("expected an error code such as `Okta:GROUP_NOT_FOUND`, got `{text}`"),
            )),
        }
    }
}

impl TryFrom<String> for ErrorCode {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ErrorCode> for String {
    fn from(code: ErrorCode) -> Self {
        code.to_string()
    }
}
