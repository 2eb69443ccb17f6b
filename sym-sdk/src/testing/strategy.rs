//! A strategy that remembers what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::EffectKey;
use crate::model::{AccessTarget, StepOutput, User};
use crate::strategy::{
    AccessRequest, AccessStrategy, GrantResult, RevocationScope, resource_by_name, resource_by_settings,
};
use crate::sync::lock;

/// An [`AccessStrategy`] for tests: it keeps who has access to what, in place of a service, and does as it is told. Clones
/// are one strategy.
///
/// Every person is known to it under their username, unless it is told otherwise.
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
    grants: VecDeque<Plan>,
    revocations: VecDeque<Plan>,
    lists: VecDeque<Plan>,
    lists_nothing: bool,
    output: Option<StepOutput>,
    by_settings: bool,
}

#[derive(Clone, Debug)]
enum Plan {
    Fail(ErrorKind),
    Hang,
    /// Says that it is done, and is not.
    Pretend,
    Reject(Vec<String>),
}

/// One call of a [`RecordingStrategy`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StrategyCall {
    /// Whether access was to be granted; else it was to be taken away.
    pub is_grant: bool,
    /// To what.
    pub target: AccessTarget,
    /// To whom.
    pub identity: String,
    /// The call's idempotency key.
    pub key: EffectKey,
}

impl RecordingStrategy {
    /// A strategy that has granted nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has the settings of targets alone decide what is granted, whatever the targets are called.
    #[must_use]
    pub fn by_settings(self) -> Self {
        self.lock().by_settings = true;
        self
    }

    /// Sets the id under which the service knows the person with this e-mail address.
    pub fn set_identity(&self, email: &str, id: impl Into<String>) {
        self.lock().identities.insert(email.to_ascii_lowercase(), Some(id.into()));
    }

    /// Has the service not know the person with this e-mail address.
    pub fn set_unknown(&self, email: &str) {
        self.lock().identities.insert(email.to_ascii_lowercase(), None);
    }

    /// Sets the output of grants that succeed.
    pub fn set_output(&self, output: StepOutput) {
        self.lock().output = Some(output);
    }

    /// Has the next grants fail, as if the service were down.
    pub fn fail_grants(&self, times: usize) {
        self.lock().grants.extend(vec![Plan::Fail(ErrorKind::Unavailable); times]);
    }

    /// Has the next grant fail in a way that trying again does not help.
    pub fn fail_grant_permanently(&self) {
        self.lock().grants.push_back(Plan::Fail(ErrorKind::Forbidden));
    }

    /// Has the next grant answer with these errors.
    pub fn reject_grant<E: Into<String>>(&self, errors: impl IntoIterator<Item = E>) {
        self.lock().grants.push_back(Plan::Reject(errors.into_iter().map(Into::into).collect()));
    }

    /// Has the next grant never answer, though the service grants the access.
    pub fn hang_grant(&self) {
        self.lock().grants.push_back(Plan::Hang);
    }

    /// Has the next revocations fail, as if the service were down.
    pub fn fail_revocations(&self, times: usize) {
        self.lock().revocations.extend(vec![Plan::Fail(ErrorKind::Unavailable); times]);
    }

    /// Has the next revocation never answer, though the service takes the access away.
    pub fn hang_revocation(&self) {
        self.lock().revocations.push_back(Plan::Hang);
    }

    /// Has the next revocations say that the access is gone, though the service keeps it.
    pub fn ignore_revocations(&self, times: usize) {
        self.lock().revocations.extend(vec![Plan::Pretend; times]);
    }

    /// Has the service not tell who has access, the next times that it is asked.
    pub fn fail_listings(&self, times: usize) {
        self.lock().lists.extend(vec![Plan::Fail(ErrorKind::Unavailable); times]);
    }

    /// Has the service not answer the next time that it is asked who has access.
    pub fn hang_listing(&self) {
        self.lock().lists.push_back(Plan::Hang);
    }

    /// Has the service be one that cannot tell who has access.
    #[must_use]
    pub fn without_listing(self) -> Self {
        self.lock().lists_nothing = true;
        self
    }

    /// Gives access behind the back of the runtime.
    pub fn grant_externally(&self, target: &AccessTarget, identity: impl Into<String>) {
        let identity = identity.into();
        let mut record = self.lock();
        record.take(target, &identity);
        record.granted.push((target.clone(), identity));
    }

    /// Takes access away behind the back of the runtime.
    pub fn revoke_externally(&self, target: &AccessTarget, identity: &str) {
        self.lock().take(target, identity);
    }

    /// Who has access to what, in the order in which it was granted.
    pub fn granted(&self) -> Vec<(AccessTarget, String)> {
        self.lock().granted.clone()
    }

    /// All calls, in order.
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
        });
    }

    fn grant(&mut self, request: &AccessRequest<'_>) {
        self.take(request.target(), request.identity());
        self.granted.push((request.target().clone(), request.identity().to_owned()));
    }

    fn take(&mut self, target: &AccessTarget, identity: &str) {
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
        let current = self.granted.iter().filter(|(granted, _)| self.resource(granted) == resource);
        Some(current.map(|(_, identity)| identity.clone()).collect())
    }

    fn resource(&self, target: &AccessTarget) -> String {
        if self.by_settings { resource_by_settings(target) } else { resource_by_name(target) }
    }
}

fn failure(kind: ErrorKind) -> Error {
    let message = match kind {
        ErrorKind::Unavailable => "the service is down",
        _ => "the service refuses",
    };
    Error::new(kind, codes::HTTP_ERROR_RESPONSE, message)
}

impl AccessStrategy for RecordingStrategy {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        let record = self.lock();
        let told = record.identities.get(&user.username().to_ascii_lowercase());
        let identity = told.cloned().unwrap_or_else(|| Some(user.username().to_owned()));
        Ok(identity)
    }

    fn resource(&self, target: &AccessTarget) -> String {
        self.lock().resource(target)
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        let (plan, output) = {
            let mut record = self.lock();
            record.note(true, request);
            let plan = record.grants.pop_front();
            if matches!(plan, None | Some(Plan::Hang)) {
                record.grant(request);
            }
            (plan, record.output.clone())
        };
        match plan {
            None | Some(Plan::Pretend) => Ok(GrantResult { output, ..GrantResult::granted() }),
            Some(Plan::Fail(kind)) => Err(failure(kind)),
            Some(Plan::Reject(errors)) => Ok(GrantResult { output, ..GrantResult::rejected(errors) }),
            Some(Plan::Hang) => std::future::pending().await,
        }
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        let plan = {
            let mut record = self.lock();
            record.note(false, request);
            let plan = record.revocations.pop_front();
            if !matches!(plan, Some(Plan::Fail(_) | Plan::Pretend)) {
                record.take(request.target(), request.identity());
            }
            plan
        };
        match plan {
            Some(Plan::Fail(kind)) => Err(failure(kind)),
            Some(Plan::Hang) => std::future::pending().await,
            Some(Plan::Reject(_) | Plan::Pretend) | None => Ok(None),
        }
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        let (plan, listed) = {
            let mut record = self.lock();
            (record.lists.pop_front(), record.list(target))
        };
        match plan {
            Some(Plan::Fail(kind)) => Err(failure(kind)),
            Some(Plan::Hang) => std::future::pending().await,
            _ => Ok(listed),
        }
    }
}
