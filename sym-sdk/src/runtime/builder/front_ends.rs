//! Registration and building of front ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Builder;
use super::assembler::RuntimeAssembler;
use super::plan::FlowPlan;
use crate::config::{Diagnostic, SourceLocation};
use crate::delivery::DynDelivery;
use crate::integration::IntegrationConfig;
use crate::runtime::Plugin;
use crate::runtime::availability::{PartFaults, UnavailablePart};
use crate::runtime::front_end::{
    DynFrontEnd, FrontEnd, FrontEndConfig, FrontEndType, FrontEnds, IntegrationSecrets, name_violation,
};

/// The registered front ends and types of front ends.
#[derive(Clone, Default)]
pub(super) struct RegisteredFrontEnds {
    front_ends: Vec<Arc<dyn DynFrontEnd>>,
    types: Vec<FrontEndType>,
}

impl RegisteredFrontEnds {
    #[cfg(feature = "cli")]
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Builder {
    /// Adds a front end, for a server to mount. Its [delivery](FrontEnd::delivery) comes after those that were added with
    /// [`Builder::delivery`].
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn front_end(mut self, front_end: impl FrontEnd) -> Self {
        self.front_ends.front_ends.push(Arc::new(front_end));
        self
    }

    /// Leaves out the front ends with this name that were added so far, with their deliveries. Nothing happens if there is none.
    ///
    /// ```
    /// # #[cfg(feature = "api")] {
    /// use sym_sdk::api::Api;
    /// use sym_sdk::config::Config;
    /// use sym_sdk::runtime::Runtime;
    ///
    /// let builder = Runtime::builder(Config::default()).front_end(Api::new());
    /// let builder = builder.without_front_end("api");
    /// # let _ = builder;
    /// # }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn without_front_end(mut self, name: &str) -> Self {
        self.front_ends.front_ends.retain(|front_end| front_end.name() != name);
        self
    }

    /// Returns whether a front end with this name was added.
    #[cfg(all(any(feature = "api", feature = "mcp"), feature = "cli", feature = "sqlite"))]
    pub(crate) fn has_front_end(&self, name: &str) -> bool {
        self.front_ends.front_ends.iter().any(|front_end| front_end.name() == name)
    }

    /// Adds a type of front ends, which are built from the configuration. It overrides an earlier one of the same type.
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn front_end_type(mut self, front_end: FrontEndType) -> Self {
        self.front_ends.types.retain(|known| known.kind() != front_end.kind());
        self.front_ends.types.push(front_end);
        self
    }
}

impl Plugin for FrontEndType {
    fn install(self, builder: Builder) -> Builder {
        builder.front_end_type(self)
    }

    fn front_end_types(&self) -> Vec<FrontEndType> {
        vec![self.clone()]
    }
}

impl FrontEnds {
    /// Returns the deliveries of the front ends.
    pub(super) fn deliveries(&self) -> impl Iterator<Item = Arc<dyn DynDelivery>> {
        self.iter().filter_map(|front_end| front_end.clone().delivery())
    }
}

impl RuntimeAssembler<'_> {
    /// Returns the front ends, registered ones before those built from the configuration, and the faults of those that cannot be used.
    /// A simulation builds none.
    pub(super) async fn front_ends(&mut self, flows: &[FlowPlan]) -> (FrontEnds, Vec<PartFaults>) {
        let registered = &self.builder.front_ends;
        let mut built = registered.front_ends.clone();
        let mut faults = Vec::new();
        for kind in registered.types.iter().filter(|_| !self.builder.simulated) {
            built.extend(self.front_end(kind, flows).await);
            faults.extend(PartFaults::of(UnavailablePart::FrontEnd, kind.kind(), self.take_diagnostics()));
        }
        let (mut names, mut front_ends) = (BTreeSet::new(), Vec::new());
        for front_end in built {
            let name = front_end.name().to_owned();
            let fault = if let Some(rule) = name_violation(&name) {
                let message = format!("`{name}` cannot be the name of a front end: its routes are mounted below it");
                Some((message, format!("take one that {rule}")))
            } else if !names.insert(name.clone()) {
                let message = format!("two front ends have the name `{name}`");
                Some((message, "register only one of them: their routes are mounted below their name".to_owned()))
            } else {
                None
            };
            match fault {
                None => front_ends.push(front_end),
                Some((message, hint)) => {
                    let fault = Diagnostic::error(SourceLocation::default(), message).with_hint(hint);
                    faults.extend(PartFaults::of(UnavailablePart::FrontEnd, &name, vec![fault]));
                }
            }
        }
        (front_ends.into_iter().collect(), faults)
    }

    async fn front_end(&mut self, kind: &FrontEndType, flows: &[FlowPlan]) -> Option<Arc<dyn DynFrontEnd>> {
        let mut used = BTreeMap::new();
        for plan in flows {
            for integration in kind.integrations_of(&plan.flow) {
                used.entry(integration.name().to_string()).or_insert((integration, &plan.location));
            }
        }
        let mut with_secrets = Vec::new();
        let mut location = SourceLocation::default();
        for (integration, of_flow) in used.into_values() {
            location = of_flow.clone();
            with_secrets
                .push(IntegrationSecrets { integration, secrets: self.secrets_of(integration, of_flow).await? });
        }
        let integrations: Vec<_> = with_secrets
            .iter()
            .map(|with| IntegrationConfig::new(with.integration, &with.secrets).with_directory(self.directory))
            .collect();
        let built = kind.build(&FrontEndConfig::new(&integrations, self.directory, &self.builder.clock));
        self.or_report("front end", kind.kind(), built, &location).flatten()
    }
}
