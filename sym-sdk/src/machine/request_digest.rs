//! The digest of what a decision is about, so that nobody decides what they have not seen.
//!
//! A request can change while somebody looks at it: a hook changes its duration, it is forwarded to others, an extension is asked for. A
//! front end keeps the digest of what it has shown and submits it with the decision, which is refused if the request is another one by now.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::extension::Round;
use super::state::RunState;
use crate::error::{Error, codes};
use crate::forms::FieldMap;
use crate::model::{AccessTarget, EventId, RunId};

/// The SHA-256 of what is decided: the target, the duration and the fields of a request or an extension, and the notification in force.
/// Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestDigest([u8; 32]);

/// The digested parts of a request.
#[derive(Serialize)]
struct Parts<'a> {
    run: RunId,
    extension: Option<EventId>,
    target: Option<&'a AccessTarget>,
    duration: Option<Duration>,
    fields: &'a FieldMap,
    reason: Option<&'a str>,
    notification: usize,
}

impl RequestDigest {
    /// Returns the digest of what is decided in a Run: its open extension, or else its request. `None` before the request.
    pub fn of(state: &RunState) -> Option<Self> {
        Self::in_round(state, state.open_round())
    }

    pub(super) fn in_round(state: &RunState, round: Round) -> Option<Self> {
        let request = state.request.as_ref()?;
        let extension = match round {
            Round::Request => None,
            Round::Extension(id) => Some(id),
        };
        let reason = match extension {
            Some(_) => state.extension.as_deref().and_then(|extension| extension.reason.as_deref()),
            None => request.reason.as_deref(),
        };
        let parts = Parts {
            run: state.run.id(),
            extension,
            target: request.target.as_ref(),
            duration: state.asked_duration_in(round),
            fields: &request.fields,
            reason,
            notification: state.current_in(round),
        };
        // A value sorts the members of its objects.
        let text = serde_json::to_value(parts).ok()?.to_string();
        Some(Self(Sha256::digest(text).into()))
    }
}

impl fmt::Display for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestDigest({self})")
    }
}

impl FromStr for RequestDigest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(|| {
            let message =
                format!("`seen` is not the digest of a request: expected 64 hexadecimal digits, got `{text}`");
            Error::invalid(codes::INVALID_ID, message).with_hint("send the `seen` of the request as it was read")
        })
    }
}

impl TryFrom<String> for RequestDigest {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<RequestDigest> for String {
    fn from(digest: RequestDigest) -> Self {
        digest.to_string()
    }
}
