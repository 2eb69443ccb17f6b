//! Users and their accounts in services, bots and their tokens, counts of what happened, and a small key-value store for
//! handlers.

#[cfg(feature = "runtime")]
mod bots;
mod event_count;
mod key_value;
mod memory;
mod memory_key_value;
mod store;
mod tokens;
mod users;

#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use bots::IssuedToken;
pub use event_count::{CountEvents, EventFilter, EventQuery, EventSource};
pub use key_value::{KeyPath, KeyValue, KeyValueStore};
pub use memory::MemoryDirectory;
pub use memory_key_value::MemoryKeyValue;
pub use store::{DirectoryConflict, DirectoryStore, Inserted, UserChange};
pub use tokens::{StoredToken, Token, TokenHash};
pub use users::Directory;
