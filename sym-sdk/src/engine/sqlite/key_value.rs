//! The key-value store of handlers, in the file.

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;

use super::SqliteStore;
use super::queue::Priority;
use super::rows::{from_json, to_json};
use super::thread::query;
use super::writer::write;
use crate::directory::{KeyPath, KeyValueStore};
use crate::error::{Error, Result};
use crate::future::BoxFuture;

/// The result of a query, or the reason why the path does not allow it.
type Queried<T> = rusqlite::Result<Result<T>>;

impl KeyValueStore for SqliteStore {
    fn fetch<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<Option<Value>>> {
        Box::pin(async move {
            let at = path.clone();
            let json = query(&self.lookups, move |db| fetch(db, &at)).await??;
            Ok(json.map(|json| from_json(&json, format_args!("the value at `{path}`"))).transpose()?)
        })
    }

    fn put<'a>(&'a self, path: &'a KeyPath, value: Value) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (path, json) = (path.clone(), to_json(&value)?);
            write(&self.writes, Priority::Normal, move |db| put(db, &path, &json)).await?
        })
    }

    fn delete<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<bool>> {
        let path = path.clone();
        Box::pin(async move { write(&self.writes, Priority::Normal, move |db| delete(db, &path)).await? })
    }

    fn paths<'a>(&'a self, namespace: Option<&'a KeyPath>) -> BoxFuture<'a, Result<Vec<KeyPath>>> {
        let namespace = namespace.cloned();
        Box::pin(async move {
            let paths = query(&self.listings, move |db| paths(db, namespace.as_ref())).await??;
            paths.iter().map(|path| path.parse()).collect()
        })
    }
}

fn fetch(db: &Connection, path: &KeyPath) -> Queried<Option<String>> {
    // Both statements see the same snapshot.
    let snapshot = db.unchecked_transaction()?;
    if let Some(error) = conflict(&snapshot, path)? {
        return Ok(Err(error));
    }
    let mut value = snapshot.prepare_cached("SELECT value FROM key_value WHERE path = ?1")?;
    value.query_row([path.as_str()], |row| row.get(0)).optional().map(Ok)
}

fn put(db: &Connection, path: &KeyPath, json: &str) -> Queried<()> {
    if let Some(error) = conflict(db, path)? {
        return Ok(Err(error));
    }
    db.prepare_cached("INSERT OR REPLACE INTO key_value (path, value) VALUES (?1, ?2)")?
        .execute([path.as_str(), json])?;
    Ok(Ok(()))
}

fn delete(db: &Connection, path: &KeyPath) -> Queried<bool> {
    if let Some(error) = conflict(db, path)? {
        return Ok(Err(error));
    }
    let deleted = db.prepare_cached("DELETE FROM key_value WHERE path = ?1")?.execute([path.as_str()])?;
    Ok(Ok(deleted > 0))
}

fn paths(db: &Connection, namespace: Option<&KeyPath>) -> Queried<Vec<String>> {
    let snapshot = db.unchecked_transaction()?;
    let Some(namespace) = namespace else {
        let mut all = snapshot.prepare_cached("SELECT path FROM key_value ORDER BY path")?;
        return all.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<_>>().map(Ok);
    };
    let is_value = if is_value(&snapshot, namespace.as_str())? { Some(namespace.value_conflict()) } else { None };
    if let Some(error) = is_value.or(value_above(&snapshot, namespace)?) {
        return Ok(Err(error));
    }
    let range = namespace.range_below();
    let mut below =
        snapshot.prepare_cached("SELECT path FROM key_value WHERE path >= ?1 AND path < ?2 ORDER BY path")?;
    let below = below.query_map([range.start.as_str(), range.end.as_str()], |row| row.get(0))?;
    below.collect::<rusqlite::Result<_>>().map(Ok)
}

/// Returns the reason why the path cannot hold a value, given the others.
fn conflict(db: &Connection, path: &KeyPath) -> rusqlite::Result<Option<Error>> {
    if let Some(error) = value_above(db, path)? {
        return Ok(Some(error));
    }
    let range = path.range_below();
    let mut below = db.prepare_cached("SELECT 1 FROM key_value WHERE path >= ?1 AND path < ?2")?;
    let is_namespace = below.exists([range.start.as_str(), range.end.as_str()])?;
    Ok(is_namespace.then(|| path.namespace_conflict()))
}

/// Returns an error for the outermost value where the path needs a namespace.
fn value_above(db: &Connection, path: &KeyPath) -> rusqlite::Result<Option<Error>> {
    for namespace in path.namespaces() {
        if is_value(db, namespace)? {
            return Ok(Some(path.parent_conflict(namespace)));
        }
    }
    Ok(None)
}

fn is_value(db: &Connection, path: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM key_value WHERE path = ?1")?.exists([path])
}
