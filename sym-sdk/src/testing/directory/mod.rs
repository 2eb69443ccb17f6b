//! Conformance tests for directories, key-value stores and event counts.
#![expect(clippy::expect_used, reason = "a check whose setup fails has failed")]

mod accounts;
mod counts;
mod sessions;
mod tokens;
mod trusts;
mod users;
mod values;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::clock::VirtualClock;
use crate::directory::{Directory, DirectoryStore, KeyValue, KeyValueStore, MemoryDirectory, MemoryKeyValue};
use crate::engine::{MemoryStore, Store};
use crate::error::{Error, ErrorCode, Result};
use crate::model::User;

/// The stores that [`check_directory`] checks. Clones share the same stores.
#[derive(Clone)]
#[non_exhaustive]
pub struct DirectoryStores {
    /// The store of users and tokens.
    pub directory: Arc<dyn DirectoryStore>,
    /// The store of handlers' values.
    pub key_value: Arc<dyn KeyValueStore>,
    /// The store whose events are counted.
    pub runs: Arc<dyn Store>,
}

impl DirectoryStores {
    /// Combines separate stores. Pass in-memory stores for those that should not be checked.
    pub fn new(directory: Arc<dyn DirectoryStore>, key_value: Arc<dyn KeyValueStore>, runs: Arc<dyn Store>) -> Self {
        Self { directory, key_value, runs }
    }

    /// Uses one store in all three roles.
    pub fn all_in(store: Arc<impl DirectoryStore + KeyValueStore + Store>) -> Self {
        Self::new(store.clone(), store.clone(), store)
    }

    /// Returns new in-memory stores.
    pub fn in_memory() -> Self {
        Self::new(Arc::new(MemoryDirectory::new()), Arc::new(MemoryKeyValue::new()), Arc::new(MemoryStore::new()))
    }

    /// Returns the interfaces that handlers use, with a clock at this time.
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

/// Checks that a directory, a key-value store and the event counts of a [`Store`] conform to their contracts.
///
/// `open` is called with a number. The first time, it must return empty stores; when called with the same number again, the same stores
/// with everything that was written. The stores it returned before have been dropped by then, so that a file can be closed and
/// reopened.
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
/// If a store does not conform; the message says to what.
pub async fn check_directory(open: impl AsyncFn(usize) -> DirectoryStores) -> Result<()> {
    users::finds_users_by_id_and_name(async || open(1).await).await?;
    users::ignores_only_ascii_case(&open(2).await).await?;
    users::inserts_a_user_once(&open(3).await).await?;
    users::rejects_conflicting_ids_and_names(&open(4).await).await?;
    users::writes_a_batch_atomically(&open(5).await).await?;
    users::merges_concurrent_changes(async || open(6).await).await?;
    users::deletes_users(async || open(7).await).await?;
    accounts::finds_users_by_account(async || open(8).await).await?;
    accounts::rejects_shared_accounts(&open(9).await).await?;
    accounts::replaces_and_deletes_accounts(&open(10).await).await?;
    tokens::authenticates_the_bot(async || open(11).await).await?;
    tokens::tokens_expire(async || open(12).await).await?;
    tokens::revocation_is_final(async || open(13).await).await?;
    tokens::deleting_a_bot_revokes_its_tokens(async || open(14).await).await?;
    tokens::issues_tokens_for_bots_only(&open(15).await).await?;
    values::returns_stored_values(async || open(16).await).await?;
    values::rejects_paths_through_values(&open(17).await).await?;
    values::lists_by_namespace(&open(18).await).await?;
    values::concurrent_puts_are_atomic(&open(19).await).await?;
    counts::filters_by_requester_flow_and_target(async || open(20).await).await?;
    counts::filters_by_time(&open(21).await).await?;
    counts::excludes_unsuccessful_events(&open(22).await).await?;
    counts::counts_only_committed_events(&open(23).await).await?;
    users::deleted_users_stay_away(async || open(24).await).await?;
    users::deleted_users_are_restored(async || open(25).await).await?;
    users::an_address_can_be_given_to_a_new_person(async || open(26).await).await?;
    users::locks_outlast_declarations(async || open(27).await).await?;
    trusts::keeps_trusts_until_they_are_deleted(async || open(28).await).await?;
    trusts::uses_a_token_once(async || open(29).await).await?;
    sessions::sessions_are_found_by_their_secret(async || open(30).await).await?;
    sessions::sessions_expire(async || open(31).await).await?;
    sessions::sessions_end_with_their_user(async || open(32).await).await?;
    sessions::a_sign_in_is_finished_once(async || open(33).await).await?;
    sessions::a_command_line_is_let_in_once(async || open(34).await).await?;
    tokens::uses_are_recorded_to_the_day(async || open(35).await).await
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_709_208_000 + second).expect("within the range of time")
}

fn person(email: &str) -> User {
    User::from_email(email).expect("an e-mail address")
}

/// Returns the code of an expected error.
fn error_code<T: fmt::Debug>(result: Result<T>) -> ErrorCode {
    expected_error(result).code().clone()
}

fn expected_error<T: fmt::Debug>(result: Result<T>) -> Error {
    result.expect_err("an error was expected")
}
