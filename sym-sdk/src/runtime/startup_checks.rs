//! Checks at startup: handlers against the flows that use them, and the flows against the access that Runs still hold.
//!
//! A runtime that cannot end all access must not start. So a flow cannot be removed from the configuration while Runs of it may
//! hold access, and Runs whose expiry was lost are repaired before anything else is done.

use std::collections::{BTreeSet, HashSet};

use super::builder::FlowHandlers;
use super::flows::FlowEntries;
use crate::clock::Clock;
use crate::config::{Diagnostic, SourceLocation};
use crate::engine::{Drive, Engine, InputKey, StoredRun};
use crate::error::Result;
use crate::handler::{HandlerKind, HandlerRecord, Registry};
use crate::machine::{Input, InputBody};
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

/// Clamps due times that were written while the clock was ahead.
pub(super) async fn clamp_due_times(drive: &dyn Drive) -> Vec<Diagnostic> {
    match drive.clamp_future_due_times().await {
        Ok(_) => Vec::new(),
        Err(error) => vec![Diagnostic::error(SourceLocation::default(), format!("could not read the Runs: {error}"))],
    }
}

/// Finds handlers that no flow uses, and prefetch or `on_change` handlers for fields that none of their flows has.
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
        let takers: Vec<_> = flows.iter().filter(|flow| flow.uses(record)).collect();
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
        diagnostics.extend(access_handler_without_strategy(record, &takers));
    }
    diagnostics
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
        Diagnostic::error(record.location(), message)
            .with_hint("name a strategy in the flow's params, or remove the handler"),
    )
}

/// Checks that all access which Runs may hold will end: that its flow is still configured, and that nothing has lost its expiry.
/// A lost expiry is repaired if that is possible.
pub(super) async fn check_held_access(engine: &dyn Engine, clock: &dyn Clock, flows: &FlowEntries) -> Vec<Diagnostic> {
    let health = match engine.access_health(clock.now()).await {
        Ok(health) => health,
        Err(error) => return vec![unreadable(&error)],
    };
    let unconfigured_flows: Vec<_> = health.holding.iter().filter(|(flow, _)| flows.by_name(flow).is_err()).collect();
    if !unconfigured_flows.is_empty() {
        return unconfigured_flows.into_iter().map(|(flow, runs)| unconfigured(flow, *runs)).collect();
    }
    if health.missing_expiry == 0 {
        return Vec::new();
    }
    restore_expiries(engine, clock).await.unwrap_or_else(|error| vec![unreadable(&error)])
}

/// Makes each Run whose expiry is missing request it again.
async fn restore_expiries(engine: &dyn Engine, clock: &dyn Clock) -> Result<Vec<Diagnostic>> {
    let mut repaired = HashSet::new();
    loop {
        let runs = engine.runs_missing_expiry(REPAIR_BATCH).await?;
        let unrepaired: Vec<_> = runs.iter().filter(|run| repaired.contains(&run.state.run.id())).collect();
        if !unrepaired.is_empty() {
            return Ok(unrepaired.into_iter().map(without_expiry).collect());
        }
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        for run in runs {
            let id = run.state.run.id();
            let flow = run.state.flow.slug();
            tracing::error!(run = %id, flow, "the store has lost the expiry of an access; it is requested again");
            let key = InputKey::new(format!("rearm:{id}:{}", run.version));
            let input = Input::new(id, run.state.flow.clone(), clock.now(), InputBody::Rearm);
            engine.submit(key, input).await?;
            repaired.insert(id);
        }
    }
}

fn unreadable(error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic::error(SourceLocation::default(), format!("could not read the Runs: {error}"))
}

fn unconfigured(flow: &str, runs: u64) -> Diagnostic {
    let runs = if runs == 1 { "1 Run".to_owned() } else { format!("{runs} Runs") };
    let message = format!("flow `{flow}` is no longer declared, but {runs} of it may still hold access");
    Diagnostic::error(SourceLocation::default(), message).with_hint("declare the flow until the access has ended")
}

fn without_expiry(run: &StoredRun) -> Diagnostic {
    let message =
        format!("nothing would end the access that Run {} may give, and that cannot be repaired", run.state.run.id());
    Diagnostic::error(SourceLocation::default(), message)
        .with_hint("go back to a backup of the store, or take the access away by hand")
}
