//! The access that an identity had before a grant, as its strategy describes it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, codes};

/// A description of the access that an identity has to a resource before a grant changes it, such as `role=MEMBER`.
///
/// A strategy makes it, and gets it back when it grants and when it revokes the access, which restores what is described. Nothing else
/// reads it. It describes the access to the resource, whatever the target: each target of one resource has the same description for it.
/// It is stored with the Run and recorded in the audit log, so it must not contain secrets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PriorState(String);

impl PriorState {
    /// The maximum length in bytes.
    pub const MAX_LEN: usize = 1024;

    /// Creates a description.
    ///
    /// # Errors
    /// If the text is longer than [`MAX_LEN`](Self::MAX_LEN): what is cut could not be restored.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.len() > Self::MAX_LEN {
            let (max, length) = (Self::MAX_LEN, text.len());
            let message =
                format!("the state of the access before the grant has {length} bytes, and at most {max} are stored");
            return Err(Error::new(ErrorKind::Strategy, codes::TOO_LARGE, message)
                .with_hint("describe it by ids rather than by whole objects"));
        }
        Ok(Self(text))
    }

    /// Returns the description.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PriorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
