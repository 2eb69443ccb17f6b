//! The formats in which log destinations send audit entries, and what destinations with size limits have in common.
//!
//! A service that accepts an entry does not always keep it: some cut what is too large, or drop it, and answer with success. So a
//! destination never sends an entry that its service would not keep whole. It sends a [reduced](AuditFormat::render_within) one instead,
//! which says that it is truncated, and has the hash of the whole entry. The whole entry stays in the store.

#[cfg(any(feature = "aws-kinesis", feature = "datadog", feature = "segment"))]
mod batches;
mod ocsf;
mod reduced;

use sym_sdk::audit::{AuditAnchor, AuditLine};
use sym_sdk::error::{Error, ErrorKind, Result, codes};

#[cfg(any(feature = "aws-kinesis", feature = "datadog", feature = "segment"))]
pub(crate) use batches::{BatchLimits, batches};

/// The format of audit entries: the value of the setting `format` of a log destination.
///
/// ```
/// use sym_integrations::audit_format::AuditFormat;
///
/// assert_eq!(AuditFormat::parse("ocsf")?, AuditFormat::Ocsf);
/// assert!(AuditFormat::parse("cef").unwrap_err().to_string().contains("`sym`"));
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditFormat {
    /// Version 6 of Sym's schema, the default: `sym`. These lines can be verified.
    #[default]
    Sym,
    /// The Open Cybersecurity Schema Framework, version 1.5.0: `ocsf`. Grants and revocations are *User Access Management* (3005); all else
    /// that happens to a request or a user is *Entity Management* (3004). The entry in Sym's schema is under `unmapped`.
    Ocsf,
}

impl AuditFormat {
    /// The name of the setting.
    pub const SETTING: &'static str = "format";

    /// Parses the value of the setting.
    ///
    /// # Errors
    /// If there is no such format.
    pub fn parse(value: &str) -> Result<Self> {
        match value {
            "sym" => Ok(Self::Sym),
            "ocsf" => Ok(Self::Ocsf),
            _ => {
                let message = format!("`{}` must be `sym` or `ocsf`, got `{value}`", Self::SETTING);
                Err(Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message))
            }
        }
    }

    /// Returns an entry in this format: a JSON object without a line break.
    pub fn render(self, line: &AuditLine) -> String {
        match self {
            Self::Sym => line.as_str().to_owned(),
            Self::Ocsf => ocsf::event(line).to_string(),
        }
    }

    /// Returns an anchor in this format: a JSON object without a line break. OCSF has no class for it, so there it is a *Base Event* (0),
    /// with the anchor under `unmapped`. None exceeds 2,048 bytes.
    pub fn render_anchor(self, anchor: &AuditAnchor) -> String {
        match self {
            Self::Sym => anchor.to_line(),
            Self::Ocsf => ocsf::anchor(anchor).to_string(),
        }
    }

    /// Returns an entry of at most `max` bytes. One that is larger is reduced: it says which entry it is and what happened, and has the
    /// SHA-256 of the entry in Sym's schema. In that schema it has the member `"truncated": true`, in OCSF `metadata.is_truncated`.
    ///
    /// No reduced entry exceeds 2,048 bytes, so a smaller `max` may be exceeded.
    pub fn render_within(self, line: &AuditLine, max: usize) -> String {
        let whole = self.render(line);
        if whole.len() <= max {
            return whole;
        }
        match self {
            Self::Sym => reduced::sym(line, max),
            Self::Ocsf => reduced::ocsf(line, max),
        }
    }
}
