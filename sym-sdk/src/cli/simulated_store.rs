//! Stores of what is only pretended. They must not be mixed up with stores in real use, nor with each other: on a real one, access
//! would count as taken away that is still there, and a real program would take away what was never granted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::directory::{DirectoryStore, KeyValue, KeyValueStore};
use crate::engine::{RunFilter, SqliteStore, Store};
use crate::error::{Error, ErrorKind, Result, codes};

/// Where a store says so.
const KEPT_AT: &str = "sym.pretence";

/// Who pretends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StoreMode {
    /// The requests that an app brings along, whose time may run ahead.
    Demo,
    /// `serve` with stand-ins.
    #[cfg(feature = "server")]
    Serve,
}

impl StoreMode {
    /// Takes a store that is new, or goes on with one of its own.
    pub(super) async fn claim(self, store: &Arc<SqliteStore>) -> Result<()> {
        let kept = values(store);
        match kept.fetch(KEPT_AT).await? {
            Some(known) if serde_json::from_value(known.clone()).is_ok_and(|known: Self| known == self) => Ok(()),
            None if store.runs(RunFilter::default(), 1).await?.is_empty() && store.users().await?.is_empty() => {
                kept.put(KEPT_AT, &self).await
            }
            _ => {
                let path = store.path().display();
                let message = format!("`{path}` has Runs or users that this command did not put there");
                Err(Error::new(ErrorKind::Conflict, codes::STORE, message)
                    .with_hint("what it does is only pretended: give it a file of its own"))
            }
        }
    }
}

/// Refuses a store of what was only pretended, for what is real.
#[cfg(feature = "server")]
pub(super) async fn reject_simulated(store: &Arc<SqliteStore>) -> Result<()> {
    if values(store).fetch(KEPT_AT).await?.is_none() {
        return Ok(());
    }
    let message = format!("what `{}` says was granted was only pretended", store.path().display());
    Err(Error::new(ErrorKind::Conflict, codes::STORE, message)
        .with_hint("give real access a file of its own, which is made if there is none"))
}

fn values(store: &Arc<SqliteStore>) -> KeyValue {
    KeyValue::from(store.clone() as Arc<dyn KeyValueStore>)
}
