//! The flows of a runtime, each with its handlers, clients and strategy, and the ways to look one up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result, codes};
use crate::handler::{HandlerSet, Services};
use crate::machine::Rules;
use crate::model::{AccessTarget, Flow, Flows, Hooks, Slug, Srn, SrnVersion};
use crate::strategy::DynAccessStrategy;
use crate::suggest::nearest;

/// A flow that is ready to run.
pub(super) struct FlowEntry {
    pub(super) flow: Arc<Flow>,
    pub(super) handlers: HandlerSet,
    pub(super) services: Arc<Services>,
    pub(super) strategy: Option<Arc<dyn DynAccessStrategy>>,
    hooks: Hooks,
    /// Whether the flow is no longer configured.
    is_removed: bool,
}

impl FlowEntry {
    pub(super) fn new(
        flow: Arc<Flow>,
        handlers: HandlerSet,
        services: Arc<Services>,
        strategy: Option<Arc<dyn DynAccessStrategy>>,
    ) -> Self {
        let hooks = handlers.hooks().collect();
        Self { flow, handlers, services, strategy, hooks, is_removed: false }
    }

    /// Creates the entry of a flow that Runs have and that is no longer configured. It has no handlers and grants nothing: it only
    /// serves to close these Runs, and to tell people.
    pub(super) fn removed(srn: &Srn) -> Self {
        let flow = Flow::builder(Slug::lossy(srn.slug()), srn.organization()).build();
        let services = Arc::new(Services::default());
        Self { is_removed: true, ..Self::new(Arc::new(flow), HandlerSet::default(), services, None) }
    }

    pub(super) fn is_removed(&self) -> bool {
        self.is_removed
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { flow: &self.flow, hooks: self.hooks }
    }

    /// Returns the error for access that was granted under a former strategy of the flow: the current one can neither list nor
    /// revoke it.
    pub(super) fn out_of_reach(&self, target: &AccessTarget) -> Error {
        let (flow, target) = (self.flow.name(), target.label());
        let message = format!(
            "flow `{flow}` no longer reaches what access to `{target}` was granted in: its strategy has changed since"
        );
        let error = Error::new(ErrorKind::Configuration, codes::ACCESS_STRATEGY_NOT_FOUND, message);
        error.with_hint(
            "give the flow its former strategy back until its access has ended, or take the access away by hand",
        )
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
}

impl FlowEntries {
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

impl FromIterator<FlowEntry> for FlowEntries {
    fn from_iter<I: IntoIterator<Item = FlowEntry>>(entries: I) -> Self {
        let by_name: BTreeMap<_, _> = entries.into_iter().map(|entry| (entry.flow.name().to_string(), entry)).collect();
        let flows = by_name.values().map(|entry| entry.flow.clone()).collect();
        Self { by_name, flows }
    }
}
