//! The collection of all handlers, and the selection of those that belong to a flow.

use std::collections::BTreeSet;

use super::{HandlerRecord, HandlerSet};
use crate::config::{Diagnostic, SourceLocation};
use crate::suggest;

/// A collection of handlers.
///
/// [`Registry::linked`] returns the handlers that are linked into the program, and [`handlers!`](crate::handlers) those that it
/// names. Registries can be [merged](Registry::merge).
///
/// ```
/// use sym_sdk::handler::Registry;
/// use sym_sdk::prelude::*;
///
/// #[reducer]
/// fn get_permissions() -> RequestPermission {
///     RequestPermission::admins_only()
/// }
///
/// let registry: Registry = sym_sdk::handlers![get_permissions];
/// let handlers = registry.select(None).unwrap();
/// assert_eq!(handlers.get_permissions().unwrap().name(), "get_permissions");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Sorted by source location, because the order of linking is arbitrary.
    records: Vec<&'static HandlerRecord>,
}

impl Registry {
    /// Creates an empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns every handler that is linked into the program.
    ///
    /// The linker drops crates that nothing refers to: name each handler crate in [`link!`](crate::link). On platforms that run
    /// no constructors before `main` (WebAssembly, some static libraries), the registry is empty: list the handlers with
    /// [`handlers!`](crate::handlers) instead.
    pub fn linked() -> Self {
        inventory::iter::<HandlerRecord>().collect()
    }

    /// Returns a registry with the handlers of both.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        self.records.into_iter().chain(other.records).collect()
    }

    /// Returns an iterator over the handlers, sorted by file and line.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static HandlerRecord> + '_ {
        self.records.iter().copied()
    }

    /// The number of handlers.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether the registry is empty.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Selects the handlers of a flow: those in the module `implementation` and the modules below it, or all handlers if it
    /// is `None`.
    ///
    /// Fails if the registry is empty, if the module contains no handlers, and if there are two handlers of a kind (for
    /// `#[prefetch]` and `#[on_change]`: of a field).
    pub fn select(&self, implementation: Option<&str>) -> Result<HandlerSet, Vec<Diagnostic>> {
        if self.is_empty() {
            return Err(vec![no_handlers()]);
        }
        let selected = |record: &&HandlerRecord| implementation.is_none_or(|module| is_within(record.module, module));
        let mut handlers = HandlerSet::default();
        let mut duplicates = Vec::new();
        for record in self.iter().filter(selected) {
            if let Err(earlier) = handlers.insert(record) {
                duplicates.push(duplicate(earlier, record));
            }
        }
        match implementation {
            _ if !duplicates.is_empty() => Err(duplicates),
            Some(module) if handlers.iter().next().is_none() => Err(vec![self.no_module(module)]),
            _ => Ok(handlers),
        }
    }

    fn no_module(&self, module: &str) -> Diagnostic {
        let modules: BTreeSet<_> = self.iter().map(|record| record.module).collect();
        let message = format!("module `{module}` contains no handlers");
        Diagnostic::error(SourceLocation::default(), message).with_hint(module_hint(module, &modules))
    }
}

/// The hint for a module without handlers: its path lacks the crate or is misspelled, or its crate is not linked.
fn module_hint(module: &str, modules: &BTreeSet<&'static str>) -> String {
    let ends_with_it = |path: &&&str| path.strip_suffix(module).is_some_and(|before| before.ends_with("::"));
    if let Some(whole) = modules.iter().find(ends_with_it) {
        return format!("did you mean `{whole}`? the path of a module starts with its crate");
    }
    let listed = suggest::hint(module, "modules with handlers", modules.iter().copied());
    let name = crate_of(module);
    let is_linked = modules.iter().any(|path| crate_of(path) == name);
    if is_linked || suggest::nearest(module, modules.iter().copied()).is_some() {
        return listed;
    }
    format!("{listed}; if `{name}` is a handler crate, add `sym_sdk::link!({name});` next to `main`")
}

fn crate_of(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

fn no_handlers() -> Diagnostic {
    Diagnostic::error(SourceLocation::default(), "the registry contains no handlers").with_hint(
        "the linker drops handler crates that nothing refers to: add `sym_sdk::link!(my_handlers);` next to `main` \
         (short for `use my_handlers as _;`), or list the handlers with `sym_sdk::handlers![…]`",
    )
}

fn duplicate(first: &HandlerRecord, second: &HandlerRecord) -> Diagnostic {
    let handler = match first.field() {
        Some(field) => format!("{} of field `{field}`", first.kind()),
        None => format!("{} `{}`", first.kind().macro_name(), first.kind()),
    };
    let message = format!("{handler} is defined twice: {first} and {second}");
    Diagnostic::error(second.location(), message).with_hint(
        "remove one of them, or give each flow the module of its handlers: `implementation = \"my_flows::prod\"`",
    )
}

/// Whether `module` is `parent` or one of its descendants.
fn is_within(module: &str, parent: &str) -> bool {
    module.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

impl FromIterator<&'static HandlerRecord> for Registry {
    fn from_iter<I: IntoIterator<Item = &'static HandlerRecord>>(records: I) -> Self {
        let mut records: Vec<_> = records.into_iter().collect();
        records.sort_by_key(|record| (record.file, record.line, record.column, record.module, record.name));
        records.dedup_by(|a, b| a.is_same(b));
        Self { records }
    }
}

impl Extend<&'static HandlerRecord> for Registry {
    fn extend<I: IntoIterator<Item = &'static HandlerRecord>>(&mut self, records: I) {
        *self = self.iter().chain(records).collect();
    }
}
