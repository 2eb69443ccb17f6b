//! The store in memory keeps what the engine relies on.

use sym_sdk::engine::MemoryStore;
use sym_sdk::testing::check_store;

#[tokio::test]
async fn the_memory_store_conforms() {
    check_store(async || MemoryStore::new()).await.unwrap();
}
