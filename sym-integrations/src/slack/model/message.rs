use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sym_sdk::error::{Error, ErrorKind, Result};

use crate::slack::codes;

/// Where a message stands: the channel, and the time stamp that is its id there.
///
/// It has a form as text, in which front ends keep it.
///
/// ```
/// use sym_integrations::slack::MessageRef;
///
/// let message = MessageRef::new("C012AB3CD", "1709208000.000100");
/// assert_eq!(message.to_string(), "C012AB3CD/1709208000.000100");
/// assert_eq!("C012AB3CD/1709208000.000100".parse::<MessageRef>()?, message);
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MessageRef {
    channel: String,
    ts: String,
}

impl MessageRef {
    /// The message of a channel, by its id, that has this time stamp.
    pub fn new(channel: impl Into<String>, ts: impl Into<String>) -> Self {
        Self { channel: channel.into(), ts: ts.into() }
    }

    /// The id of the channel, also of one that is a direct message.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// The time stamp.
    pub fn ts(&self) -> &str {
        &self.ts
    }
}

impl fmt::Display for MessageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.channel, self.ts)
    }
}

impl FromStr for MessageRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('/') {
            Some((channel, ts)) if !channel.is_empty() && !ts.is_empty() => Ok(Self::new(channel, ts)),
            _ => Err(invalid(format!("`{text}` does not say where a message stands"))
                .with_hint("expected a channel and a time stamp, as in `C012AB3CD/1709208000.000100`")),
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, codes::INVALID_MESSAGE_REF, message)
}

#[cfg(feature = "runtime")]
mod delivered {
    use sym_sdk::error::{Error, Result};
    use sym_sdk::machine;

    use super::{MessageRef, invalid};

    /// The front end that messages of this kind belong to.
    const FRONT_END: &str = "slack";

    impl From<&MessageRef> for machine::MessageRef {
        fn from(message: &MessageRef) -> Self {
            Self::new(FRONT_END, message.to_string())
        }
    }

    impl TryFrom<&machine::MessageRef> for MessageRef {
        type Error = Error;

        fn try_from(message: &machine::MessageRef) -> Result<Self> {
            if message.front_end != FRONT_END {
                return Err(invalid(format!("the message is one of `{}`, not of Slack", message.front_end)));
            }
            message.reference.parse()
        }
    }
}
