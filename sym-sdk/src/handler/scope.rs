use std::collections::BTreeMap;

use super::{HandlerKind, HandlerRecord};
use crate::config::Diagnostic;

/// The handlers of one flow, at most one for each purpose. See [`Registry::scope`](super::Registry::scope).
#[derive(Clone, Debug, Default)]
pub struct Scope {
    by_kind: [Option<&'static HandlerRecord>; HandlerKind::COUNT],
    /// Sorted by field.
    prefetch: Vec<(&'static str, &'static HandlerRecord)>,
    on_change: Vec<(&'static str, &'static HandlerRecord)>,
}

impl Scope {
    pub(super) fn of(records: &[&'static HandlerRecord]) -> Result<Self, Vec<Diagnostic>> {
        let mut first = BTreeMap::new();
        let mut diagnostics = Vec::new();
        let mut scope = Self::default();
        for record in records.iter().copied() {
            let earlier = first.entry((record.kind.index(), record.field)).or_insert(record);
            if !std::ptr::eq(*earlier, record) {
                diagnostics.push(duplicate(earlier, record));
                continue;
            }
            match (record.kind, record.field) {
                (HandlerKind::Prefetch, Some(field)) => scope.prefetch.push((field, record)),
                (HandlerKind::OnChange, Some(field)) => scope.on_change.push((field, record)),
                (kind, _) => {
                    if let Some(slot) = scope.by_kind.get_mut(kind.index()) {
                        *slot = Some(record);
                    }
                }
            }
        }
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        scope.prefetch.sort_by_key(|(field, _)| *field);
        scope.on_change.sort_by_key(|(field, _)| *field);
        Ok(scope)
    }

    /// The handler of a kind. Handlers of fields are found by [`prefetch`](Self::prefetch) and
    /// [`on_change`](Self::on_change).
    pub fn get(&self, kind: HandlerKind) -> Option<&'static HandlerRecord> {
        self.by_kind.get(kind.index()).copied().flatten()
    }

    /// The handler that fetches the options of a field.
    pub fn prefetch(&self, field: &str) -> Option<&'static HandlerRecord> {
        let index = self.prefetch.binary_search_by_key(&field, |(field, _)| field).ok()?;
        self.prefetch.get(index).map(|(_, record)| *record)
    }

    /// The handler that is called when a field changes. Dashes of the field's name may be underscores in the function's.
    pub fn on_change(&self, field: &str) -> Option<&'static HandlerRecord> {
        let spelt_as_function = |name: &str| name.len() == field.len() && name == field.replace('-', "_");
        let found = |accept: &dyn Fn(&str) -> bool| self.on_change.iter().find(|(name, _)| accept(name));
        found(&|name| name == field).or_else(|| found(&spelt_as_function)).map(|(_, record)| *record)
    }

    /// All handlers, by kind and field.
    pub fn iter(&self) -> impl Iterator<Item = &'static HandlerRecord> + '_ {
        let of_fields = self.prefetch.iter().chain(&self.on_change).map(|(_, record)| *record);
        self.by_kind.iter().copied().flatten().chain(of_fields)
    }
}

fn duplicate(first: &HandlerRecord, second: &HandlerRecord) -> Diagnostic {
    let what = match first.field {
        Some(field) => format!("{} of field `{field}`", first.kind),
        None => format!("{} `{}`", first.kind.macro_name(), first.kind),
    };
    let message = format!("{what} is there twice: {first} and {second}");
    Diagnostic::error(second.location(), message).with_hint(
        "remove one of them, or give each flow the module of its handlers: `implementation = \"my_flows::prod\"`",
    )
}
