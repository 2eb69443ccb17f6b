use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::BoxFuture;
use crate::error::{Error, Result, codes};

/// A path in the key-value store: names with dots between, such as `on_call.primary`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath(String);

impl KeyPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The namespaces that it lies in, outermost first: `a` and `a.b` for `a.b.c`.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('.').map(|(dot, _)| &self.0[..dot])
    }

    /// The error of a store that finds a value where `self` needs a namespace.
    pub fn blocked_by_value(&self, namespace: &str) -> Error {
        let message = format!("`{}` needs `{namespace}` to be a namespace, but it is a value", self.0);
        Error::invalid(codes::INVALID_KEY, message)
    }

    /// The error of a store that finds a namespace where `self` is to be a value.
    pub fn is_a_namespace(&self) -> Error {
        Error::invalid(codes::INVALID_KEY, format!("`{}` is a namespace, not a value", self.0))
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for KeyPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.split('.').all(|name| !name.trim().is_empty()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid(codes::INVALID_KEY, format!("`{text}` is not a path: it has an empty name"))
            .with_hint("a path is made of names with dots between, such as `on_call.primary`"))
    }
}

/// Where values are kept. Handlers use a [`KeyValue`], which holds one.
///
/// A path is a value or a namespace, never both: see [`KeyPath::blocked_by_value`] and [`KeyPath::is_a_namespace`].
pub trait KeyValueStore: Send + Sync {
    /// The value at a path, if there is one.
    fn fetch<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<Option<Value>>>;

    /// Sets the value at a path.
    fn put<'a>(&'a self, path: &'a KeyPath, value: Value) -> BoxFuture<'a, Result<()>>;
}

/// A small store of values that handlers may keep between calls. Clones share it.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// async fn after_approve(event: &Event, values: &KeyValue) -> Result<()> {
///     values.put("last_approval.by", event.user().username()).await
/// }
/// ```
#[derive(Clone)]
pub struct KeyValue(Arc<dyn KeyValueStore>);

impl KeyValue {
    /// The values in this store.
    pub fn new(store: impl KeyValueStore + 'static) -> Self {
        Self(Arc::new(store))
    }

    /// The value at a path such as `on_call.primary`, if there is one.
    pub async fn fetch(&self, path: &str) -> Result<Option<Value>> {
        self.0.fetch(&path.parse()?).await
    }

    /// Sets the value at a path.
    pub async fn put(&self, path: &str, value: impl Serialize) -> Result<()> {
        let path = path.parse()?;
        let value = serde_json::to_value(value).map_err(|error| {
            Error::invalid(codes::INVALID_JSON, format!("the value for `{path}` has no JSON form")).with_source(error)
        })?;
        self.0.put(&path, value).await
    }
}

impl From<Arc<dyn KeyValueStore>> for KeyValue {
    fn from(store: Arc<dyn KeyValueStore>) -> Self {
        Self(store)
    }
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValue").finish_non_exhaustive()
    }
}
