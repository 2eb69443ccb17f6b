use std::borrow::Borrow;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result, codes};
use crate::future::BoxFuture;

/// For a path, in bytes.
const PATH_MAX: usize = 512;

/// For a value as JSON, in bytes.
const VALUE_MAX: usize = 64 * 1024;

/// A path in the key-value store: names with dots between, such as `on_call.primary`. It takes 512 bytes at the most, and case
/// matters.
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

    /// All that lies in the namespace `self` is within this range, and nothing else.
    pub(crate) fn range_below(&self) -> Range<Self> {
        // What follows on `a.` and comes before `a/`: the slash is the next character after the dot.
        Self(format!("{}.", self.0))..Self(format!("{}/", self.0))
    }

    /// The error of a store that finds a value where `self` needs a namespace.
    pub fn parent_conflict(&self, namespace: &str) -> Error {
        let message = format!("`{}` needs `{namespace}` to be a namespace, but it is a value", self.0);
        Error::invalid(codes::INVALID_KEY, message)
    }

    /// The error of a store that finds a namespace where `self` is to be a value.
    pub fn namespace_conflict(&self) -> Error {
        Error::invalid(codes::INVALID_KEY, format!("`{}` is a namespace, not a value", self.0))
    }

    /// The error of a store that finds a value where `self` is to be a namespace.
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
                .with_hint("a path is made of names with dots between, such as `on_call.primary`")
        };
        if text.len() > PATH_MAX {
            return Err(invalid(format!("a path of {} bytes is too long: it takes at most {PATH_MAX}", text.len())));
        }
        if text.contains(char::is_control) {
            return Err(invalid(format!("{text:?} is not a path: it has a control character")));
        }
        if text.split('.').any(|name| name.trim().is_empty()) {
            return Err(invalid(format!("`{text}` is not a path: it has an empty name")));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Where values are kept. Handlers use a [`KeyValue`], which holds one.
///
/// Each method is atomic, and of writes at the same time the last one holds. A path is a value or a namespace, never both: see
/// [`KeyPath::parent_conflict`] and [`KeyPath::namespace_conflict`]. A namespace is there as long as there is a value in it.
pub trait KeyValueStore: Send + Sync {
    /// The value at a path, if there is one.
    fn fetch<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<Option<Value>>>;

    /// Sets the value at a path.
    fn put<'a>(&'a self, path: &'a KeyPath, value: Value) -> BoxFuture<'a, Result<()>>;

    /// Deletes the value at a path, and says whether there was one.
    fn delete<'a>(&'a self, path: &'a KeyPath) -> BoxFuture<'a, Result<bool>>;

    /// The paths of all values in a namespace and those within it, or of all there are, in the order of their bytes. A
    /// namespace that is a value is an error: see [`KeyPath::value_conflict`].
    fn paths<'a>(&'a self, namespace: Option<&'a KeyPath>) -> BoxFuture<'a, Result<Vec<KeyPath>>>;
}

/// A small store of values that handlers may keep between calls. Clones share it.
///
/// It is no place for secrets: values are kept as they are.
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

    /// Sets the value at a path. As JSON it takes 64 KiB at the most.
    pub async fn put(&self, path: &str, value: impl Serialize) -> Result<()> {
        let path = path.parse()?;
        self.0.put(&path, checked(&path, &value)?).await
    }

    /// Deletes the value at a path, and says whether there was one. A namespace is gone with its last value.
    pub async fn delete(&self, path: &str) -> Result<bool> {
        self.0.delete(&path.parse()?).await
    }

    /// The paths of all values, in order.
    pub async fn paths(&self) -> Result<Vec<KeyPath>> {
        self.0.paths(None).await
    }

    /// The paths of all values in a namespace and those within it, in order. There are none if there is no such namespace.
    pub async fn paths_in(&self, namespace: &str) -> Result<Vec<KeyPath>> {
        self.0.paths(Some(&namespace.parse()?)).await
    }
}

/// The value as it will be read again.
fn checked(path: &KeyPath, value: &impl Serialize) -> Result<Value> {
    let no_json = |error| {
        Error::invalid(codes::INVALID_JSON, format!("the value for `{path}` has no JSON form")).with_source(error)
    };
    let json = serde_json::to_string(value).map_err(no_json)?;
    if json.len() > VALUE_MAX {
        let message =
            format!("the value for `{path}` takes {} bytes as JSON; at most {VALUE_MAX} are kept", json.len());
        return Err(Error::invalid(codes::TOO_LARGE, message));
    }
    // What is nested too deeply can be written, but not read.
    serde_json::from_str(&json).map_err(no_json)
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
