//! The contract of directories, key-value stores and event counts, as checks that run on any implementation.
#![expect(clippy::expect_used, reason = "a check that cannot be set up has failed")]

mod accounts;
mod counts;
mod tokens;
mod users;
mod values;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::clock::VirtualClock;
use crate::directory::{Directory, DirectoryStore, KeyValue, KeyValueStore, MemoryDirectory, MemoryKeyValue};
use crate::engine::{MemoryStore, Store};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{User, UserId};

/// The stores that [`check_directory`] checks. Clones share them.
#[derive(Clone)]
#[non_exhaustive]
pub struct DirectoryStores {
    /// The store of users and tokens.
    pub directory: Arc<dyn DirectoryStore>,
    /// The key-value store of handlers.
    pub key_value: Arc<dyn KeyValueStore>,
    /// The store of the Runs whose events are counted.
    pub runs: Arc<dyn Store>,
}

impl DirectoryStores {
    /// Combines stores of different kinds. Those that need no check can be in memory.
    pub fn new(directory: Arc<dyn DirectoryStore>, key_value: Arc<dyn KeyValueStore>, runs: Arc<dyn Store>) -> Self {
        Self { directory, key_value, runs }
    }

    /// Uses one store for everything.
    pub fn all_in(store: Arc<impl DirectoryStore + KeyValueStore + Store>) -> Self {
        Self::new(store.clone(), store.clone(), store)
    }

    /// Creates stores in memory.
    pub fn in_memory() -> Self {
        Self::new(Arc::new(MemoryDirectory::new()), Arc::new(MemoryKeyValue::new()), Arc::new(MemoryStore::new()))
    }

    /// Returns the stores as handlers use them, at this time.
    fn at(&self, second: i64) -> (Directory, KeyValue) {
        let directory = Directory::from_store(self.directory.clone(), ["example.com"]);
        (directory.with_clock(Arc::new(VirtualClock::at(at(second)))), self.key_value.clone().into())
    }
}

impl fmt::Debug for DirectoryStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryStores").finish_non_exhaustive()
    }
}

/// Checks everything that handlers rely on a directory, a key-value store and the event counts of a [`Store`] for.
///
/// `open` is called with a number. It returns empty stores the first time, and the same stores with their contents when the number
/// is repeated. The stores that it returned before have been dropped by then, so that a file can be closed and reopened.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sym_sdk::Error> {
/// use std::cell::RefCell;
/// use std::collections::BTreeMap;
/// use sym_sdk::testing::{DirectoryStores, check_directory};
///
/// let opened = RefCell::new(BTreeMap::new());
/// check_directory(async |number| {
///     opened.borrow_mut().entry(number).or_insert_with(DirectoryStores::in_memory).clone()
/// })
/// .await
/// # }
/// ```
///
/// # Errors
/// The first unexpected error of a store.
///
/// # Panics
/// If a store violates the contract; the message says how.
pub async fn check_directory(open: impl AsyncFn(usize) -> DirectoryStores) -> Result<()> {
    users::can_be_found_by_id_and_name(async || open(1).await).await?;
    users::are_case_insensitive_in_ascii_only(&open(2).await).await?;
    users::are_inserted_once(&open(3).await).await?;
    users::do_not_replace_each_other(&open(4).await).await?;
    users::are_put_atomically(&open(5).await).await?;
    users::keep_every_change(async || open(6).await).await?;
    users::can_be_deleted(async || open(7).await).await?;
    accounts::identify_users(async || open(8).await).await?;
    accounts::shared_by_two_users_are_errors(&open(9).await).await?;
    accounts::are_replaced_and_removed(&open(10).await).await?;
    tokens::identify_bots(async || open(11).await).await?;
    tokens::expire(async || open(12).await).await?;
    tokens::are_revoked_permanently(async || open(13).await).await?;
    tokens::end_with_their_bot(async || open(14).await).await?;
    tokens::are_for_bots(&open(15).await).await?;
    values::round_trip(async || open(16).await).await?;
    values::exclude_namespaces(&open(17).await).await?;
    values::are_listed_by_namespace(&open(18).await).await?;
    values::of_concurrent_puts_are_complete(&open(19).await).await?;
    counts::are_of_one_requester_flow_and_target(async || open(20).await).await?;
    counts::respect_the_period(&open(21).await).await?;
    counts::exclude_failed_and_refused_events(&open(22).await).await?;
    counts::include_only_committed_events(&open(23).await).await
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_709_208_000 + second).expect("within the range of time")
}

fn person(email: &str) -> User {
    User::person(UserId::from_email(email), email).expect("an e-mail address")
}

/// Returns the code of an expected error.
fn refused<T: fmt::Debug>(result: Result<T>) -> ErrorCode {
    refusal(result).code().clone()
}

fn refusal<T: fmt::Debug>(result: Result<T>) -> Error {
    result.expect_err("this must be refused")
}
