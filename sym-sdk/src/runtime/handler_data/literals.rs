//! Names in the bodies of handlers against the flows that use them.

use std::collections::{BTreeMap, BTreeSet};

use super::describe::at;
use super::{CheckedFlow, Handler, fields};
use crate::config::{Diagnostic, SourceLocation};
use crate::forms::FieldSpec;
use crate::handler::HandlerRecord;
use crate::handler::literal::{Literal, LiteralKind};
use crate::model::Strategy;
use crate::suggest;

/// Checks the names in the body of a handler. `all` are the flows of the program.
pub(super) fn check(
    handler: &Handler<'_>,
    flow: &CheckedFlow<'_>,
    all: &[CheckedFlow<'_>],
    found: &mut Vec<Diagnostic>,
) {
    for literal in handler.record.literals() {
        let names = names(literal.kind, flow, all);
        if is_among(literal, &names) {
            found.extend(wrong_type(handler.record, literal, flow));
            continue;
        }
        let elsewhere = handler.flows.iter().find(|other| names_contain(literal, other, all));
        let owner = match literal.kind {
            // All flows have the same flows.
            LiteralKind::Flow => "the configuration".to_owned(),
            _ => format!("flow `{}`{}", flow.flow.name(), at(&flow.declared.location)),
        };
        let message = format!(
            "{} reads {} `{}`, which {owner} does not have",
            handler.record.subject(),
            noun(literal.kind),
            literal.name
        );
        let near = suggest::nearest(literal.name, names.iter().copied());
        let location = location(handler.record, literal);
        let is_field = matches!(literal.kind, LiteralKind::Field | LiteralKind::TypedField(_));
        let diagnostic = match elsewhere {
            None if !handler.all_flows_are_known => Diagnostic::warning(location, message),
            None if literal.is_strict || is_field => Diagnostic::error(location, message),
            None => Diagnostic::note(location, message),
            Some(other) if literal.is_strict => {
                Diagnostic::warning(location, format!("{message}, although flow `{}` has it", other.flow.name()))
            }
            Some(_) if near.is_some() => Diagnostic::note(location, message),
            Some(_) => continue,
        };
        let advice = match literal.kind {
            LiteralKind::Var => flow.unknown_var(literal.name),
            _ if is_field => fields::advice(literal.name),
            _ => None,
        };
        let known = || suggest::hint(literal.name, &format!("{}s there", noun(literal.kind)), names.iter().copied());
        found.push(diagnostic.with_hint(advice.unwrap_or_else(known)));
    }
}

/// Returns whether the name exists. Names of targets and flows are looked up without regard to case.
fn is_among(literal: &Literal, names: &BTreeSet<&str>) -> bool {
    match literal.kind {
        LiteralKind::Target | LiteralKind::Flow => names.iter().any(|name| name.eq_ignore_ascii_case(literal.name)),
        _ => names.contains(literal.name),
    }
}

fn names_contain(literal: &Literal, flow: &CheckedFlow<'_>, all: &[CheckedFlow<'_>]) -> bool {
    is_among(literal, &names(literal.kind, flow, all))
}

/// Returns the names that exist.
fn names<'a>(kind: LiteralKind, flow: &'a CheckedFlow<'_>, all: &'a [CheckedFlow<'_>]) -> BTreeSet<&'a str> {
    let targets = || flow.flow.strategy().map(Strategy::targets).unwrap_or_default().iter();
    match kind {
        LiteralKind::Field | LiteralKind::TypedField(_) => flow.request_fields().map(FieldSpec::name).collect(),
        LiteralKind::FormField => flow.form_fields(),
        LiteralKind::DeclaredField => flow.flow.fields().iter().map(FieldSpec::name).collect(),
        LiteralKind::Var => flow.flow.vars().keys().map(String::as_str).collect(),
        LiteralKind::TargetSetting => {
            let settings = targets().flat_map(|target| target.settings().keys().chain(target.field_bindings()));
            settings.map(String::as_str).collect()
        }
        LiteralKind::StrategySetting => flow
            .flow
            .strategy()
            .into_iter()
            .flat_map(|strategy| strategy.settings().keys())
            .map(String::as_str)
            .collect(),
        LiteralKind::Integration => flow.flow.environment().integrations().keys().map(String::as_str).collect(),
        LiteralKind::Target => targets().map(|target| &**target.name()).collect(),
        LiteralKind::Flow => all.iter().map(|flow| &**flow.flow.name()).collect(),
    }
}

fn noun(kind: LiteralKind) -> &'static str {
    match kind {
        LiteralKind::Field | LiteralKind::TypedField(_) | LiteralKind::FormField | LiteralKind::DeclaredField => {
            "field"
        }
        LiteralKind::Var => "var",
        LiteralKind::TargetSetting => "target setting",
        LiteralKind::StrategySetting => "strategy setting",
        LiteralKind::Integration => "integration",
        LiteralKind::Target => "target",
        LiteralKind::Flow => "flow",
    }
}

/// Finds a field that is read as a value of another type.
fn wrong_type(record: &'static HandlerRecord, literal: &Literal, flow: &CheckedFlow<'_>) -> Option<Diagnostic> {
    let LiteralKind::TypedField(expected) = literal.kind else { return None };
    let declared = flow.flow.field(literal.name)?.field_type();
    if declared == expected {
        return None;
    }
    let message = format!(
        "{} reads field `{}` of flow `{}`{} as `{expected}`, but it is declared as `{declared}`",
        record.subject(),
        literal.name,
        flow.flow.name(),
        at(flow.location_of(literal.name))
    );
    let location = location(record, literal);
    Some(if literal.is_strict { Diagnostic::error(location, message) } else { Diagnostic::warning(location, message) })
}

fn location(record: &'static HandlerRecord, literal: &Literal) -> SourceLocation {
    SourceLocation { line: literal.line, column: literal.column, ..record.location() }
}

/// Checks the vars that a `get_flows` reducer reads from the flows filter, and the flows that it names.
pub(super) fn check_filter(
    record: &'static HandlerRecord,
    vars: &BTreeMap<String, String>,
    flows: &BTreeSet<&str>,
    place: &SourceLocation,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for literal in record.literals() {
        let (names, owner): (BTreeSet<&str>, String) = match literal.kind {
            LiteralKind::Var => (vars.keys().map(String::as_str).collect(), format!("the flows filter{}", at(place))),
            LiteralKind::Flow => (flows.clone(), "the configuration".to_owned()),
            _ => continue,
        };
        if is_among(literal, &names) {
            continue;
        }
        let (subject, noun) = (record.subject(), noun(literal.kind));
        let message = format!("{subject} reads {noun} `{}`, which {owner} does not have", literal.name);
        let hint = suggest::hint(literal.name, &format!("{noun}s there"), names.iter().copied());
        let diagnostic = if literal.is_strict { Diagnostic::error } else { Diagnostic::note };
        found.push(diagnostic(location(record, literal), message).with_hint(hint));
    }
    found
}
