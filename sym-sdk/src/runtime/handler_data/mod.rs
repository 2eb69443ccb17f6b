//! Compares the data that handlers read with the flows that use them: fields of the form, vars and the outputs of steps.
//!
//! A handler can be used by several flows. What its argument requires must exist in each of them. An optional value, or a name in the body,
//! must exist in one of them at least: a handler may read what only some of its flows have. Names in the body that one flow lacks, and
//! whatever else may be intended, are warnings or notes.
//!
//! An argument `Result<Fields<T>, _>` is left alone: its handler can do without.

mod arguments;
mod describe;
mod fields;
mod inputs;
mod literals;
mod vars;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::{self, Diagnostic, SourceLocation, UnknownSetting};
use crate::forms::FieldType;
use crate::handler::{HandlerKind, HandlerRecord, HandlerSet, Requires};
use crate::model::Flow;

/// A flow without errors of its own, with its handlers.
pub(super) struct CheckedFlow<'a> {
    pub(super) flow: &'a Arc<Flow>,
    pub(super) declared: &'a config::Flow,
    pub(super) handlers: &'a HandlerSet,
    /// The settings and vars that are unset because their values are not known.
    pub(super) unknown: &'a [UnknownSetting],
}

/// The result of the comparison.
#[derive(Default)]
pub(super) struct Findings {
    /// The errors of each flow, in the order of the flows.
    pub(super) errors: Vec<Vec<Diagnostic>>,
    /// Warnings and notes.
    pub(super) warnings: Vec<Diagnostic>,
}

/// Compares all handlers with the flows that use them. Where flows with errors were left out, these may have what the others lack.
pub(super) fn check(flows: &[CheckedFlow<'_>], all_flows_are_known: bool) -> Findings {
    let mut findings = Findings { errors: flows.iter().map(|_| Vec::new()).collect(), warnings: Vec::new() };
    let mut takers: BTreeMap<_, (&'static HandlerRecord, Vec<usize>)> = BTreeMap::new();
    for (index, flow) in flows.iter().enumerate() {
        for record in flow.handlers.iter().filter(|record| record.kind() != HandlerKind::GetFlows) {
            let key = (record.file(), record.line(), record.column(), record.module(), record.name());
            takers.entry(key).or_insert((record, Vec::new())).1.push(index);
        }
    }
    for (record, takers) in takers.into_values() {
        let of_handler: Vec<&CheckedFlow<'_>> = takers.iter().filter_map(|index| flows.get(*index)).collect();
        let handler = Handler { record, flows: &of_handler, all_flows_are_known };
        for (index, flow) in takers.iter().zip(&of_handler) {
            let mut found = Vec::new();
            for requires in record.requires() {
                match requires {
                    Requires::Fields(data) => fields::check(&handler, data, flow, &mut found),
                    Requires::Vars(data) => vars::check(&handler, data, flow, &mut found),
                    _ => {}
                }
            }
            literals::check(&handler, flow, flows, &mut found);
            let (errors, warnings): (Vec<_>, Vec<_>) = found.into_iter().partition(Diagnostic::is_error);
            if let Some(own) = findings.errors.get_mut(*index) {
                own.extend(errors);
            }
            findings.warnings.extend(warnings);
        }
    }
    findings.warnings.sort();
    findings.warnings.dedup();
    findings
}

/// Compares the `get_flows` reducer with the vars of the flows filter, and with the names of the flows.
pub(super) fn check_filter(
    record: &'static HandlerRecord,
    vars: &BTreeMap<String, String>,
    flows: &BTreeSet<&str>,
    location: &SourceLocation,
) -> Vec<Diagnostic> {
    vars::check_filter(record, vars, flows, location)
}

/// A handler and all flows that use it.
struct Handler<'a> {
    record: &'static HandlerRecord,
    flows: &'a [&'a CheckedFlow<'a>],
    all_flows_are_known: bool,
}

impl CheckedFlow<'_> {
    /// Returns the location of a field.
    fn location_of(&self, field: &str) -> &SourceLocation {
        let declared = self.declared.params.prompt_fields.iter().find(|declared| declared.name == field);
        declared.map_or(&self.declared.location, |declared| &declared.location)
    }

    /// Returns how to give the value of a var that is unset because its value is not known.
    fn unknown_var(&self, name: &str) -> Option<String> {
        let is_var = |unknown: &&UnknownSetting| unknown.name == name && unknown.location == self.declared.location;
        let unknown = self.unknown.iter().find(is_var)?;
        Some(format!("its value `{}` is not known: {}", unknown.reference, unknown.hint))
    }

    /// Returns the fields of a request, which lack the target and the duration.
    fn request_fields(&self) -> impl Iterator<Item = &crate::forms::FieldSpec> {
        self.flow.fields().iter().filter(|field| {
            ![super::request_validation::TARGET, super::request_validation::DURATION].contains(&field.name())
        })
    }

    /// Returns the names of the fields of the form, which has fields for the target and the duration even if they are not declared.
    fn form_fields(&self) -> BTreeSet<&str> {
        let mut names: BTreeSet<&str> = self.flow.fields().iter().map(crate::forms::FieldSpec::name).collect();
        if self.flow.strategy().is_some() {
            names.insert(super::request_validation::TARGET);
            if self.flow.params().schedule_deescalation {
                names.insert(super::request_validation::DURATION);
            }
        }
        names
    }
}

/// Returns the type that reads the values of a field.
fn rust_type(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::String => "String",
        FieldType::Int => "i64",
        FieldType::Bool => "bool",
        FieldType::Duration => "Duration",
        FieldType::SlackUser => "SlackUserSelection",
        FieldType::SlackUserList => "Vec<SlackUserSelection>",
        FieldType::StrList => "Vec<String>",
        FieldType::IntList => "Vec<i64>",
    }
}
