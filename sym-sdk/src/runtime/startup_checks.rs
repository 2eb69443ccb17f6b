//! Checks at startup: handlers against the flows that use them, and the flows against the access that Runs still hold.
//!
//! Runs whose expiry was lost are repaired before anything else is done. A flow that was removed from the configuration while Runs of it
//! may hold access is an error. [`Builder::build`](super::Builder::build) refuses to start with it;
//! [`Builder::build_degraded`](super::Builder::build_degraded) starts, because not starting would end no access at all.

use std::collections::{BTreeSet, HashSet};

use super::builder::FlowHandlers;
use super::flows::FlowEntries;
use crate::clock::Clock;
use crate::config::{self, Diagnostic, SourceLocation};
use crate::engine::{Engine, InputKey, StoredRun};
use crate::error::Error;
use crate::handler::{HandlerKind, HandlerRecord, Registry};
use crate::machine::{Input, InputBody, RunState};
use crate::model::{Hook, Step};

/// The number of Runs that are repaired before the store is asked for more.
const REPAIR_BATCH: usize = 500;

/// Checks one flow against its handlers.
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

/// Finds a handler for a field that the flow does not have, or that does not ask for a handler. Handlers that several flows share
/// may fit only some of them, so this applies only if the flow names its module.
fn never_called(flow: &FlowHandlers<'_>, record: &'static HandlerRecord) -> Option<Diagnostic> {
    let name = &flow.declared.name;
    let field = record.field()?;
    flow.declared.implementation.module()?;
    let kind = record.kind().macro_name();
    let subject = format!("{} is for field `{field}`", record.subject());
    if asks_for(flow, record, field) {
        return None;
    }
    let fields = &flow.declared.params.prompt_fields;
    let (message, hint) = match fields.iter().find(|declared| declared.name == field) {
        None => {
            let known = fields.iter().map(|field| field.name.as_str());
            let message = format!("{subject}, which flow `{name}` does not have");
            (message, crate::suggest::hint(field, "flow's fields", known))
        }
        Some(_) => {
            let message = format!("{subject}, which flow `{name}` does not have filled by a handler");
            (message, format!("add `{kind} = true` to the field"))
        }
    };
    Some(Diagnostic::error(record.location(), message).with_hint(hint))
}

/// Whether the flow has a field of this name that asks for a handler of this kind.
fn asks_for(flow: &FlowHandlers<'_>, record: &HandlerRecord, field: &str) -> bool {
    let mut fields = flow.declared.params.prompt_fields.iter().filter(|declared| declared.name == field);
    fields.any(|declared| match record.kind() {
        HandlerKind::Prefetch => declared.prefetch,
        _ => declared.on_change,
    })
}

/// Finds reducers that decide who sees which flow, and are not called because there is no flows filter.
pub(super) fn unfiltered(registry: &Registry, has_filter: bool) -> Vec<Diagnostic> {
    let reducers = registry.iter().filter(|record| !has_filter && record.kind() == HandlerKind::GetFlows);
    let diagnostics = reducers.map(|record| {
        let message = format!("reducer `{}` is never called: there is no flows filter", record.name());
        Diagnostic::warning(record.location(), message).with_hint("declare a `sym_flows_filter`")
    });
    diagnostics.collect()
}

/// Finds handlers that no flow uses, and prefetch or `on_change` handlers for fields that none of their flows has.
///
/// Handlers that a flow in `unresolved` may take are left out: which handlers such a flow takes is not known, because of an error that is
/// reported.
pub(super) fn unused(registry: &Registry, flows: &[FlowHandlers<'_>], unresolved: &[&config::Flow]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let may_be_taken = |record: &HandlerRecord| unresolved.iter().any(|flow| may_take(flow, record));
    let records = registry.iter().filter(|record| record.kind() != HandlerKind::GetFlows && !may_be_taken(record));
    for record in records {
        let takers: Vec<_> = flows.iter().filter(|flow| flow.uses(record)).collect();
        if takers.is_empty() {
            let message = format!("{} is in module `{}`, which no flow names", record.subject(), record.module());
            let modules: BTreeSet<_> = flows.iter().filter_map(|flow| flow.declared.implementation.module()).collect();
            if modules.is_empty() && !unresolved.is_empty() {
                // It may be what a flow meant whose module has no handlers.
                continue;
            }
            let hint = match modules.is_empty() {
                true => "declare a flow".to_owned(),
                false => format!("flows name {}", crate::suggest::quoted(modules)),
            };
            diagnostics.push(Diagnostic::warning(record.location(), message).with_hint(hint));
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
                    Diagnostic::warning(record.location(), message)
                        .with_hint(crate::suggest::hint(field, "fields", known)),
                );
            } else if of_all && !takers.iter().any(|flow| asks_for(flow, record, field)) {
                let message =
                    format!("{} is for field `{field}`, which no flow has filled by a handler", record.subject());
                let hint = format!("add `{} = true` to the field", record.kind().macro_name());
                diagnostics.push(Diagnostic::warning(record.location(), message).with_hint(hint));
            }
        }
        diagnostics.extend(access_handler_without_strategy(record, &takers));
    }
    diagnostics
}

/// Returns `true` if a flow may take a handler, by the module that it names.
fn may_take(flow: &config::Flow, record: &HandlerRecord) -> bool {
    let Some(module) = flow.implementation.module() else { return true };
    record.module().strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Finds hooks and reducers of access, such as `on_escalate`, that are used by approval-only flows alone.
fn access_handler_without_strategy(record: &'static HandlerRecord, takers: &[&FlowHandlers<'_>]) -> Option<Diagnostic> {
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
        Diagnostic::warning(record.location(), message)
            .with_hint("name a strategy in the flow's params, or remove the handler"),
    )
}

/// Finds the access that Runs may hold and that would not end: its flow is no longer configured, or its expiry is lost. A lost expiry is
/// repaired if that is possible.
///
/// # Errors
/// If the store cannot be read.
pub(super) async fn check_held_access(
    engine: &dyn Engine,
    clock: &dyn Clock,
    flows: &FlowEntries,
) -> Result<Vec<Diagnostic>, Diagnostic> {
    let health = engine.access_health(clock.now()).await.map_err(|error| unreadable(&error))?;
    let unconfigured_flows = health.holding.iter().filter(|(flow, _)| flows.by_name(flow).is_err());
    let mut faults: Vec<_> = unconfigured_flows.map(|(flow, runs)| unconfigured(flow, *runs)).collect();
    if health.missing_expiry > 0 {
        let unrepaired = restore_expiries(engine, clock).await.map_err(|error| unreadable(&error))?;
        faults.extend(unrepaired.iter().map(|run| without_expiry(&run.state)));
    }
    Ok(faults)
}

/// Makes each Run whose expiry is missing request it again. Returns the Runs that cannot.
async fn restore_expiries(engine: &dyn Engine, clock: &dyn Clock) -> Result<Vec<StoredRun>, Error> {
    let mut repaired = HashSet::new();
    loop {
        let runs = engine.runs_missing_expiry(REPAIR_BATCH).await?;
        if runs.is_empty() || runs.iter().any(|run| repaired.contains(&run.state.run.id())) {
            return Ok(runs.into_iter().filter(|run| repaired.contains(&run.state.run.id())).collect());
        }
        for run in runs {
            let id = run.state.run.id();
            let flow = run.state.flow.slug();
            tracing::error!(run = %id, flow, "the store has lost the expiry of an access; it is requested again");
            let key = InputKey::new(format!("rearm:{id}:{}", run.version));
            let input = Input::new(id, run.state.flow.clone(), clock.now(), InputBody::Rearm);
            if let Err(error) = engine.submit(key, input).await {
                tracing::error!(%error, run = %id, "could not restore the expiry of an access");
            }
            repaired.insert(id);
        }
    }
}

/// Returns the error for a store that cannot be read.
pub(super) fn unreadable(error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic::error(SourceLocation::default(), format!("could not read the Runs: {error}"))
}

/// Returns the error for a flow that is no longer configured, of which this many Runs may hold access.
pub(super) fn unconfigured(flow: &str, runs: u64) -> Diagnostic {
    let runs = if runs == 1 { "1 Run".to_owned() } else { format!("{runs} Runs") };
    let message = format!("flow `{flow}` is no longer declared, but {runs} of it may still hold access");
    let hint = "declare the flow until the access has ended; `serve` without `--strict` starts all the same, and revokes it at its end";
    Diagnostic::error(SourceLocation::default(), message).with_hint(hint)
}

/// Returns the error for access whose expiry is lost.
pub(super) fn without_expiry(run: &RunState) -> Diagnostic {
    let message =
        format!("nothing would end the access that Run {} may give, and that cannot be repaired", run.run.id());
    Diagnostic::error(SourceLocation::default(), message)
        .with_hint("go back to a backup of the store, or take the access away by hand")
}
