//! The flows of a runtime, each with its handlers, clients and strategy, and the ways to look one up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use super::builder::BuiltClient;
use crate::config::{Diagnostic, Diagnostics};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::handler::{HandlerSet, Services};
use crate::machine::Rules;
use crate::model::{AccessTarget, Flow, Flows, Hooks, Slug, Srn, SrnVersion};
use crate::strategy::DynAccessStrategy;
use crate::suggest::nearest;
use crate::sync::lock;

/// A flow with its handlers, and what could be built for it.
pub(super) struct FlowEntry {
    pub(super) flow: Arc<Flow>,
    pub(super) handlers: HandlerSet,
    parts: Mutex<Arc<FlowParts>>,
    hooks: Hooks,
    source: FlowSource,
}

/// The clients and the strategy of a flow, as far as they could be built.
#[derive(Default)]
pub(super) struct FlowParts {
    pub(super) services: Arc<Services>,
    /// The clients that were built from the configuration, or could not be.
    pub(super) clients: Vec<BuiltClient>,
    pub(super) strategy: Option<Arc<dyn DynAccessStrategy>>,
    /// The faults because of which the flow accepts no requests.
    pub(super) faults: Vec<Diagnostic>,
}

/// The source of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FlowSource {
    /// The configuration.
    Configured,
    /// A declaration that could not be resolved: only its name is known.
    Unresolved,
    /// Runs of a flow that is no longer configured.
    Removed,
}

impl FlowEntry {
    /// Creates the entry of a declared flow. Of one that is not resolved, only the name is known.
    pub(super) fn new(flow: Arc<Flow>, handlers: HandlerSet, parts: FlowParts, is_resolved: bool) -> Self {
        let hooks = handlers.hooks().collect();
        let source = if is_resolved { FlowSource::Configured } else { FlowSource::Unresolved };
        Self { flow, handlers, parts: Mutex::new(Arc::new(parts)), hooks, source }
    }

    /// Creates the entry of a flow that Runs have and that is no longer configured. It has no handlers and grants nothing: it only
    /// serves to close these Runs, to end their access, and to tell people.
    pub(super) fn removed(srn: &Srn) -> Self {
        let flow = Flow::builder(Slug::lossy(srn.slug()), srn.organization()).build();
        let entry = Self::new(Arc::new(flow), HandlerSet::default(), FlowParts::default(), true);
        Self { source: FlowSource::Removed, ..entry }
    }

    pub(super) fn is_removed(&self) -> bool {
        self.source == FlowSource::Removed
    }

    /// Returns whether nothing but the name of the flow is known.
    pub(super) fn is_unresolved(&self) -> bool {
        self.source == FlowSource::Unresolved
    }

    /// Returns what handlers can extract. A client that could not be built is missing.
    pub(super) fn services(&self) -> Arc<Services> {
        lock(&self.parts).services.clone()
    }

    /// Returns the strategy, if the flow has one and it could be built.
    pub(super) fn strategy(&self) -> Option<Arc<dyn DynAccessStrategy>> {
        lock(&self.parts).strategy.clone()
    }

    /// Returns the clients that were built from the configuration, or could not be.
    pub(super) fn clients(&self) -> Vec<BuiltClient> {
        lock(&self.parts).clients.clone()
    }

    /// Returns the faults because of which the flow accepts no requests.
    pub(super) fn faults(&self) -> Vec<Diagnostic> {
        lock(&self.parts).faults.clone()
    }

    /// Replaces what was built.
    pub(super) fn set_parts(&self, parts: FlowParts) {
        *lock(&self.parts) = Arc::new(parts);
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { flow: &self.flow, hooks: self.hooks }
    }

    /// Returns the error for access that no strategy can list or revoke: the flow has another one than when it was granted, or none, and
    /// no other strategy of the configuration works there.
    pub(super) fn out_of_reach(&self, target: &AccessTarget) -> Error {
        let (flow, target) = (self.flow.name(), target.label());
        let former_strategy = "give the flow its former strategy back until its access has ended";
        let (message, remedy) = match self.flow.strategy() {
            None if self.is_removed() => (
                format!(
                    "flow `{flow}` is no longer configured, and no strategy works where access to `{target}` was granted"
                ),
                "declare the strategy that it had until its access has ended",
            ),
            None => (
                format!("flow `{flow}` has no strategy any more, which access to `{target}` was granted by"),
                former_strategy,
            ),
            Some(_) => (
                format!(
                    "flow `{flow}` no longer reaches what access to `{target}` was granted in: its strategy has changed since"
                ),
                former_strategy,
            ),
        };
        let error = Error::new(ErrorKind::Configuration, codes::ACCESS_STRATEGY_NOT_FOUND, message);
        error.with_hint(format!("{remedy}, or take the access away by hand"))
    }
}

impl fmt::Debug for FlowEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowEntry").field("flow", &self.flow.name()).finish_non_exhaustive()
    }
}

/// All flows by name.
#[derive(Debug, Default)]
pub(super) struct FlowEntries {
    by_name: BTreeMap<String, FlowEntry>,
    flows: Flows,
    /// The faults because of which no flow accepts requests.
    program_faults: Vec<Diagnostic>,
    /// Those of the flows filter, which may go away.
    filter_faults: Mutex<Vec<Diagnostic>>,
}

impl FlowEntries {
    pub(super) fn new(
        entries: Vec<FlowEntry>,
        program_faults: Vec<Diagnostic>,
        filter_faults: Vec<Diagnostic>,
    ) -> Self {
        let by_name: BTreeMap<_, _> = entries.into_iter().map(|entry| (entry.flow.name().to_string(), entry)).collect();
        let resolved = by_name.values().filter(|entry| !entry.is_unresolved());
        let flows = resolved.map(|entry| entry.flow.clone()).collect();
        Self { by_name, flows, program_faults, filter_faults: Mutex::new(filter_faults) }
    }

    /// Returns the faults because of which no flow accepts requests.
    pub(super) fn program_faults(&self) -> Vec<Diagnostic> {
        self.program_faults.iter().chain(&*lock(&self.filter_faults)).cloned().collect()
    }

    pub(super) fn filter_faults(&self) -> Vec<Diagnostic> {
        lock(&self.filter_faults).clone()
    }

    pub(super) fn set_filter_faults(&self, faults: Vec<Diagnostic>) {
        *lock(&self.filter_faults) = faults;
    }

    /// Checks that it can be told which flows a user may see.
    pub(super) fn check_filter(&self) -> Result<()> {
        Diagnostics::check(lock(&self.filter_faults).iter().cloned()).map_err(|faults| {
            let message = "which flows are open to you cannot be told now: the flows filter could not be started";
            Error::new(ErrorKind::Unavailable, codes::FLOW_UNAVAILABLE, message).with_source(faults)
        })
    }

    /// Returns the flow with this SRN or name, for a request to it.
    pub(super) fn accepting(&self, name: &str) -> Result<&FlowEntry> {
        let entry = self.named(name)?;
        self.check_accepts(entry)?;
        Ok(entry)
    }

    /// Checks that the flow accepts requests: that everything it needs could be built.
    pub(super) fn check_accepts(&self, entry: &FlowEntry) -> Result<()> {
        let faults = [self.program_faults(), entry.faults()].concat();
        Diagnostics::check(faults).map_err(|faults| unavailable(entry.flow.name(), faults))
    }

    /// Returns the flow with this SRN, ignoring its version: a Run continues under the flow as it is configured now.
    pub(super) fn by_srn(&self, srn: &Srn) -> Result<&FlowEntry> {
        // Slugs of SRNs are lower-case.
        self.by_name.get(srn.slug()).ok_or_else(|| self.unknown(srn.slug()))
    }

    pub(super) fn by_name(&self, name: &str) -> Result<&FlowEntry> {
        self.by_name.get(&name.to_ascii_lowercase()).ok_or_else(|| self.unknown(name))
    }

    /// Returns the flow that a caller names, by SRN or name.
    pub(super) fn named(&self, name: &str) -> Result<&FlowEntry> {
        if !name.contains(':') {
            return self.by_name(name);
        }
        let srn: Srn = name.parse()?;
        if srn.model() != "flow" {
            let message = format!("`{name}` is the SRN of a {}, not of a flow", srn.model());
            return Err(Error::new(ErrorKind::InvalidInput, codes::UNKNOWN_FLOW, message));
        }
        let entry = self.by_name(srn.slug())?;
        let ours = entry.flow.srn();
        if srn.organization() != ours.organization() {
            let message = format!("flow `{name}` is of another organization; this one is `{}`", ours.organization());
            return Err(Error::new(ErrorKind::NotFound, codes::UNKNOWN_FLOW, message));
        }
        if ![&SrnVersion::Latest, ours.version()].contains(&srn.version()) {
            let message = format!("flow `{}` has version {}, not {}", ours.slug(), ours.version(), srn.version());
            let error = Error::new(ErrorKind::NotFound, codes::UNKNOWN_FLOW, message);
            return Err(error.with_hint("name version `latest`"));
        }
        Ok(entry)
    }

    /// Returns an iterator over the flows, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &FlowEntry> {
        self.by_name.values()
    }

    /// Returns the flows as handlers and front ends see them.
    pub(super) fn flows(&self) -> &Flows {
        &self.flows
    }

    fn unknown(&self, name: &str) -> Error {
        let message = format!("there is no flow `{name}`");
        let error = Error::new(ErrorKind::NotFound, codes::UNKNOWN_FLOW, message);
        let names = self.by_name.keys().map(String::as_str);
        match nearest(name, names.clone()) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint(format!("there are: {}", names.collect::<Vec<_>>().join(", "))),
        }
    }
}

/// Returns the refusal of a request. What is wrong is not for the requester: it is the error's source.
fn unavailable(flow: &str, faults: Diagnostics) -> Error {
    let message = format!("flow `{flow}` accepts no requests now: parts of it could not be started");
    let error = Error::new(ErrorKind::Unavailable, codes::FLOW_UNAVAILABLE, message).with_source(faults);
    error.with_hint("try again later; operators find the reason in the log of the program")
}
