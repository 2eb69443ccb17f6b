//! Names of letters, digits, dashes and underscores.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, Result, codes};

/// A name of letters, digits, dashes and underscores, stored in lower case. Cheap to clone.
///
/// ```
/// use sym_sdk::model::Slug;
///
/// let slug: Slug = "Prod-Access".parse()?;
/// assert_eq!(slug, "prod-access");
/// assert!("prod access".parse::<Slug>().is_err());
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Slug(Arc<str>);

impl Slug {
    /// Parses a slug.
    pub fn parse(text: &str) -> Result<Self> {
        match problem(text) {
            None => Ok(Self(text.to_ascii_lowercase().into())),
            Some(problem) => Err(Error::invalid(codes::INVALID_SLUG, format!("`{text}` is not a slug: {problem}"))
                .with_hint("use letters, digits, dashes and underscores")),
        }
    }

    /// Converts text to a slug, replacing each character that is not allowed by a dash.
    pub(crate) fn lossy(text: &str) -> Self {
        let mut slug = String::new();
        push_lossy(&mut slug, text);
        Self(slug.into())
    }

    /// The text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Appends text as by [`Slug::lossy`].
pub(super) fn push_lossy(slug: &mut String, text: &str) {
    if text.is_empty() {
        slug.push('-');
    }
    slug.extend(text.chars().map(|c| if is_allowed(c) { c.to_ascii_lowercase() } else { '-' }));
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// Returns the reason why the text is not a slug.
pub(super) fn problem(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("it is empty".to_owned());
    }
    let bad = text.chars().find(|c| !is_allowed(*c))?;
    Some(format!("it contains {bad:?}"))
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl FromStr for Slug {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Slug {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Slug {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0.to_string()
    }
}

impl AsRef<str> for Slug {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Slug {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Deref for Slug {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Slug {
    fn eq(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl PartialEq<&str> for Slug {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}
