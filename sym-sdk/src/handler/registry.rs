use std::collections::BTreeSet;

use super::{HandlerRecord, Scope};
use crate::config::{Diagnostic, SourceLocation};
use crate::suggest;

/// A set of handlers.
///
/// The handlers that are linked into the program are [`Registry::linked`]; [`handlers!`](crate::handlers) lists them by
/// name. Both can be [merged](Registry::merge).
///
/// ```
/// use sym_sdk::handler::{HandlerKind, Registry};
/// use sym_sdk::prelude::*;
///
/// #[reducer]
/// fn get_permissions() -> RequestPermission {
///     RequestPermission::admins_only()
/// }
///
/// let registry: Registry = sym_sdk::handlers![get_permissions];
/// let scope = registry.scope(None).unwrap();
/// assert_eq!(scope.get(HandlerKind::GetPermissions).unwrap().name(), "get_permissions");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Sorted by place, because the order of linking is arbitrary.
    records: Vec<&'static HandlerRecord>,
}

impl Registry {
    /// No handlers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every handler that is linked into the program.
    ///
    /// The linker leaves out a crate that nothing refers to: name each crate of handlers in
    /// [`link!`](crate::link). Where the platform runs no constructors before `main` (WebAssembly, some static
    /// libraries), the registry is empty: list the handlers with [`handlers!`](crate::handlers) instead.
    pub fn linked() -> Self {
        inventory::iter::<HandlerRecord>().collect()
    }

    /// The handlers of both, each once.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        self.records.into_iter().chain(other.records).collect()
    }

    /// The handlers, sorted by file and line.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static HandlerRecord> + '_ {
        self.records.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The handlers of a flow: those that stand in its `implementation` module or below it, or all if it names none.
    ///
    /// Diagnostics are an empty registry, a module without handlers, and two handlers for one purpose.
    pub fn scope(&self, implementation: Option<&str>) -> Result<Scope, Vec<Diagnostic>> {
        if self.is_empty() {
            return Err(vec![no_handlers()]);
        }
        let records: Vec<_> = match implementation {
            None => self.records.clone(),
            Some(module) => self.iter().filter(|record| lies_in(record.module, module)).collect(),
        };
        match implementation {
            Some(module) if records.is_empty() => Err(vec![self.no_module(module)]),
            _ => Scope::of(&records),
        }
    }

    fn no_module(&self, module: &str) -> Diagnostic {
        let modules: BTreeSet<_> = self.iter().map(|record| record.module).collect();
        let message = format!("no handler stands in module `{module}`");
        Diagnostic::error(SourceLocation::default(), message).with_hint(module_hint(module, &modules))
    }
}

/// What to do about a module without handlers: its path lacks the crate, is misspelt, or its crate is not linked.
fn module_hint(module: &str, modules: &BTreeSet<&'static str>) -> String {
    let ends_with_it = |known: &&&str| known.strip_suffix(module).is_some_and(|before| before.ends_with("::"));
    if let Some(whole) = modules.iter().find(ends_with_it) {
        return format!("did you mean `{whole}`? a module's path begins with its crate");
    }
    let listed = suggest::hint(module, "modules with handlers", modules.iter().copied());
    let name = crate_of(module);
    let is_linked = modules.iter().any(|known| crate_of(known) == name);
    if is_linked || suggest::nearest(module, modules.iter().copied()).is_some() {
        return listed;
    }
    format!("{listed}; if `{name}` is a crate of handlers, write `sym_sdk::link!({name});` beside `main`")
}

fn crate_of(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

fn no_handlers() -> Diagnostic {
    Diagnostic::error(SourceLocation::default(), "the registry has no handlers").with_hint(
        "a crate of handlers that nothing refers to is not linked: write `sym_sdk::link!(my_handlers);` beside `main`, \
         which is `use my_handlers as _;`, or list the handlers with `sym_sdk::handlers![…]`",
    )
}

/// Whether `module` is `parent` or below it.
fn lies_in(module: &str, parent: &str) -> bool {
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
