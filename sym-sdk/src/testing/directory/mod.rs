//! What every directory must do, as checks that any directory can be put through.
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

/// What [`check_directory`] checks. Clones are the same stores.
#[derive(Clone)]
#[non_exhaustive]
pub struct DirectoryStores {
    /// Where users and tokens are kept.
    pub directory: Arc<dyn DirectoryStore>,
    /// Where handlers keep values.
    pub key_value: Arc<dyn KeyValueStore>,
    /// Whose events are counted.
    pub runs: Arc<dyn Store>,
}

impl DirectoryStores {
    /// Stores of different kinds. Those that are not to be checked may be in memory.
    pub fn new(directory: Arc<dyn DirectoryStore>, key_value: Arc<dyn KeyValueStore>, runs: Arc<dyn Store>) -> Self {
        Self { directory, key_value, runs }
    }

    /// One store that is all of them.
    pub fn all_in(store: Arc<impl DirectoryStore + KeyValueStore + Store>) -> Self {
        Self::new(store.clone(), store.clone(), store)
    }

    /// New stores in memory.
    pub fn in_memory() -> Self {
        Self::new(Arc::new(MemoryDirectory::new()), Arc::new(MemoryKeyValue::new()), Arc::new(MemoryStore::new()))
    }

    /// As handlers have them, at this time.
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

/// Puts a directory, a key-value store and the event counts of a [`Store`] through all that handlers rely on.
///
/// `open` is called with a number. The first time it gives empty stores; when it is called with the same number again, the same
/// stores with all that was written. What it gave before has been dropped by then, so that a store in a file can be closed and
/// opened.
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
/// The first error of a store that is not expected.
///
/// # Panics
/// If a store does not do what it must; the message says what that is.
pub async fn check_directory(open: impl AsyncFn(usize) -> DirectoryStores) -> Result<()> {
    users::are_found_by_id_and_name(async || open(1).await).await?;
    users::are_told_apart_by_all_but_the_case_of_ascii(&open(2).await).await?;
    users::are_added_once(&open(3).await).await?;
    users::do_not_take_each_others_place(&open(4).await).await?;
    users::are_put_all_or_none(&open(5).await).await?;
    users::keep_every_change(async || open(6).await).await?;
    users::are_gone_once_deleted(async || open(7).await).await?;
    accounts::tell_who_somebody_is(async || open(8).await).await?;
    accounts::of_two_users_are_nobodys(&open(9).await).await?;
    accounts::are_replaced_and_forgotten(&open(10).await).await?;
    tokens::tell_which_bot_it_is(async || open(11).await).await?;
    tokens::expire(async || open(12).await).await?;
    tokens::are_revoked_for_good(async || open(13).await).await?;
    tokens::end_with_their_bot(async || open(14).await).await?;
    tokens::are_for_bots(&open(15).await).await?;
    values::come_back(async || open(16).await).await?;
    values::are_no_namespaces(&open(17).await).await?;
    values::are_listed_by_namespace(&open(18).await).await?;
    values::of_puts_at_once_are_whole(&open(19).await).await?;
    counts::are_of_one_requester_flow_and_target(async || open(20).await).await?;
    counts::are_within_their_time(&open(21).await).await?;
    counts::leave_out_what_came_to_nothing(&open(22).await).await?;
    counts::are_of_what_was_committed(&open(23).await).await
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_709_208_000 + second).expect("within the range of time")
}

fn person(email: &str) -> User {
    User::person(UserId::from_email(email), email).expect("an e-mail address")
}

/// The code of the error that was expected.
fn refused<T: fmt::Debug>(result: Result<T>) -> ErrorCode {
    refusal(result).code().clone()
}

fn refusal<T: fmt::Debug>(result: Result<T>) -> Error {
    result.expect_err("this must be refused")
}
