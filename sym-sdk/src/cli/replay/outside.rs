//! The surroundings of handlers in a replay: events as they were, and values of handlers. Nothing is written anywhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::clock::Clock;
use crate::directory::{EventQuery, EventSource, KeyPath, KeyValueStore};
use crate::engine::{Engine, EngineContext, EngineFactory, MemoryStore, SqliteStore, Store, local};
use crate::error::Result;
use crate::future::BoxFuture;
use crate::sync::lock;

/// The events of the store up to the time of the request that is replayed.
pub(super) struct EventsSoFar {
    pub(super) store: Arc<SqliteStore>,
    pub(super) clock: Arc<dyn Clock>,
}

impl EventSource for EventsSoFar {
    fn count_events<'a>(&'a self, query: &'a EventQuery) -> BoxFuture<'a, Result<u64>> {
        let now = self.clock.now();
        let query = EventQuery { until: Some(query.until.map_or(now, |until| until.min(now))), ..query.clone() };
        Box::pin(async move { Ok(self.store.count_events(&query).await?) })
    }
}

/// An engine without Runs, whose handlers count the events of the store.
pub(super) struct ReplayEngine(pub(super) Arc<EventsSoFar>);

impl EngineFactory for ReplayEngine {
    fn event_source(&self) -> Arc<dyn EventSource> {
        self.0.clone()
    }

    fn create(self: Box<Self>, context: EngineContext) -> BoxFuture<'static, Result<Arc<dyn Engine>>> {
        Box::new(local(Arc::new(MemoryStore::new()))).create(context)
    }
}

/// The values of handlers: those of the store as they are now, and over them what the handlers of one request have written.
pub(super) struct ReplayValues {
    store: Arc<SqliteStore>,
    /// `None` for values that were deleted.
    written: Mutex<BTreeMap<KeyPath, Option<Value>>>,
}

impl ReplayValues {
    pub(super) fn new(store: Arc<SqliteStore>) -> Self {
        Self { store, written: Mutex::default() }
    }

    /// Forgets what was written.
    pub(super) fn reset(&self) {
        lock(&self.written).clear();
    }

    async fn merged_paths(&self, namespace: Option<&KeyPath>) -> Result<Vec<KeyPath>> {
        let mut paths: BTreeMap<KeyPath, bool> =
            self.store.paths(namespace).await?.into_iter().map(|path| (path, true)).collect();
        let below = namespace.map(KeyPath::range_below);
        for (path, value) in &*lock(&self.written) {
            if below.as_ref().is_none_or(|below| below.contains(path)) {
                paths.insert(path.clone(), value.is_some());
            }
        }
        Ok(paths.into_iter().filter_map(|(path, exists)| exists.then_some(path)).collect())
    }
}

impl KeyValueStore for ReplayValues {
    fn fetch<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<Option<Value>>> {
        let written = lock(&self.written).get(path).cloned();
        Box::pin(async move {
            match written {
                Some(value) => Ok(value),
                None => self.store.fetch(path).await,
            }
        })
    }

    fn put<'a>(&'a self, path: &'a KeyPath, value: Value) -> BoxFuture<'a, Result<()>> {
        lock(&self.written).insert(path.clone(), Some(value));
        Box::pin(std::future::ready(Ok(())))
    }

    fn delete<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let existed = self.fetch(path).await?.is_some();
            lock(&self.written).insert(path.clone(), None);
            Ok(existed)
        })
    }

    fn paths<'a>(&'a self, namespace: Option<&'a KeyPath>) -> BoxFuture<'a, Result<Vec<KeyPath>>> {
        Box::pin(self.merged_paths(namespace))
    }
}
