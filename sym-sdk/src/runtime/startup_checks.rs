//! Checks handlers against the flows that take them.

use std::collections::BTreeSet;

use super::builder::FlowHandlers;
use crate::config::{Diagnostic, SourceLocation};
use crate::engine::Drive;
use crate::handler::{HandlerKind, HandlerRecord, Registry};
use crate::model::{Hook, Step};

/// What is wrong between one flow and its handlers.
pub(super) fn flow(flow: &FlowHandlers<'_>) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    reducers(flow, &mut diagnostics);
    fields(flow, &mut diagnostics);
    for record in flow.handlers.iter() {
        diagnostics.extend(never_called(flow, record));
    }
    diagnostics
}

fn reducers(flow: &FlowHandlers<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let name = &flow.declared.name;
    match (flow.handlers.get_permissions(), flow.handlers.get_approvers()) {
        (None, None) => {
            let message = format!("flow `{name}` has no reducer `get_permissions`");
            let hint = "write `#[reducer] fn get_permissions(event: &Event) -> RequestPermission`";
            diagnostics.push(Diagnostic::error(flow.declared.location.clone(), message).with_hint(hint));
        }
        (Some(_), Some(approvers)) => {
            let message = format!("flow `{name}` has both `get_permissions` and `get_approvers`");
            let hint = "`get_approvers` is deprecated: move its destinations to `get_request_notifications`";
            diagnostics.push(Diagnostic::error(approvers.location(), message).with_hint(hint));
        }
        (None, Some(approvers)) => {
            if flow.handlers.get_request_notifications().is_some() {
                let message = format!(
                    "flow `{name}` has `get_request_notifications`, which `get_approvers` keeps from being called"
                );
                let hint = "replace `get_approvers` by `get_permissions`";
                diagnostics.push(Diagnostic::error(approvers.location(), message).with_hint(hint));
            }
        }
        (Some(_), None) => {}
    }
}

fn fields(flow: &FlowHandlers<'_>, diagnostics: &mut Vec<Diagnostic>) {
    for field in &flow.declared.params.prompt_fields {
        let missing = |macro_name: &str| {
            let (name, flow) = (&field.name, &flow.declared.name);
            let message = format!("field `{name}` of flow `{flow}` has `{macro_name} = true`, and no handler gives it");
            let hint = format!("write a handler with `#[{macro_name}(field = \"{name}\")]`");
            Diagnostic::error(field.location.clone(), message).with_hint(hint)
        };
        if field.prefetch && flow.handlers.prefetch(&field.name).is_none() {
            diagnostics.push(missing("prefetch"));
        }
        if field.on_change && flow.handlers.on_change(&field.name).is_none() {
            diagnostics.push(missing("on_change"));
        }
    }
}

/// A handler for a field that the flow does not have, or does not want filled. Handlers that several flows share may fit only
/// some of them, so this speaks only where the flow names its module.
fn never_called(flow: &FlowHandlers<'_>, record: &'static HandlerRecord) -> Option<Diagnostic> {
    let name = &flow.declared.name;
    let field = record.field()?;
    flow.declared.implementation.module()?;
    let kind = record.kind().macro_name();
    let subject = format!("{} is for field `{field}`", record.subject());
    let fields = &flow.declared.params.prompt_fields;
    let (message, hint) = match fields.iter().find(|declared| declared.name == field) {
        None => {
            let known = fields.iter().map(|field| field.name.as_str());
            let message = format!("{subject}, which flow `{name}` does not have");
            (message, crate::suggest::hint(field, "flow's fields", known))
        }
        Some(declared) => {
            let wanted = match record.kind() {
                HandlerKind::Prefetch => declared.prefetch,
                _ => declared.on_change,
            };
            if wanted {
                return None;
            }
            let message = format!("{subject}, which flow `{name}` does not have filled by a handler");
            (message, format!("add `{kind} = true` to the field"))
        }
    };
    Some(Diagnostic::error(record.location(), message).with_hint(hint))
}

/// Has what was written while the clock was ahead count from now.
pub(super) async fn clock(drive: &dyn Drive) -> Vec<Diagnostic> {
    match drive.clamp_future_due_times().await {
        Ok(_) => Vec::new(),
        Err(error) => vec![Diagnostic::error(SourceLocation::default(), format!("the Runs cannot be read: {error}"))],
    }
}

/// Handlers that no flow takes, and prefetch or `on_change` handlers for fields that none of their flows has.
pub(super) fn unused(registry: &Registry, flows: &[FlowHandlers<'_>], has_filter: bool) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for record in registry.iter() {
        if record.kind() == HandlerKind::GetFlows {
            if !has_filter {
                let message = format!("reducer `{}` is never called: there is no flows filter", record.name());
                diagnostics
                    .push(Diagnostic::error(record.location(), message).with_hint("declare a `sym_flows_filter`"));
            }
            continue;
        }
        let takers: Vec<_> = flows.iter().filter(|flow| flow.takes(record)).collect();
        if takers.is_empty() {
            let message = format!("{} is in module `{}`, which no flow names", record.subject(), record.module());
            let modules: BTreeSet<_> = flows.iter().filter_map(|flow| flow.declared.implementation.module()).collect();
            let hint = format!("flows name {}", crate::suggest::quoted(modules));
            diagnostics.push(Diagnostic::error(record.location(), message).with_hint(hint));
            continue;
        }
        if let Some(field) = record.field() {
            let of_all = takers.iter().all(|flow| flow.declared.implementation.module().is_none());
            let known: BTreeSet<_> = takers
                .iter()
                .flat_map(|flow| &flow.declared.params.prompt_fields)
                .map(|field| field.name.as_str())
                .collect();
            if of_all && !known.contains(field) {
                let message = format!("{} is for field `{field}`, which no flow has", record.subject());
                diagnostics.push(
                    Diagnostic::error(record.location(), message)
                        .with_hint(crate::suggest::hint(field, "fields", known)),
                );
            }
        }
        diagnostics.extend(hook_of_no_access(record, &takers));
    }
    diagnostics
}

/// `on_escalate` and its kin are never called for flows that only approve.
fn hook_of_no_access(record: &'static HandlerRecord, takers: &[&FlowHandlers<'_>]) -> Option<Diagnostic> {
    let grants = takers.iter().any(|flow| flow.declared.params.strategy.is_some());
    let of_access = matches!(
        record.kind(),
        HandlerKind::Hook(Hook::On(Step::Escalate | Step::Deescalate) | Hook::After(Step::Escalate | Step::Deescalate))
            | HandlerKind::GetIdentity
            | HandlerKind::GetIdentityLookup
    );
    if grants || !of_access {
        return None;
    }
    let message = format!("{} is never called: no flow that takes it has a strategy", record.subject());
    Some(
        Diagnostic::error(record.location(), message)
            .with_hint("name a strategy in the flow's params, or remove the handler"),
    )
}
