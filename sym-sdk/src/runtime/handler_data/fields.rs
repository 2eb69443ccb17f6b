//! The argument `Fields<T>` against the form of a flow.

use super::arguments::{Data, diagnostics};
use super::describe::{at, short_type_name};
use super::{CheckedFlow, Handler, inputs, rust_type};
use crate::config::Diagnostic;
use crate::handler::probe::{first_required, mismatches};
use crate::handler::{DataRequirement, HandlerKind};
use crate::model::{Hook, Step};
use crate::runtime::request_validation::{DURATION, TARGET};

/// Compares the argument with the form.
pub(super) fn check(
    handler: &Handler<'_>,
    requirement: &DataRequirement,
    flow: &CheckedFlow<'_>,
    found: &mut Vec<Diagnostic>,
) {
    if precedes_request(handler.record.kind()) {
        found.extend(before_request(handler, requirement, flow));
        return;
    }
    let inputs: Vec<_> = flow.request_fields().map(inputs::of_field).collect();
    let mismatches = mismatches(requirement.trial(), &inputs);
    let data = Data {
        noun: "field",
        owner: format!("flow `{}`", flow.flow.name()),
        location: &flow.declared.location,
        inputs,
        location_of: &|name| flow.location_of(name),
        type_of: &|name| {
            let field_type = flow.flow.field(name)?.field_type();
            Some((field_type.as_str(), rust_type(field_type)))
        },
        advice: &advice,
        has_default: &|name| flow.flow.field(name).is_some_and(|field| field.default().is_some()),
        is_read_elsewhere: &|_| false,
        may_be_missing: &|name| {
            !handler.all_flows_are_known
                || handler.flows.iter().any(|other| other.request_fields().any(|field| field.name() == name))
        },
    };
    found.extend(diagnostics(handler, requirement, &data, mismatches));
}

/// Whether handlers of this kind are called before there is a request.
fn precedes_request(kind: HandlerKind) -> bool {
    matches!(kind, HandlerKind::Prefetch | HandlerKind::Hook(Hook::On(Step::Prompt) | Hook::After(Step::Prompt)))
}

/// Finds a field that is required before the form is submitted.
fn before_request(handler: &Handler<'_>, requirement: &DataRequirement, flow: &CheckedFlow<'_>) -> Option<Diagnostic> {
    let field = first_required(requirement.trial())?;
    let (subject, type_name) = (handler.record.subject(), short_type_name(requirement.type_name()));
    let message = format!(
        "{subject} reads field `{field}` into `{type_name}`, but flow `{}`{} calls it before the form is submitted, when no field has a value",
        flow.flow.name(),
        at(&flow.declared.location)
    );
    Some(Diagnostic::error(handler.record.location(), message).with_hint("remove the argument"))
}

/// Returns where the values are that a form has, but a request has not as fields.
pub(super) fn advice(name: &str) -> Option<String> {
    match name {
        DURATION => Some("the duration of the access is not among the fields: use `event.duration()`".to_owned()),
        TARGET => Some("the target is not among the fields: use `event.target()`".to_owned()),
        _ => None,
    }
}
