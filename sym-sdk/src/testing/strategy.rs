//! A strategy that records its calls.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;

use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::EffectKey;
use crate::model::{AccessTarget, StepOutput, User};
use crate::strategy::{
    AccessRequest, AccessStrategy, GrantResult, PriorAccess, PriorState, RevocationScope, resource_by_name,
    resource_by_settings, resource_without,
};
use crate::sync::lock;

/// An [`AccessStrategy`] for tests: it keeps access in memory in place of a service, records its calls, and fails on demand. Clones
/// share one state.
///
/// The account of every user is their username, unless set otherwise.
///
/// ```
/// use sym_sdk::testing::RecordingStrategy;
///
/// let strategy = RecordingStrategy::new();
/// // The first two grants fail as if the service were down.
/// strategy.fail_grants(2);
/// assert!(strategy.granted().is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct RecordingStrategy(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    identities: BTreeMap<String, Option<String>>,
    granted: Vec<(AccessTarget, String)>,
    calls: Vec<StrategyCall>,
    grants: VecDeque<Behavior>,
    revocations: VecDeque<Behavior>,
    lists: VecDeque<Behavior>,
    lists_nothing: bool,
    late: Vec<(AccessTarget, String)>,
    output: Option<StepOutput>,
    by_settings: bool,
    level_setting: Option<String>,
    enforces_end: bool,
    /// The lesser access of ids, by resource.
    lesser: BTreeMap<(String, String), PriorState>,
}

#[derive(Clone, Debug)]
enum Behavior {
    Fail(ErrorKind),
    Hang,
    TimeOutAndLandLate,
    /// Reports success without doing anything.
    Ignore,
    Reject(Vec<String>),
}

/// One call of a [`RecordingStrategy`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StrategyCall {
    /// Whether the call grants access; otherwise it revokes it.
    pub is_grant: bool,
    /// The target.
    pub target: AccessTarget,
    /// The account.
    pub identity: String,
    /// The call's idempotency key.
    pub key: EffectKey,
    /// The number of the attempt.
    pub attempt: u32,
    /// The lesser access that the account had before the grant.
    pub prior: Option<String>,
    /// The end of the access.
    pub ends_at: Option<Timestamp>,
}

impl RecordingStrategy {
    /// Returns a strategy without any granted access.
    pub fn new() -> Self {
        Self::default()
    }

    /// Identifies resources by the settings of their targets, regardless of the targets' names.
    #[must_use]
    pub fn by_settings(self) -> Self {
        self.lock().by_settings = true;
        self
    }

    /// Identifies resources by the settings of their targets without this one, which names the level at which a resource is granted. Who
    /// has a resource at one level is not listed at another.
    #[must_use]
    pub fn with_levels(self, setting: impl Into<String>) -> Self {
        self.lock().level_setting = Some(setting.into());
        self
    }

    /// Says that the service ends access by itself: see [`AccessStrategy::enforces_end`].
    #[must_use]
    pub fn enforcing_ends(self) -> Self {
        self.lock().enforces_end = true;
        self
    }

    /// Sets the lesser access that an account has to the resource of a target. A grant raises it, and a revocation that is handed it
    /// restores it.
    pub fn set_lesser_access(&self, target: &AccessTarget, identity: impl Into<String>, state: PriorState) {
        let mut record = self.lock();
        let key = (record.resource(target), identity.into());
        record.lesser.insert(key, state);
    }

    /// Returns the lesser access that an account has to the resource of a target; `None` while a grant has raised it, and without any.
    pub fn lesser_access(&self, target: &AccessTarget, identity: &str) -> Option<PriorState> {
        let record = self.lock();
        record.lesser.get(&(record.resource(target), identity.to_owned())).cloned()
    }

    /// Sets the account of the user with this e-mail address.
    pub fn set_identity(&self, email: &str, id: impl Into<String>) {
        self.lock().identities.insert(email.to_ascii_lowercase(), Some(id.into()));
    }

    /// Makes the user with this e-mail address have no account.
    pub fn set_unknown(&self, email: &str) {
        self.lock().identities.insert(email.to_ascii_lowercase(), None);
    }

    /// Sets the output of grants that succeed.
    pub fn set_output(&self, output: StepOutput) {
        self.lock().output = Some(output);
    }

    /// Makes the next `times` grants fail, as if the service were unavailable.
    pub fn fail_grants(&self, times: usize) {
        self.lock().grants.extend(vec![Behavior::Fail(ErrorKind::Unavailable); times]);
    }

    /// Makes the next grant fail permanently.
    pub fn fail_grant_permanently(&self) {
        self.lock().grants.push_back(Behavior::Fail(ErrorKind::Forbidden));
    }

    /// Makes the next grant return these errors.
    pub fn reject_grant<E: Into<String>>(&self, errors: impl IntoIterator<Item = E>) {
        self.lock().grants.push_back(Behavior::Reject(errors.into_iter().map(Into::into).collect()));
    }

    /// Makes the next grant hang after granting the access.
    pub fn hang_grant(&self) {
        self.lock().grants.push_back(Behavior::Hang);
    }

    /// Makes the next grant time out while the service is still at work on it. It takes effect with [`Self::land_late_grants`].
    pub fn time_out_grant(&self) {
        self.lock().grants.push_back(Behavior::TimeOutAndLandLate);
    }

    /// Has the grants take effect that have timed out, as a service does that finishes its work after its caller has given up.
    pub fn land_late_grants(&self) {
        let mut record = self.lock();
        for (target, identity) in std::mem::take(&mut record.late) {
            record.take(&target, &identity);
            record.granted.push((target, identity));
        }
    }

    /// Makes the next `times` revocations fail, as if the service were unavailable.
    pub fn fail_revocations(&self, times: usize) {
        self.lock().revocations.extend(vec![Behavior::Fail(ErrorKind::Unavailable); times]);
    }

    /// Makes the next revocation hang after revoking the access.
    pub fn hang_revocation(&self) {
        self.lock().revocations.push_back(Behavior::Hang);
    }

    /// Makes the next `times` revocations report success without revoking the access.
    pub fn ignore_revocations(&self, times: usize) {
        self.lock().revocations.extend(vec![Behavior::Ignore; times]);
    }

    /// Makes the next `times` calls of `list_current` fail, as if the service were unavailable.
    pub fn fail_listings(&self, times: usize) {
        self.lock().lists.extend(vec![Behavior::Fail(ErrorKind::Unavailable); times]);
    }

    /// Makes the next call of `list_current` hang.
    pub fn hang_listing(&self) {
        self.lock().lists.push_back(Behavior::Hang);
    }

    /// Makes the service one that cannot list access.
    #[must_use]
    pub fn without_listing(self) -> Self {
        self.lock().lists_nothing = true;
        self
    }

    /// Grants access without the runtime, as an administrator of the service would.
    pub fn grant_externally(&self, target: &AccessTarget, identity: impl Into<String>) {
        let identity = identity.into();
        let mut record = self.lock();
        record.take(target, &identity);
        record.granted.push((target.clone(), identity));
    }

    /// Revokes access without the runtime, as an administrator of the service would.
    pub fn revoke_externally(&self, target: &AccessTarget, identity: &str) {
        self.lock().take(target, identity);
    }

    /// Returns the current access, in the order in which it was granted: target and account.
    pub fn granted(&self) -> Vec<(AccessTarget, String)> {
        self.lock().granted.clone()
    }

    /// Returns all calls, in order.
    pub fn calls(&self) -> Vec<StrategyCall> {
        self.lock().calls.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        lock(&self.0)
    }
}

impl Record {
    fn note(&mut self, is_grant: bool, request: &AccessRequest<'_>) {
        self.calls.push(StrategyCall {
            is_grant,
            target: request.target().clone(),
            identity: request.identity().to_owned(),
            key: request.idempotency_key(),
            attempt: request.attempt(),
            prior: request.prior().map(str::to_owned),
            ends_at: request.ends_at(),
        });
    }

    fn grant(&mut self, request: &AccessRequest<'_>) {
        self.take(request.target(), request.identity());
        self.granted.push((request.target().clone(), request.identity().to_owned()));
    }

    fn revoke(&mut self, request: &AccessRequest<'_>) {
        self.take(request.target(), request.identity());
        if let Some(prior) = request.prior().and_then(|prior| PriorState::new(prior).ok()) {
            self.lesser.insert((self.resource(request.target()), request.identity().to_owned()), prior);
        }
    }

    fn take(&mut self, target: &AccessTarget, identity: &str) {
        self.lesser.remove(&(self.resource(target), identity.to_owned()));
        let gone = self.resource(target);
        let mut granted = std::mem::take(&mut self.granted);
        granted.retain(|(target, who)| self.resource(target) != gone || who != identity);
        self.granted = granted;
    }

    fn list(&self, target: &AccessTarget) -> Option<Vec<String>> {
        if self.lists_nothing {
            return None;
        }
        let resource = self.resource(target);
        let is_of =
            |granted: &AccessTarget| self.resource(granted) == resource && self.level(granted) == self.level(target);
        let current = self.granted.iter().filter(|(granted, _)| is_of(granted));
        Some(current.map(|(_, identity)| identity.clone()).collect())
    }

    fn level(&self, target: &AccessTarget) -> Option<String> {
        target.settings().get(self.level_setting.as_ref()?).cloned()
    }

    fn resource(&self, target: &AccessTarget) -> String {
        if let Some(setting) = &self.level_setting {
            return resource_without(target, &[setting]);
        }
        if self.by_settings { resource_by_settings(target) } else { resource_by_name(target) }
    }
}

fn failure(kind: ErrorKind) -> Error {
    let message = match kind {
        ErrorKind::Unavailable => "the service is down",
        ErrorKind::Timeout => "the service took too long",
        _ => "the service refuses",
    };
    Error::new(kind, codes::HTTP_ERROR_RESPONSE, message)
}

impl AccessStrategy for RecordingStrategy {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        let record = self.lock();
        let known = record.identities.get(&user.username().to_ascii_lowercase());
        let identity = known.cloned().unwrap_or_else(|| Some(user.username().to_owned()));
        Ok(identity)
    }

    fn resource(&self, target: &AccessTarget) -> String {
        self.lock().resource(target)
    }

    fn level(&self, target: &AccessTarget) -> Option<String> {
        self.lock().level(target)
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let (behavior, output) = {
            let mut record = self.lock();
            record.note(true, request);
            let behavior = record.grants.pop_front();
            if matches!(behavior, None | Some(Behavior::Hang)) {
                record.grant(request);
            }
            if matches!(behavior, Some(Behavior::TimeOutAndLandLate)) {
                record.late.push((request.target().clone(), request.identity().to_owned()));
            }
            (behavior, record.output.clone())
        };
        match behavior {
            None | Some(Behavior::Ignore) => Ok(GrantResult { output, ..GrantResult::granted() }),
            Some(Behavior::Fail(kind)) => Err(failure(kind)),
            Some(Behavior::TimeOutAndLandLate) => Err(failure(ErrorKind::Timeout)),
            Some(Behavior::Reject(errors)) => Ok(GrantResult { output, ..GrantResult::rejected(errors) }),
            Some(Behavior::Hang) => std::future::pending().await,
        }
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        let behavior = {
            let mut record = self.lock();
            record.note(false, request);
            let behavior = record.revocations.pop_front();
            if !matches!(behavior, Some(Behavior::Fail(_) | Behavior::Ignore)) {
                record.revoke(request);
            }
            behavior
        };
        match behavior {
            Some(Behavior::Fail(kind)) => Err(failure(kind)),
            Some(Behavior::Hang) => std::future::pending().await,
            Some(Behavior::Reject(_) | Behavior::TimeOutAndLandLate | Behavior::Ignore) | None => Ok(None),
        }
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }

    fn enforces_end(&self) -> bool {
        self.lock().enforces_end
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        let (behavior, listed) = {
            let mut record = self.lock();
            (record.lists.pop_front(), record.list(target))
        };
        match behavior {
            Some(Behavior::Fail(kind)) => Err(failure(kind)),
            Some(Behavior::Hang) => std::future::pending().await,
            _ => Ok(listed),
        }
    }

    async fn prior_access(&self, target: &AccessTarget, identity: &str) -> Result<PriorAccess> {
        let Some(listed) = self.list_current(target).await? else { return Ok(PriorAccess::Unknown) };
        if listed.iter().any(|id| id == identity) {
            return Ok(PriorAccess::Sufficient);
        }
        Ok(self.lesser_access(target, identity).map_or(PriorAccess::None, PriorAccess::Lesser))
    }
}
