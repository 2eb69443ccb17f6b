//! The ids of channels: those of channels that were named, and the present ones of channels that had another.
//!
//! Slack gives a channel another id when it is shared with another organization or becomes private, and does not accept the former one any
//! more. The ids of the messages in it stay. An action in such a message, or an event of Slack, says what the id is now. A channel that is
//! configured by its name is posted to by its name; when it is renamed, the id under which it was last posted to finds it.
//!
//! What is known is kept among the [values of the runtime](Runtime::key_value), one value for each channel, so that a restart, or another
//! process that did not hear of it, finds it there. Memory comes first: the values are read only when Slack knows no such channel. If they
//! are lost, nothing is decided wrongly: a message that cannot be found is delivered again, and a click in the former one says where it is.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use sym_sdk::clock::Clock;
use sym_sdk::directory::KeyValue;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::runtime::Runtime;

use crate::bounded_cache::BoundedCache;
use crate::http::with_timeout;
use crate::slack::MessageRef;

use super::SlackApp;

/// The namespace among the values of the runtime.
const NAMESPACE: &str = "sym_slack";

/// The maximum number of channels in memory.
const CAPACITY: usize = 1_000;

/// The maximum number of times that one channel is followed.
const MAX_MOVES: usize = 5;

/// The timeout of reading or writing a value.
const VALUE_TIMEOUT: Duration = Duration::from_secs(5);

/// The ids of the channels of a workspace.
pub(super) struct ChannelIds {
    workspace: String,
    values: OnceLock<(KeyValue, Arc<dyn Clock>)>,
    /// The ids of channels to which messages were posted by name, with `#`.
    named: BoundedCache<String, String>,
    /// The later ids of channels, by their former ones.
    moved: BoundedCache<String, String>,
    /// The ids that are not among the values yet.
    unsaved: Mutex<Vec<Known>>,
}

/// Something known of a channel.
#[derive(Clone, Debug, PartialEq)]
enum Known {
    Named { name: String, id: String },
    Moved { from: String, to: String },
}

impl ChannelIds {
    pub(super) fn new(workspace: &str) -> Self {
        Self {
            workspace: workspace.to_owned(),
            values: OnceLock::new(),
            named: BoundedCache::new(CAPACITY),
            moved: BoundedCache::new(CAPACITY),
            unsaved: Mutex::default(),
        }
    }

    /// Keeps what is known among the values of a runtime. The first one counts.
    pub(super) fn keep_in(&self, runtime: &Runtime) {
        self.values.get_or_init(|| (runtime.key_value().clone(), runtime.clock().clone()));
    }

    /// Notes the id of a channel that was posted to by its name.
    fn note_name(&self, name: &str, id: &str) {
        if self.named.get(name).is_none_or(|known| known != id) {
            self.named.insert(name.to_owned(), id.to_owned(), |_| false);
            self.later(Known::Named { name: name.to_owned(), id: id.to_owned() });
        }
    }

    /// Notes that a channel has another id.
    fn note_move(&self, from: &str, to: &str) {
        if !is_id(from) || !is_id(to) || self.present(from.to_owned()) == to {
            return;
        }
        tracing::info!(from, to, "a Slack channel has another id");
        // A channel that got a former id back has no later one.
        self.moved.retain(|former| former != to);
        self.moved.insert(from.to_owned(), to.to_owned(), |_| false);
        self.later(Known::Moved { from: from.to_owned(), to: to.to_owned() });
    }

    /// Returns the present id of a channel, as far as memory has it.
    fn present(&self, mut channel: String) -> String {
        for _ in 0..MAX_MOVES {
            match self.moved.get(&channel) {
                Some(present) => channel = present,
                None => break,
            }
        }
        channel
    }

    fn later(&self, known: Known) {
        let mut unsaved = self.unsaved();
        if unsaved.len() < CAPACITY {
            unsaved.push(known);
        }
    }

    fn unsaved(&self) -> std::sync::MutexGuard<'_, Vec<Known>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what was noted since. What could not be written is written with the next call.
    async fn save(&self) -> Result<()> {
        let Some((values, clock)) = self.values.get() else { return Ok(()) };
        loop {
            let Some(next) = self.unsaved().first().cloned() else { return Ok(()) };
            let (path, id) = match &next {
                Known::Named { name, id } => (self.path_of_name(name), id),
                Known::Moved { from, to } => (self.path_of_move(from), to),
            };
            in_time(&**clock, values.put(&path, id)).await?;
            self.unsaved().retain(|known| *known != next);
        }
    }

    /// Returns the id of a channel that Slack does not know by this name or id, if another one is known.
    async fn look_up(&self, channel: &str) -> Option<String> {
        let by_name = channel.starts_with('#');
        let found = match by_name {
            true => match self.named.get(channel) {
                Some(id) => Some(id),
                None => self.read(self.path_of_name(channel)).await,
            },
            false => Some(channel.to_owned()),
        };
        let mut id = self.present(found?);
        for _ in 0..MAX_MOVES {
            let Some(next) = self.read(self.path_of_move(&id)).await.filter(|next| *next != id) else { break };
            self.moved.insert(id, next.clone(), |_| false);
            id = self.present(next);
        }
        (id != channel).then_some(id)
    }

    async fn read(&self, path: String) -> Option<String> {
        let (values, clock) = self.values.get()?;
        match in_time(&**clock, values.fetch(&path)).await {
            Ok(value) => value?.as_str().filter(|id| is_id(id)).map(str::to_owned),
            Err(error) => {
                tracing::warn!(%error, path, "the id of a Slack channel could not be read");
                None
            }
        }
    }

    fn path_of_name(&self, name: &str) -> String {
        // A dot separates the names of a path.
        format!("{NAMESPACE}.{}.named.{}", self.workspace, name.replace('.', "/"))
    }

    fn path_of_move(&self, from: &str) -> String {
        format!("{NAMESPACE}.{}.moved.{from}", self.workspace)
    }
}

impl SlackApp {
    /// Keeps the ids of channels among the values of a runtime.
    pub(super) fn keep_channel_ids_in(&self, runtime: &Runtime) {
        self.0.channel_ids.keep_in(runtime);
    }

    /// Notes that a channel has another id. [`save_channel_ids`](Self::save_channel_ids) keeps it.
    pub(super) fn note_moved_channel(&self, from: &str, to: &str) {
        self.0.channel_ids.note_move(from, to);
    }

    /// Notes the id of a channel that was posted to by its name, and keeps it.
    pub(super) async fn note_named_channel(&self, name: &str, id: &str) {
        self.0.channel_ids.note_name(name, id);
        self.save_channel_ids_or_log().await;
    }

    /// Keeps what was noted of channels beyond a restart.
    pub(super) async fn save_channel_ids(&self) -> Result<()> {
        self.0.channel_ids.save().await
    }

    /// Keeps what was noted of channels. It is tried again with what is noted next.
    pub(super) async fn save_channel_ids_or_log(&self) {
        if let Err(error) = self.save_channel_ids().await {
            tracing::warn!(%error, "the ids of Slack channels could not be kept");
        }
    }

    /// Returns the present id of a channel, as far as memory has it.
    pub(super) fn present_channel(&self, channel: String) -> String {
        self.0.channel_ids.present(channel)
    }

    /// Returns the present reference to a message, as far as memory has it.
    pub(super) fn present_ref(&self, message: &MessageRef) -> MessageRef {
        MessageRef::new(self.present_channel(message.channel().to_owned()), message.ts())
    }

    /// Returns the id of a channel that Slack does not know by this name or id, if another one is known.
    pub(super) async fn look_up_channel(&self, channel: &str) -> Option<String> {
        self.0.channel_ids.look_up(channel).await
    }
}

/// Whether a text can be the id of a channel.
fn is_id(text: &str) -> bool {
    text.starts_with(['C', 'D', 'G']) && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

async fn in_time<T>(clock: &dyn Clock, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
    with_timeout(clock, VALUE_TIMEOUT, call).await.unwrap_or_else(|| {
        let message = format!("the values of the runtime were not available within {VALUE_TIMEOUT:?}");
        Err(Error::new(ErrorKind::Timeout, codes::STORE, message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_got_its_former_id_back_has_that() {
        let ids = ChannelIds::new("T1");
        ids.note_move("C1", "C2");
        assert_eq!(ids.present("C1".to_owned()), "C2");
        ids.note_move("C2", "C1");
        for id in ["C1", "C2"] {
            assert_eq!(ids.present(id.to_owned()), "C1");
        }
    }
}
