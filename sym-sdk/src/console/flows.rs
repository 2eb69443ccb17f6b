//! The flows of the program, for administrators.

use std::collections::BTreeMap;

use axum::extract::State;
use maud::html;

use super::authentication::SignedInAdmin;
use super::operations::FAILURES_WINDOW;
use super::page::{Page, Section};
use super::parts::{Role, ago, empty, span, tag};
use super::refusal::Refusal;
use super::state::ConsoleState;
use crate::time::TimestampExt as _;

/// The number of targets that are named.
const MAX_TARGETS: usize = 8;

pub(super) async fn page(State(state): State<ConsoleState>, _: SignedInAdmin) -> Result<Page, Refusal> {
    let (flows, now) = (state.runtime.flows(), state.now());
    let handlers: BTreeMap<_, _> =
        state.runtime.flow_handlers().map(|(flow, handlers)| (flow.name().as_str().to_owned(), handlers)).collect();
    let failures = state.runtime.handler_failures(now.minus(FAILURES_WINDOW)).await?;
    let mut listed: Vec<_> = flows.iter().collect();
    listed.sort_by_key(|flow| flow.label().to_lowercase());
    let main = html! {
        h1 { "Flows" }
        @if listed.is_empty() { section.card { (empty("There are no flows.", "Declare one in the configuration, and start the program again.")) } }
        @for flow in &listed {
            @let id = format!("flow-{}", flow.name());
            section.card aria-labelledby=(id) {
                header { h2 id=(id) { (flow.label()) } " " span.mono.src { (flow.name()) } }
                div.body {
                    dl.facts {
                        dt { "Gives" } dd { @match flow.strategy() {
                            Some(strategy) => { code { (strategy.service()) } ", " (strategy.targets().len()) @if strategy.targets().len() == 1 { " target" } @else { " targets" } }
                            None => { "an approval, no access" }
                        } }
                        @if let Some(strategy) = flow.strategy() {
                            dt { "Targets" } dd { @for (at, target) in strategy.targets().iter().take(MAX_TARGETS).enumerate() { @if at > 0 { ", " } (target.title()) } @if strategy.targets().len() > MAX_TARGETS { " and " (strategy.targets().len() - MAX_TARGETS) " more" } }
                        }
                        dt { "For" } dd { @if flow.params().durations.is_empty() { "any duration" } @for (at, duration) in flow.params().durations.iter().enumerate() { @if at > 0 { ", " } (span(*duration)) } }
                        dt { "Fields" } dd { @if flow.fields().is_empty() { "none" } @for (at, field) in flow.fields().iter().enumerate() { @if at > 0 { ", " } (field.label()) @if field.is_prefetched() { " (fetched)" } } }
                        dt { "From" } dd { @match &flow.params().allowed_sources { None => { "anywhere but agents" } Some(sources) => { @for (at, source) in sources.iter().enumerate() { @if at > 0 { ", " } (source.as_str()) } } } }
                        @if let Some(module) = flow.implementation() { dt { "Code" } dd { code { (module) } } }
                    }
                    @let called = handlers.get(flow.name().as_str()).map(Vec::as_slice).unwrap_or_default();
                    @if !called.is_empty() {
                        details {
                            summary { (called.len()) @if called.len() == 1 { " handler" } @else { " handlers" } }
                            ul.stack.tight { @for handler in called {
                                @let failure = failures.iter().find(|failure| failure.handler == *handler);
                                li {
                                    code { (handler.name()) } " " code.src { (handler.file()) ":" (handler.line()) }
                                    @if let Some(failure) = failure {
                                        " " (tag(Role::Failed, "has failed")) " "
                                        a.small href={ "/r/" (failure.last_run) } { "last " (ago(failure.last_at, now)) span.sr { ", " (handler.name()) } }
                                    }
                                }
                            } }
                        }
                    }
                    p.row.small { a href={ "/console/audit?flow=" (flow.name()) } { "What happened" } a href={ "/console/access?flow=" (flow.name()) } { "Who has access" } a href={ "/console/requests?of=all&flow=" (flow.name()) } { "Requests" } }
                }
            }
        }
    };
    Ok(Page::new("Flows", main).section(Section::Flows))
}
