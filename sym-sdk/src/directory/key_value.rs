//! A key-value store for handlers, with dotted paths as keys.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result, codes};
use crate::future::BoxFuture;

/// The maximum length of a path, in bytes.
const MAX_PATH_BYTES: usize = 512;

/// The maximum size of a value as JSON, in bytes.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// A path in the key-value store: names separated by dots, such as `on_call.primary`. Paths are case-sensitive and have at
/// most 512 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath(String);

impl KeyPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the namespaces that contain the path, outermost first: `a` and `a.b` for `a.b.c`.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('.').map(|(dot, _)| &self.0[..dot])
    }

    /// Returns the range that contains exactly the paths in the namespace `self`.
    pub(crate) fn range_below(&self) -> Range<Self> {
        // From `a.` to `a/`: the slash is the character after the dot.
        Self(format!("{}.", self.0))..Self(format!("{}/", self.0))
    }

    /// Returns the error for a path whose parent `namespace` is a value.
    pub fn parent_conflict(&self, namespace: &str) -> Error {
        let message = format!("`{}` cannot exist: `{namespace}` is a value, not a namespace", self.0);
        Error::invalid(codes::INVALID_KEY, message)
    }

    /// Returns the error for a path that is used as a value but is a namespace.
    pub fn namespace_conflict(&self) -> Error {
        Error::invalid(codes::INVALID_KEY, format!("`{}` is a namespace, not a value", self.0))
    }

    /// Returns the error for a path that is used as a namespace but is a value.
    pub fn value_conflict(&self) -> Error {
        Error::invalid(codes::INVALID_KEY, format!("`{}` is a value, not a namespace", self.0))
    }
}

impl Borrow<str> for KeyPath {
    fn borrow(&self) -> &str {
        &self.0
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
        let invalid = |message| {
            Error::invalid(codes::INVALID_KEY, message)
                .with_hint("a path consists of names separated by dots, such as `on_call.primary`")
        };
        if text.len() > MAX_PATH_BYTES {
            return Err(invalid(format!("the path has {} bytes; at most {MAX_PATH_BYTES} are allowed", text.len())));
        }
        if text.contains(char::is_control) {
            return Err(invalid(format!("{text:?} is not a path: it contains a control character")));
        }
        if text.split('.').any(|name| name.trim().is_empty()) {
            return Err(invalid(format!("`{text}` is not a path: it contains an empty name")));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The storage interface of [`KeyValue`].
///
/// Each method is atomic, and the last of several concurrent writes wins. A path is a value or a namespace, never both: see
/// [`KeyPath::parent_conflict`] and [`KeyPath::namespace_conflict`]. A namespace exists as long as it contains a value.
pub trait KeyValueStore: Send + Sync {
    /// Returns the value at a path, if there is one.
    fn fetch<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<Option<Value>>>;

    /// Sets the value at a path.
    fn put<'a>(&'a self, path: &'a KeyPath, value: Value) -> BoxFuture<'a, Result<()>>;

    /// Deletes the value at a path. Returns whether there was one.
    fn delete<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<bool>>;

    /// Returns the paths of all values in a namespace and its sub-namespaces, or of all values if `namespace` is `None`, sorted
    /// by bytes. Fails with [`KeyPath::value_conflict`] if the namespace is a value.
    fn paths<'a>(&'a self, namespace: Option<&'a KeyPath>) -> BoxFuture<'a, Result<Vec<KeyPath>>>;
}

/// A small key-value store in which handlers keep state between calls. Clones share the same store.
///
/// Values are stored in clear: do not store secrets.
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
    /// Creates a key-value store on a storage.
    pub fn new(store: impl KeyValueStore + 'static) -> Self {
        Self(Arc::new(store))
    }

    /// Returns the value at a path such as `on_call.primary`, if there is one.
    pub async fn fetch(&self, path: &str) -> Result<Option<Value>> {
        self.0.fetch(&path.parse()?).await
    }

    /// Sets the value at a path. Fails if the value takes more than 64 KiB as JSON.
    pub async fn put(&self, path: &str, value: impl Serialize) -> Result<()> {
        let path = path.parse()?;
        self.0.put(&path, to_json(&path, &value)?).await
    }

    /// Deletes the value at a path. Returns whether there was one. A namespace disappears with its last value.
    pub async fn delete(&self, path: &str) -> Result<bool> {
        self.0.delete(&path.parse()?).await
    }

    /// Returns the paths of all values, sorted.
    pub async fn paths(&self) -> Result<Vec<KeyPath>> {
        self.0.paths(None).await
    }

    /// Returns the paths of all values in a namespace and its sub-namespaces, sorted; none if the namespace does not exist.
    pub async fn paths_in(&self, namespace: &str) -> Result<Vec<KeyPath>> {
        self.0.paths(Some(&namespace.parse()?)).await
    }
}

/// Converts a value to JSON and checks its size.
fn to_json(path: &KeyPath, value: &impl Serialize) -> Result<Value> {
    let invalid = |error| {
        Error::invalid(codes::INVALID_JSON, format!("the value for `{path}` cannot be represented as JSON"))
            .with_source(error)
    };
    let json = serde_json::to_string(value).map_err(invalid)?;
    if json.len() > MAX_VALUE_BYTES {
        let message =
            format!("the value for `{path}` takes {} bytes as JSON; at most {MAX_VALUE_BYTES} are allowed", json.len());
        return Err(Error::invalid(codes::TOO_LARGE, message));
    }
    // A value that is nested too deeply can be written, but not read back.
    serde_json::from_str(&json).map_err(invalid)
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
