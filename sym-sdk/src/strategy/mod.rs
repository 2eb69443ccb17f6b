//! The interface by which access is granted and revoked: one [`AccessStrategy`] per service.
//!
//! A strategy only knows its service. When access is due to be granted or revoked, how often a failed call is retried, whether other
//! Runs still need the access and what the identity had before is decided and remembered by the runtime. A strategy keeps no state: it
//! has to be idempotent, and to revoke what it granted and nothing else.
//!
//! `docs/strategies.md` says what each method must do.

mod erased;
mod prior_access;
mod request;
#[cfg(feature = "cli")]
mod scripted;
mod simulated;
mod strategy_type;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use erased::DynAccessStrategy;
pub use prior_access::PriorAccess;
pub use request::AccessRequest;
#[cfg(feature = "cli")]
pub(crate) use scripted::{Failures, GrantOutcome, ScriptedOutcomes, ScriptedStrategy};
pub use simulated::SimulatedStrategy;
pub use strategy_type::{StrategyConfig, StrategyType};

use crate::error::Result;
use crate::machine::MIN_SETTLE_TIME;
pub use crate::machine::PriorState;
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

    /// Grants access. [`AccessRequest::prior`] is the lesser access that the identity had before.
    ///
    /// # Errors
    /// If the access is not granted, or may not have been.
    fn escalate(&self, request: &AccessRequest<'_>) -> impl Future<Output = Result<GrantResult>> + Send;

    /// Revokes access, and returns the step's output. Where [`AccessRequest::prior`] is set, this restores it instead of removing the
    /// identity from the resource.
    ///
    /// It is also called after each grant that has failed, and must leave what that cannot have given.
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
    ///
    /// A resource with several [levels](Self::level) is named without the level: [`resource_without`] leaves a setting out.
    fn resource(&self, target: &AccessTarget) -> String {
        resource_by_name(target)
    }

    /// Returns what the target grants of its resource, if the resource is granted at several levels: the role `admin` of a repository,
    /// for example. The default is `None`, for resources that are granted as a whole. Name a level for all targets of a resource, also
    /// for those that grant the default.
    ///
    /// One identity has a resource at one level at a time. A request that would give it at another level, while an earlier one gives it,
    /// is refused before the strategy is called (`AccessStrategy:OTHER_LEVEL_ACTIVE`): the end of either would take the other's access,
    /// or leave it behind.
    fn level(&self, target: &AccessTarget) -> Option<String> {
        let _ = target;
        None
    }

    /// Lists the ids that have access to the target now: at least what it grants. `None` if the service cannot list them.
    ///
    /// The runtime calls this after every revocation that restores no prior access, and treats the revocation as failed if the id is
    /// still listed. If the service's lists are eventually consistent, wait here until they have settled, or return `None`.
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

    /// Returns whether the service itself ends the access at [`AccessRequest::ends_at`], even if it is never revoked. The default is
    /// `false`. The runtime revokes the access in any case.
    fn enforces_end(&self) -> bool {
        false
    }

    /// Reads the access that the id has to the target's resource now, compared with what the target grants.
    ///
    /// The runtime calls this before it requests a grant. [Sufficient](PriorAccess::Sufficient) access that the id has without any
    /// request is left as it is: the runtime calls neither [`escalate`](Self::escalate) nor [`deescalate`](Self::deescalate) for it. So
    /// return [`Unknown`](PriorAccess::Unknown) if a grant adds to the access that the service shows, for example because that ends
    /// earlier. [Lesser](PriorAccess::Lesser) access is stored, never read again, and handed back to both steps. After a revocation
    /// that restores it, the runtime calls this once more, and treats the revocation as failed if the access is still sufficient.
    ///
    /// By default the id is looked up in [`list_current`](Self::list_current): [`Sufficient`](PriorAccess::Sufficient) if it is listed.
    /// Override this if the service can answer for one id, or if a grant can change access that exists.
    ///
    /// # Errors
    /// If the service cannot be asked. In doubt, nothing is stored, and the end of the access removes it.
    fn prior_access(&self, target: &AccessTarget, identity: &str) -> impl Future<Output = Result<PriorAccess>> + Send {
        async move {
            Ok(match self.list_current(target).await? {
                None => PriorAccess::Unknown,
                Some(listed) if listed.iter().any(|id| id == identity) => PriorAccess::Sufficient,
                Some(_) => PriorAccess::None,
            })
        }
    }

    /// Checks whether access to the target could be granted: that the service responds, the credentials are sufficient and the
    /// target exists. It must change nothing: `check --live` calls it for all targets of a configuration.
    ///
    /// # Errors
    /// If access could not be granted.
    fn check(&self, target: &AccessTarget) -> impl Future<Output = Result<()>> + Send {
        let _ = target;
        std::future::ready(Ok(()))
    }

    /// Returns for how long a session through the target may last that begins right before the access ends, where the service does not end
    /// it. `check --live` warns if that is longer than any access through the target. It must change nothing.
    ///
    /// # Errors
    /// If the service cannot be asked.
    fn session_duration(&self, target: &AccessTarget) -> impl Future<Output = Result<Option<Duration>>> + Send {
        let _ = target;
        std::future::ready(Ok(None))
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

    fn level(&self, target: &AccessTarget) -> Option<String> {
        (**self).level(target)
    }

    fn enforces_end(&self) -> bool {
        (**self).enforces_end()
    }

    async fn prior_access(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        (**self).prior_access(target, identity).await
    }

    async fn check(&self, target: &AccessTarget) -> Result<()> {
        (**self).check(target).await
    }

    async fn session_duration(&self, target: &AccessTarget) -> Result<Option<Duration>> {
        (**self).session_duration(target).await
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

/// Names the resource of a target by the target's settings, except for these: those that name the [level](AccessStrategy::level) at
/// which the resource is granted.
///
/// ```
/// use sym_sdk::model::{AccessTarget, Slug};
/// use sym_sdk::strategy::resource_without;
///
/// let target = |role| {
///     let target = AccessTarget::new("acme", "wiki_space", Slug::parse(role)?);
///     Ok::<_, sym_sdk::Error>(target.with_setting("space", "ops").with_setting("role", role))
/// };
/// assert_eq!(resource_without(&target("reader")?, &["role"]), resource_without(&target("editor")?, &["role"]));
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub fn resource_without(target: &AccessTarget, settings: &[&str]) -> String {
    let kept: BTreeMap<_, _> =
        target.settings().iter().filter(|(name, _)| !settings.contains(&name.as_str())).collect();
    to_resource(&(target.kind(), kept))
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

    /// Returns the errors with which the service rejected the grant; empty if it granted the access.
    pub fn errors(&self) -> &[String] {
        &self.errors
    }

    /// Sets the step's output, which handlers read with `StepOutput<T>`.
    pub fn with_output(mut self, output: StepOutput) -> Self {
        self.output = Some(output);
        self
    }

    /// Returns the step's output.
    pub fn output(&self) -> Option<&StepOutput> {
        self.output.as_ref()
    }
}
