//! How access is granted and taken away.

mod dry;
mod request;

use std::fmt;
use std::sync::Arc;

pub use dry::DryStrategy;
pub use request::AccessRequest;

use crate::BoxFuture;
use crate::error::Result;
use crate::handler::IntegrationConfig;
use crate::model::{AccessTarget, Strategy, User};
use crate::template::StepOutput;

/// Grants access to targets of one kind, and takes it away.
///
/// Each call must be idempotent: granting what is granted and taking away what is gone is no error. A call may come again with
/// the same [`AccessRequest::idempotency_key`] after a crash or a time-out, whether or not the first one reached the service.
///
/// An error whose [`is_retryable`](crate::Error::is_retryable) holds is tried again: a grant up to three times, a revocation
/// for ever.
pub trait AccessStrategy: Send + Sync + 'static {
    /// Finds the person's id in the service, from their e-mail address say. `None` if the service does not know them.
    ///
    /// Do not call this: the runtime does, if neither the directory nor a `get_identity` reducer knows the id.
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>>;

    /// Grants access.
    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Escalation>>;

    /// Takes access away. What it returns is the step's output.
    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>>;

    /// What a revocation reaches.
    fn reach(&self) -> RevocationReach;

    /// Names what the service grants for this target. Requests whose targets are one resource share the access, and the last
    /// one to end takes it away.
    ///
    /// Without this, each target is a resource of its own, as [`resource_by_name`] has it: right where the target's name
    /// decides, as it does for functions that several targets share. Where settings alone decide, such as a group's id, give
    /// [`resource_by_settings`]: two targets for one group then do not take it away from each other.
    fn resource(&self, target: &AccessTarget) -> String {
        resource_by_name(target)
    }

    /// The ids that have access to the target now; `None` if the service cannot tell.
    ///
    /// The runtime asks after each revocation, and takes one after which the id is still listed for failed. Where the lists of
    /// a service lag behind, wait here until they no longer do, or give `None`.
    fn list_current<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Vec<String>>>> {
        let _ = target;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Says whether the strategy could grant access to the target: that the service answers, the credentials suffice and the
    /// target exists.
    fn check<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<()>> {
        let _ = target;
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A resource for which the target's name decides, and its settings too.
pub fn resource_by_name(target: &AccessTarget) -> String {
    as_text(&(target.kind(), target.name(), target.settings()))
}

/// A resource for which the target's settings alone decide.
pub fn resource_by_settings(target: &AccessTarget) -> String {
    as_text(&(target.kind(), target.settings()))
}

fn as_text(parts: &impl serde::Serialize) -> String {
    // Text and maps of text always have a JSON form.
    serde_json::to_string(parts).unwrap_or_default()
}

/// What a revocation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReach {
    /// Access ends at once, for sessions under way as well.
    Everything,
    /// No new session can begin; sessions under way last until they end by themselves.
    NewSessions,
    /// It depends on what stands behind the strategy, such as the code of a function.
    Unknown,
}

/// What came of a grant.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Escalation {
    pub(crate) output: Option<StepOutput>,
    pub(crate) errors: Vec<String>,
}

impl Escalation {
    /// Access was granted.
    pub fn granted() -> Self {
        Self::default()
    }

    /// The service answered, and reported errors: access was not granted.
    pub fn rejected(errors: impl IntoIterator<Item = String>) -> Self {
        let mut errors: Vec<_> = errors.into_iter().collect();
        if errors.is_empty() {
            errors.push("no reason given".to_owned());
        }
        Self { output: None, errors }
    }

    /// Keeps this as the step's output, for handlers to read with `StepOutput<T>`.
    pub fn with_output(mut self, output: StepOutput) -> Self {
        self.output = Some(output);
        self
    }
}

/// What a strategy is built from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StrategyConfig<'a> {
    /// The strategy as it is configured.
    pub strategy: &'a Strategy,
    /// Its integration with the secrets that belong to it.
    pub integration: Option<IntegrationConfig<'a>>,
}

type Build = dyn Fn(&StrategyConfig<'_>) -> Result<Arc<dyn AccessStrategy>> + Send + Sync;

/// Builds the strategies of one type from their configuration.
#[derive(Clone)]
pub struct StrategyType {
    kind: String,
    build: Arc<Build>,
}

impl StrategyType {
    /// A type of strategies: `kind` is the `type` in the configuration.
    pub fn new<F>(kind: impl Into<String>, build: F) -> Self
    where
        F: Fn(&StrategyConfig<'_>) -> Result<Arc<dyn AccessStrategy>> + Send + Sync + 'static,
    {
        Self { kind: kind.into(), build: Arc::new(build) }
    }

    /// The `type` in the configuration.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub(crate) fn build(&self, config: &StrategyConfig<'_>) -> Result<Arc<dyn AccessStrategy>> {
        (self.build)(config)
    }
}

impl fmt::Debug for StrategyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StrategyType").field("kind", &self.kind).finish_non_exhaustive()
    }
}
