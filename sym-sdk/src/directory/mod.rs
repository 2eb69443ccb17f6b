//! The user directory: users, their accounts in services and their sessions, bots and their tokens, event counts, and a key-value store for
//! handlers.
//!
//! Nobody becomes somebody else here: names and ids are unique, ids are never used again, a person cannot become a bot, an account
//! that two users share identifies neither, and somebody who was deleted stays away until an administrator says otherwise. The rules
//! are in [`Directory`]; a [`DirectoryStore`] only has to keep data atomically.

#[cfg(feature = "runtime")]
mod agents;
mod deleted;
mod event_count;
mod first_contact;
mod identity;
mod key_value;
mod memory;
mod memory_key_value;
#[cfg(feature = "runtime")]
mod sessions;
mod store;
mod tokens;
#[cfg(feature = "runtime")]
mod trusts;
mod users;

pub use deleted::{DeletedBy, DeletedUser};
pub use event_count::{CountEvents, EventFilter, EventQuery, EventSource};
pub use key_value::{KeyPath, KeyValue, KeyValueStore};
pub use memory::MemoryDirectory;
pub use memory_key_value::MemoryKeyValue;
#[cfg(feature = "runtime")]
pub(crate) use sessions::MAX_PENDING_SIGN_INS;
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use sessions::{
    CommandLineAnswer, CommandLineSignIn, PendingSignIn, ReturnPath, Session, SessionKind, SignInCode, SignInSecret,
    StoredSession, WaitingCommandLine,
};
pub use store::{DirectoryConflict, DirectoryStore, Inserted, UserChange};
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use tokens::IssuedToken;
pub use tokens::{StoredToken, Token, TokenHash};
#[cfg(feature = "runtime")]
pub(crate) use trusts::{ClaimDifference, claim_text};
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use trusts::{NewTrust, WorkloadProvider, WorkloadTrust};
pub use users::Directory;
