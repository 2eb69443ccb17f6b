//! Users and their accounts in services, and a small key-value store for handlers.

mod key_value;
mod memory;
mod users;

pub use key_value::{KeyPath, KeyValue, KeyValueStore};
pub use memory::{MemoryDirectory, MemoryKeyValue};
pub use users::{Directory, DirectoryStore};
