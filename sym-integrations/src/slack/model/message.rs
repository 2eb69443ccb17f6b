//! References to messages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sym_sdk::error::{Error, ErrorKind, Result};

use crate::slack::codes;

/// A reference to a message: the channel, and the timestamp that identifies the message in it.
///
/// Its text form is `channel/timestamp`, which front ends store.
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
    /// Creates a reference to the message with this timestamp in the channel with this id.
    pub fn new(channel: impl Into<String>, ts: impl Into<String>) -> Self {
        Self { channel: channel.into(), ts: ts.into() }
    }

    /// Returns the channel id. A direct message has one too.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// Returns the timestamp.
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
            _ => Err(invalid(format!("`{text}` is not a reference to a Slack message"))
                .with_hint("expected a channel id and a timestamp, as in `C012AB3CD/1709208000.000100`")),
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, codes::INVALID_MESSAGE_REF, message)
}

#[cfg(feature = "runtime")]
mod front_end {
    use sym_sdk::error::{Error, Result};
    use sym_sdk::machine;

    use super::{MessageRef, invalid};

    /// The front end to which these messages belong.
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
                return Err(invalid(format!(
                    "the message belongs to the front end `{}`, not to Slack",
                    message.front_end
                )));
            }
            message.reference.parse()
        }
    }
}
