//! Keeps stores of simulated access apart from real ones.
//!
//! A store does not show whether the access in it was ever granted. If a simulation ran on a real store, access would count as revoked
//! that still exists at its target; if a real program ran on a simulated store, it would revoke access that it never granted.
//! So a simulated store is marked when it is created, and each mode accepts only its own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::directory::{DirectoryStore, KeyValue, KeyValueStore};
use crate::engine::{RunFilter, SqliteStore, Store};
use crate::error::{Error, ErrorKind, Result, codes};

/// The key of the mark in the store.
const KEY: &str = "sym.simulated";

/// The command that simulates on a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StoreMode {
    /// The demo, whose clock may run ahead of real time.
    Demo,
    /// `serve` with a fake.
    #[cfg(feature = "server")]
    Serve,
}

impl StoreMode {
    /// Claims a store that is empty or was claimed by the same mode before.
    ///
    /// # Errors
    /// If the store has other contents, or cannot be read.
    pub(super) async fn claim(self, store: &Arc<SqliteStore>) -> Result<()> {
        let values = key_value(store);
        match values.fetch(KEY).await? {
            Some(mode) if serde_json::from_value(mode.clone()).is_ok_and(|mode: Self| mode == self) => Ok(()),
            None if store.runs(RunFilter::default(), 1).await?.is_empty() && store.users().await?.is_empty() => {
                values.put(KEY, &self).await
            }
            _ => {
                let message = format!("`{}` was not created by this command", store.path().display());
                Err(Error::new(ErrorKind::Conflict, codes::STORE, message)
                    .with_hint("simulated access needs a store of its own: pass another file with `--db`"))
            }
        }
    }
}

/// Reports whether a store is one of simulated access.
#[cfg(all(feature = "api", feature = "remote"))]
pub(super) async fn is_simulated(store: &Arc<SqliteStore>) -> Result<bool> {
    Ok(key_value(store).fetch(KEY).await?.is_some())
}

/// Rejects a store of simulated access, for commands that grant real access.
#[cfg(feature = "server")]
pub(super) async fn reject_simulated(store: &Arc<SqliteStore>) -> Result<()> {
    if key_value(store).fetch(KEY).await?.is_none() {
        return Ok(());
    }
    let message = format!("`{}` contains simulated access", store.path().display());
    Err(Error::new(ErrorKind::Conflict, codes::STORE, message)
        .with_hint("pass another file with `--db`; it is created if missing"))
}

fn key_value(store: &Arc<SqliteStore>) -> KeyValue {
    KeyValue::from(store.clone() as Arc<dyn KeyValueStore>)
}
