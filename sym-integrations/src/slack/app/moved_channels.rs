//! Channels that have another id than when a message was posted to them.
//!
//! Slack gives a channel another id when it is shared with another organization or becomes private, and does not accept the former one any
//! more. The ids of the messages in it stay. What is known is a cache: an action in such a message, or an event of Slack, says it again.

use crate::bounded_cache::BoundedCache;
use crate::slack::MessageRef;

use super::SlackApp;

/// The maximum number of channels.
const MOVED_CAPACITY: usize = 1_000;

/// The maximum number of times that one channel is followed.
const MAX_MOVES: usize = 5;

/// The present ids of channels, by their former ones.
pub(super) struct MovedChannels(BoundedCache<String, String>);

impl Default for MovedChannels {
    fn default() -> Self {
        Self(BoundedCache::new(MOVED_CAPACITY))
    }
}

impl SlackApp {
    /// Notes that a channel has another id.
    pub(super) fn note_moved_channel(&self, from: &str, to: &str) {
        if self.present_channel(from.to_owned()) != to {
            tracing::info!(from, to, "a Slack channel has another id");
            self.0.moved_channels.0.insert(from.to_owned(), to.to_owned(), |_| false);
        }
    }

    /// Returns the present id of a channel.
    pub(super) fn present_channel(&self, mut channel: String) -> String {
        for _ in 0..MAX_MOVES {
            match self.0.moved_channels.0.get(&channel) {
                Some(present) => channel = present,
                None => break,
            }
        }
        channel
    }

    /// Returns the present reference to a message.
    pub(super) fn present_ref(&self, message: &MessageRef) -> MessageRef {
        MessageRef::new(self.present_channel(message.channel().to_owned()), message.ts())
    }
}
