//! What a front end is, and how it is built.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{FakeConfig, FakeService};
use crate::clock::Clock;
use crate::delivery::Delivery;
use crate::directory::Directory;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::integration::IntegrationConfig;
use crate::model::{Flow, Integration};
use crate::runtime::{HandlerUse, Runtime};

/// A way by which people reach the runtime, such as a chat or an API.
///
/// What people send comes in through [`FrontEnd::router`] or [`FrontEnd::run`]; what they are told goes out through
/// [`FrontEnd::delivery`]. All but the name may be left out.
pub trait FrontEnd: Send + Sync + 'static {
    /// The name, such as `slack`: lower-case letters, digits and dashes. The routes are mounted below `/slack`.
    fn name(&self) -> &str;

    /// How people are told. The runtime takes it up when it is built.
    fn delivery(self: Arc<Self>) -> Option<Arc<dyn Delivery>> {
        None
    }

    /// The routes, relative to where they are mounted. Whoever asks is not verified yet: the handlers do that. A request is
    /// dropped when its time is over or the client is gone, so work that must go on belongs into a task.
    fn router(&self, runtime: Runtime) -> Router {
        let _ = runtime;
        Router::new()
    }

    /// Keeps connections of its own, until `stop` is cancelled. It may return before if there is nothing to keep; after an error
    /// or a panic it is run again a little later.
    fn run<'a>(&'a self, runtime: Runtime, stop: CancellationToken) -> BoxFuture<'a, Result<()>> {
        let _ = (runtime, stop);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Says whether it can do its work now: that the token is good, the service answers. Asked every few seconds at most.
    fn check<'a>(&'a self) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What a front end is built from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FrontEndConfig<'a> {
    /// The integrations of its type in the flows' environments, by name, with their secrets. There may be none.
    pub integrations: &'a [IntegrationConfig<'a>],
    /// The users' directory.
    pub directory: &'a Directory,
    /// The runtime's clock.
    pub clock: &'a Arc<dyn Clock>,
}

impl<'a> FrontEndConfig<'a> {
    /// What a front end is built from, for tests of one.
    pub const fn new(
        integrations: &'a [IntegrationConfig<'a>],
        directory: &'a Directory,
        clock: &'a Arc<dyn Clock>,
    ) -> Self {
        Self { integrations, directory, clock }
    }
}

/// What an app is described to its service by.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ManifestConfig<'a> {
    /// What the app is to be called.
    pub name: &'a str,
    /// Where the service reaches the front end's routes, such as `https://sym.example.com/slack`. `None` if it cannot, and the front
    /// end keeps connections of its own.
    pub address: Option<&'a str>,
    /// The flows.
    pub flows: &'a [Arc<Flow>],
    /// The handlers, and which flows take each.
    pub handlers: &'a [HandlerUse],
}

impl<'a> ManifestConfig<'a> {
    /// What an app of this name is described by, for tests of a manifest.
    pub const fn new(name: &'a str, flows: &'a [Arc<Flow>], handlers: &'a [HandlerUse]) -> Self {
        Self { name, address: None, flows, handlers }
    }
}

type Build = dyn Fn(&FrontEndConfig<'_>) -> Result<Option<Arc<dyn FrontEnd>>> + Send + Sync;
type Manifest = dyn Fn(&ManifestConfig<'_>) -> Result<serde_json::Value> + Send + Sync;
type Fake = dyn Fn(FakeConfig) -> BoxFuture<'static, Result<FakeService>> + Send + Sync;

/// Builds a front end from the configuration.
///
/// ```
/// use std::sync::Arc;
/// use sym_sdk::server::{FrontEnd, FrontEndType};
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
/// // Without an integration of type `pager` there is none.
/// let pager = FrontEndType::new("pager", |config| {
///     let pager = config.integrations.first().map(|pager| Pager { account: pager.external_id().to_owned() });
///     Ok(pager.map(|pager| Arc::new(pager) as Arc<dyn FrontEnd>))
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
    /// A type of front ends: `kind` is the `type` of the integrations it is built from. It is built once with the runtime, and
    /// must not call the service yet. `None` leaves it out, where nothing says that it is wanted.
    pub fn new<F>(kind: impl Into<String>, build: F) -> Self
    where
        F: Fn(&FrontEndConfig<'_>) -> Result<Option<Arc<dyn FrontEnd>>> + Send + Sync + 'static,
    {
        Self { kind: kind.into(), build: Arc::new(build), manifest: None, fake: None }
    }

    /// How the service is told of the app that the front end needs there: the command `pager manifest`, for the type `pager`, prints
    /// the JSON that this makes.
    #[must_use]
    pub fn with_manifest<F>(mut self, manifest: F) -> Self
    where
        F: Fn(&ManifestConfig<'_>) -> Result<serde_json::Value> + Send + Sync + 'static,
    {
        self.manifest = Some(Arc::new(manifest));
        self
    }

    /// A stand-in for the service: `serve --fake-pager`, for the type `pager`, starts it beside the program, whose
    /// clients, strategies and destinations then only pretend. What handlers reach by other means is real.
    #[must_use]
    pub fn with_fake<F>(mut self, fake: F) -> Self
    where
        F: Fn(FakeConfig) -> BoxFuture<'static, Result<FakeService>> + Send + Sync + 'static,
    {
        self.fake = Some(Arc::new(fake));
        self
    }

    /// The `type` of the integrations.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub(crate) fn build(&self, config: &FrontEndConfig<'_>) -> Result<Option<Arc<dyn FrontEnd>>> {
        (self.build)(config)
    }

    /// The integrations of the type that a flow's environment has.
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

/// An integration with its secrets, while front ends are built.
#[derive(Debug)]
pub(crate) struct WithSecrets<'a> {
    pub(crate) integration: &'a Integration,
    pub(crate) secrets: BTreeMap<String, SecretString>,
}

/// The front ends of a runtime.
#[derive(Clone, Default)]
pub(crate) struct FrontEnds(Arc<[Arc<dyn FrontEnd>]>);

impl FrontEnds {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<dyn FrontEnd>> {
        self.0.iter()
    }
}

impl FromIterator<Arc<dyn FrontEnd>> for FrontEnds {
    fn from_iter<I: IntoIterator<Item = Arc<dyn FrontEnd>>>(front_ends: I) -> Self {
        Self(front_ends.into_iter().collect())
    }
}

impl fmt::Debug for FrontEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|front_end| front_end.name())).finish()
    }
}

/// What keeps the name from being a part of a path, if anything does.
pub(crate) fn fault_of_name(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(plain) {
        return Some("has lower-case letters, digits and dashes only");
    }
    super::OWN_ROUTES.contains(&name).then_some("is not that of a route of the server")
}
