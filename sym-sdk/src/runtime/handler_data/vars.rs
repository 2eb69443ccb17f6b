//! The argument `Vars<T>` against the vars of a flow, or of the flows filter.

use std::collections::{BTreeMap, BTreeSet};

use super::arguments::{Data, diagnostics};
use super::{CheckedFlow, Handler, inputs, literals};
use crate::config::{Diagnostic, SourceLocation};
use crate::handler::literal::LiteralKind;
use crate::handler::probe::{mismatches, names};
use crate::handler::{DataRequirement, HandlerRecord, Requires};

/// Compares the argument with the vars of a flow.
pub(super) fn check(
    handler: &Handler<'_>,
    requirement: &DataRequirement,
    flow: &CheckedFlow<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let inputs = inputs::of_vars(flow.flow.vars());
    let mismatches = mismatches(requirement.trial(), &inputs);
    let read = read_by_others(handler.record, flow);
    let data = Data {
        noun: "var",
        owner: format!("flow `{}`", flow.flow.name()),
        location: &flow.declared.location,
        inputs,
        location_of: &|_| &flow.declared.location,
        type_of: &|_| None,
        advice: &|name| flow.unknown_var(name),
        has_default: &|_| false,
        is_read_elsewhere: &|name| read.contains(name),
        may_be_missing: &|_| true,
    };
    found.extend(diagnostics(handler, requirement, &data, mismatches));
}

/// Returns the vars that other handlers of the flow read.
fn read_by_others(own: &'static HandlerRecord, flow: &CheckedFlow<'_>) -> BTreeSet<&'static str> {
    let mut read = BTreeSet::new();
    for record in flow.handlers.iter().filter(|record| !std::ptr::eq(*record, own)) {
        for requires in record.requires() {
            if let Requires::Vars(data) | Requires::Optional(Requires::Vars(data)) = requires {
                read.extend(names(data.trial()).unwrap_or_default());
            }
        }
        read.extend(
            record.literals().iter().filter(|literal| literal.kind == LiteralKind::Var).map(|literal| literal.name),
        );
    }
    read
}

/// Compares a `get_flows` reducer with the vars of the flows filter.
pub(super) fn check_filter(
    record: &'static HandlerRecord,
    vars: &BTreeMap<String, String>,
    flows: &BTreeSet<&str>,
    location: &SourceLocation,
) -> Vec<Diagnostic> {
    let handler = Handler { record, flows: &[], all_flows_are_known: true };
    let mut found = Vec::new();
    for requires in record.requires() {
        let Requires::Vars(requirement) = requires else { continue };
        let inputs = inputs::of_vars(vars);
        let mismatches = mismatches(requirement.trial(), &inputs);
        let data = Data {
            noun: "var",
            owner: "the flows filter".to_owned(),
            location,
            inputs,
            location_of: &|_| location,
            type_of: &|_| None,
            advice: &|_| None,
            has_default: &|_| false,
            is_read_elsewhere: &|_| false,
            may_be_missing: &|_| true,
        };
        found.extend(diagnostics(&handler, requirement, &data, mismatches));
    }
    found.extend(literals::check_filter(record, vars, flows, location));
    found
}
