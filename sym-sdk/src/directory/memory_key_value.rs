//! A key-value store in memory, for tests and simulations.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Mutex;

use serde_json::Value;

use super::{KeyPath, KeyValueStore};
use crate::error::Result;
use crate::future::BoxFuture;
use crate::sync::lock;

/// A [`KeyValueStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryKeyValue {
    values: Mutex<Values>,
}

type Values = BTreeMap<KeyPath, Value>;

impl MemoryKeyValue {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `then` on the values if the path does not conflict with them.
    fn at<'a, T: Send + 'a>(&self, path: &KeyPath, then: impl FnOnce(&mut Values) -> T) -> BoxFuture<'a, Result<T>> {
        let mut values = lock(&self.values);
        let done = check(&values, path).map(|()| then(&mut values));
        Box::pin(ready(done))
    }
}

impl KeyValueStore for MemoryKeyValue {
    fn fetch<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<Option<Value>>> {
        self.at(path, |values| values.get(path).cloned())
    }

    fn put<'a>(&'a self, path: &'a KeyPath, value: Value) -> BoxFuture<'a, Result<()>> {
        self.at(path, |values| {
            values.insert(path.clone(), value);
        })
    }

    fn delete<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<bool>> {
        self.at(path, |values| values.remove(path).is_some())
    }

    fn paths<'a>(&'a self, namespace: Option<&'a KeyPath>) -> BoxFuture<'a, Result<Vec<KeyPath>>> {
        let values = lock(&self.values);
        let paths = match namespace {
            None => Ok(values.keys().cloned().collect()),
            Some(namespace) => {
                check_namespace(&values, namespace).map(|()| below(&values, namespace).cloned().collect())
            }
        };
        Box::pin(ready(paths))
    }
}

fn check(values: &Values, path: &KeyPath) -> Result<()> {
    check_parents(values, path)?;
    if below(values, path).next().is_some() {
        return Err(path.namespace_conflict());
    }
    Ok(())
}

fn check_namespace(values: &Values, namespace: &KeyPath) -> Result<()> {
    check_parents(values, namespace)?;
    if values.contains_key(namespace) { Err(namespace.value_conflict()) } else { Ok(()) }
}

/// Checks that no parent of the path is a value.
fn check_parents(values: &Values, path: &KeyPath) -> Result<()> {
    match path.namespaces().find(|namespace| values.contains_key(*namespace)) {
        Some(value) => Err(path.parent_conflict(value)),
        None => Ok(()),
    }
}

/// Returns the paths in a namespace.
fn below<'a>(values: &'a Values, namespace: &KeyPath) -> impl Iterator<Item = &'a KeyPath> {
    values.range(namespace.range_below()).map(|(path, _)| path)
}
