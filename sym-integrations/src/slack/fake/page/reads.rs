//! The messages that each person has read on the page, which tell how many are new.
//!
//! The page marks a channel as read by showing it. That changes nothing in the workspace, so nobody is woken for it.

use std::collections::BTreeMap;

use crate::slack::fake::Message;

/// The latest message that each person has seen in each channel.
#[derive(Debug, Default)]
pub(in crate::slack::fake) struct Reads(BTreeMap<(String, String), String>);

impl Reads {
    /// Marks all messages of a channel as read.
    pub(super) fn mark(&mut self, user: &str, channel: &str, seen: &[&Message]) {
        if let Some(latest) = seen.iter().rfind(|message| message.channel == channel) {
            self.0.insert((user.to_owned(), channel.to_owned()), latest.ts.clone());
        }
    }

    /// Returns how many of these messages are unread: of one channel, or of all.
    pub(super) fn unread<'a>(
        &self,
        user: &str,
        channel: Option<&str>,
        seen: impl IntoIterator<Item = &'a Message>,
    ) -> usize {
        let is_new = |message: &&Message| {
            let read = self.0.get(&(user.to_owned(), message.channel.clone()));
            channel.is_none_or(|channel| message.channel == channel) && read.is_none_or(|read| *read < message.ts)
        };
        seen.into_iter().filter(is_new).count()
    }
}
