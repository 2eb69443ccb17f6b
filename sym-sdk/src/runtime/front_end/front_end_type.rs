//! Types of front ends: how a front end is built from the configuration, how it is described to its service, and how its service
//! is faked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

use super::{DynFrontEnd, FakeConfig, FakeService, FrontEnd};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::integration::IntegrationConfig;
use crate::model::{Flow, Integration};
use crate::runtime::HandlerUsage;

/// The configuration that a front end is built from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FrontEndConfig<'a> {
    /// The integrations of the front end's type in the flows' environments, sorted by name, with their secrets. Possibly none.
    pub integrations: &'a [IntegrationConfig<'a>],
    /// The user directory.
    pub directory: &'a Directory,
    /// The runtime's clock.
    pub clock: &'a Arc<dyn Clock>,
}

impl<'a> FrontEndConfig<'a> {
    /// Creates a configuration, for tests of a front end.
    pub const fn new(
        integrations: &'a [IntegrationConfig<'a>],
        directory: &'a Directory,
        clock: &'a Arc<dyn Clock>,
    ) -> Self {
        Self { integrations, directory, clock }
    }
}

/// The properties that an app manifest is generated from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ManifestConfig<'a> {
    /// The app's name.
    pub name: &'a str,
    /// The public URL of the front end's routes, such as `https://sym.example.com/slack`. `None` if the service cannot reach
    /// them and the front end opens its own connections instead.
    pub address: Option<&'a str>,
    /// The flows.
    pub flows: &'a [Arc<Flow>],
    /// The handlers, and the flows that use each.
    pub handlers: &'a [HandlerUsage],
}

impl<'a> ManifestConfig<'a> {
    /// Creates properties without an address, for tests of a manifest.
    pub const fn new(name: &'a str, flows: &'a [Arc<Flow>], handlers: &'a [HandlerUsage]) -> Self {
        Self { name, address: None, flows, handlers }
    }
}

type Build = dyn Fn(&FrontEndConfig<'_>) -> Result<Option<Arc<dyn DynFrontEnd>>> + Send + Sync;
type Manifest = dyn Fn(&ManifestConfig<'_>) -> Result<serde_json::Value> + Send + Sync;
type Fake = dyn Fn(FakeConfig) -> BoxFuture<'static, Result<FakeService>> + Send + Sync;

/// Builds front ends of one type from the configuration.
///
/// ```
/// use sym_sdk::runtime::{FrontEnd, FrontEndType};
///
/// struct Pager {
///     account: String,
/// }
///
/// impl FrontEnd for Pager {
///     fn name(&self) -> &str {
///         "pager"
///     }
/// }
///
/// // Without an integration of type `pager`, there is no front end.
/// let pager = FrontEndType::new("pager", |config| {
///     Ok(config.integrations.first().map(|pager| Pager { account: pager.external_id().to_owned() }))
/// });
/// assert_eq!(pager.kind(), "pager");
/// ```
#[derive(Clone)]
pub struct FrontEndType {
    kind: String,
    build: Arc<Build>,
    manifest: Option<Arc<Manifest>>,
    fake: Option<Arc<Fake>>,
}

impl FrontEndType {
    /// Creates a type of front ends; `kind` is the `type` of the integrations that they are built from.
    ///
    /// `build` is called once, when the runtime is built, and must not call the service. It returns `None` if the
    /// configuration does not ask for this front end.
    pub fn new<F, B>(kind: impl Into<String>, build: B) -> Self
    where
        F: FrontEnd,
        B: Fn(&FrontEndConfig<'_>) -> Result<Option<F>> + Send + Sync + 'static,
    {
        let build = move |config: &FrontEndConfig<'_>| {
            Ok(build(config)?.map(|front_end| Arc::new(front_end) as Arc<dyn DynFrontEnd>))
        };
        Self { kind: kind.into(), build: Arc::new(build), manifest: None, fake: None }
    }

    /// Generates the manifest of the app that the front end needs in its service. For the type `pager`, the command
    /// `pager manifest` prints its JSON.
    #[must_use]
    pub fn with_manifest<F>(mut self, manifest: F) -> Self
    where
        F: Fn(&ManifestConfig<'_>) -> Result<serde_json::Value> + Send + Sync + 'static,
    {
        self.manifest = Some(Arc::new(manifest));
        self
    }

    /// Starts a fake of the service. For the type `pager`, `serve --fake-pager` starts it beside the program, whose clients,
    /// strategies and destinations are then simulated. Services that handlers reach by other means stay real.
    #[must_use]
    pub fn with_fake<F, Fut>(mut self, fake: F) -> Self
    where
        F: Fn(FakeConfig) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<FakeService>> + Send + 'static,
    {
        self.fake = Some(Arc::new(move |config| Box::pin(fake(config))));
        self
    }

    /// Returns the `type` of the integrations.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub(crate) fn build(&self, config: &FrontEndConfig<'_>) -> Result<Option<Arc<dyn DynFrontEnd>>> {
        (self.build)(config)
    }

    /// Returns the integrations of this type in a flow's environment.
    pub(crate) fn integrations_of<'f>(&self, flow: &'f Flow) -> impl Iterator<Item = &'f Integration> {
        flow.environment().integrations().values().filter(|integration| integration.kind() == self.kind)
    }

    #[cfg(feature = "cli")]
    pub(crate) fn has_manifest(&self) -> bool {
        self.manifest.is_some()
    }

    #[cfg(feature = "cli")]
    pub(crate) fn manifest(&self, config: &ManifestConfig<'_>) -> Option<Result<serde_json::Value>> {
        self.manifest.as_ref().map(|manifest| manifest(config))
    }

    #[cfg(all(feature = "cli", feature = "sqlite"))]
    pub(crate) fn has_fake(&self) -> bool {
        self.fake.is_some()
    }

    #[cfg(all(feature = "cli", feature = "sqlite"))]
    pub(crate) fn fake(&self, config: FakeConfig) -> Option<BoxFuture<'static, Result<FakeService>>> {
        self.fake.as_ref().map(|fake| fake(config))
    }
}

impl fmt::Debug for FrontEndType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrontEndType").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// An integration and its secrets, while front ends are built.
#[derive(Debug)]
pub(in crate::runtime) struct IntegrationSecrets<'a> {
    pub(in crate::runtime) integration: &'a Integration,
    pub(in crate::runtime) secrets: BTreeMap<String, SecretString>,
}
