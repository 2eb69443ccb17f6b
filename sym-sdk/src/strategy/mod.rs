//! The interface by which access is granted and revoked: one [`AccessStrategy`] per service.
//!
//! A strategy only knows its service. When access is due to be granted or revoked, how often a failed call is retried and
//! whether other Runs still need the access is decided by the runtime, so a strategy has to be idempotent and nothing else.

mod erased;
mod request;
mod simulated;
mod strategy_type;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use erased::DynAccessStrategy;
pub use request::AccessRequest;
pub use simulated::SimulatedStrategy;
pub use strategy_type::{StrategyConfig, StrategyType};

use crate::error::Result;
use crate::machine::MIN_SETTLE_TIME;
use crate::model::{AccessTarget, StepOutput, User};

/// Grants and revokes access to targets of one kind.
///
/// Every call must be idempotent: granting access that exists and revoking access that does not is not an error. After a crash,
/// a call can be repeated with the same [`AccessRequest::idempotency_key`], whether or not the first one reached the service.
///
/// A grant that times out, or whose error [is retryable](crate::Error::is_retryable), is attempted up to three times. A
/// revocation is retried until it succeeds, whatever the error. All attempts of one grant have the same idempotency key; each attempt at a
/// revocation has its own.
///
/// Implement the asynchronous methods as `async fn`.
pub trait AccessStrategy: Send + Sync + 'static {
    /// Looks up the user's id in the service, for example by e-mail address. `None` if the service does not know the user.
    ///
    /// The runtime calls this only if neither the directory nor a `get_identity` reducer knows the id.
    ///
    /// # Errors
    /// If the service cannot be asked.
    fn fetch_remote_identity(&self, user: &User) -> impl Future<Output = Result<Option<String>>> + Send;

    /// Grants access.
    ///
    /// # Errors
    /// If the access is not granted, or may not have been.
    fn escalate(&self, request: &AccessRequest<'_>) -> impl Future<Output = Result<GrantResult>> + Send;

    /// Revokes access, and returns the step's output.
    ///
    /// # Errors
    /// If the access is not revoked, or may not have been.
    fn deescalate(&self, request: &AccessRequest<'_>) -> impl Future<Output = Result<Option<StepOutput>>> + Send;

    /// Returns which sessions a revocation ends.
    fn revocation_scope(&self) -> RevocationScope;

    /// Returns the name of the resource that the service grants for this target. Requests whose targets are the same resource
    /// share the access, and the last of them to end revokes it.
    ///
    /// By default each target is a resource of its own, as [`resource_by_name`] names it: right where the target's name
    /// matters, as it does for functions that serve several targets. Where only settings matter, such as a group's id, return
    /// [`resource_by_settings`], so that two targets for one group do not revoke each other's access.
    fn resource(&self, target: &AccessTarget) -> String {
        resource_by_name(target)
    }

    /// Lists the ids that have access to the target now. `None` if the service cannot list them.
    ///
    /// The runtime calls this after every revocation, and treats the revocation as failed if the id is still listed. If the
    /// service's lists are eventually consistent, wait here until they have settled, or return `None`.
    ///
    /// # Errors
    /// If the service cannot be asked.
    fn list_current(&self, target: &AccessTarget) -> impl Future<Output = Result<Option<Vec<String>>>> + Send {
        let _ = target;
        std::future::ready(Ok(None))
    }

    /// Returns the longest time for which the service may go on with a grant after its caller has given up, on a timeout or when the
    /// process ended. The default is 15 minutes, and so is the minimum.
    ///
    /// Such a grant can take effect after the access was revoked. A Run whose grant has an
    /// [unknown outcome](crate::Error::is_outcome_unknown) therefore revokes its access at its end, and again when this time has passed.
    fn settle_time(&self) -> Duration {
        MIN_SETTLE_TIME
    }

    /// Returns whether the id has access to the target now. `None` if the service cannot tell.
    ///
    /// The runtime calls this before it requests a grant. Access that the id has without any request is left as it is: the runtime calls
    /// neither [`escalate`](Self::escalate) nor [`deescalate`](Self::deescalate) for it. So return `None` if a grant adds to the access
    /// that the service shows, for example because that ends earlier.
    ///
    /// By default the id is looked up in [`list_current`](Self::list_current); override this if the service can answer for one id.
    ///
    /// # Errors
    /// If the service cannot be asked.
    fn has_access(&self, target: &AccessTarget, identity: &str) -> impl Future<Output = Result<Option<bool>>> + Send {
        async move { Ok(self.list_current(target).await?.map(|listed| listed.iter().any(|id| id == identity))) }
    }

    /// Checks whether access to the target could be granted: that the service responds, the credentials are sufficient and the
    /// target exists.
    ///
    /// # Errors
    /// If access could not be granted.
    fn check(&self, target: &AccessTarget) -> impl Future<Output = Result<()>> + Send {
        let _ = target;
        std::future::ready(Ok(()))
    }
}

impl<S: AccessStrategy> AccessStrategy for Arc<S> {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        (**self).fetch_remote_identity(user).await
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        (**self).escalate(request).await
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        (**self).deescalate(request).await
    }

    fn revocation_scope(&self) -> RevocationScope {
        (**self).revocation_scope()
    }

    fn resource(&self, target: &AccessTarget) -> String {
        (**self).resource(target)
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        (**self).list_current(target).await
    }

    fn settle_time(&self) -> Duration {
        (**self).settle_time()
    }

    async fn has_access(&self, target: &AccessTarget, identity: &str) -> Result<Option<bool>> {
        (**self).has_access(target, identity).await
    }

    async fn check(&self, target: &AccessTarget) -> Result<()> {
        (**self).check(target).await
    }
}

/// Names the resource of a target by the target's name and settings.
pub fn resource_by_name(target: &AccessTarget) -> String {
    to_resource(&(target.kind(), target.name(), target.settings()))
}

/// Names the resource of a target by the target's settings alone.
pub fn resource_by_settings(target: &AccessTarget) -> String {
    to_resource(&(target.kind(), target.settings()))
}

fn to_resource(parts: &impl serde::Serialize) -> String {
    // Strings and maps of strings always serialize.
    serde_json::to_string(parts).unwrap_or_default()
}

/// The sessions that a revocation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationScope {
    /// Access ends immediately, including in existing sessions.
    AllSessions,
    /// No new session can be started; existing sessions last until they expire.
    NewSessions,
    /// Not known to the strategy: it depends on code behind it, such as a function's.
    Unknown,
}

/// The result of a grant that reached the service.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct GrantResult {
    pub(crate) output: Option<StepOutput>,
    pub(crate) errors: Vec<String>,
}

impl GrantResult {
    /// Access was granted.
    pub fn granted() -> Self {
        Self::default()
    }

    /// The service responded with errors and did not grant access.
    pub fn rejected(errors: impl IntoIterator<Item = String>) -> Self {
        let mut errors: Vec<_> = errors.into_iter().collect();
        if errors.is_empty() {
            errors.push("no reason given".to_owned());
        }
        Self { output: None, errors }
    }

    /// Sets the step's output, which handlers read with `StepOutput<T>`.
    pub fn with_output(mut self, output: StepOutput) -> Self {
        self.output = Some(output);
        self
    }
}
