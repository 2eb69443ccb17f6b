//! The store in memory keeps what the engine relies on.

use sym_sdk::engine::MemoryStore;
use sym_sdk::testing::check_store;

sym_sdk::testing::store_conformance!(async || Box::new(MemoryStore::new()));

#[tokio::test]
async fn all_can_be_checked_at_once() {
    check_store(async || MemoryStore::new()).await.unwrap();
}
