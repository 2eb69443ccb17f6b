//! A strategy whose outcomes are scripted, for simulations of what goes wrong.
//!
//! It wraps the strategy that a simulation would use anyway, so that access is recorded by it as if nothing were scripted, and a grant whose
//! reply is lost has really taken effect.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{AccessRequest, DynAccessStrategy, GrantResult, PriorAccess};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::model::{AccessTarget, StepOutput, User};
use crate::sync::lock;

/// The number of attempts that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failures {
    /// Every attempt.
    All,
    /// The first attempts.
    First(NonZeroU32),
}

/// The scripted outcome of a grant that does not simply succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrantOutcome {
    /// Attempts fail, and are retried.
    Fails(Failures),
    /// The service refuses the grant, which is not retried.
    Refused,
    /// The grant takes effect, and no reply comes.
    Unknown,
}

impl Failures {
    /// Counts an attempt, and returns whether it fails.
    fn fails(self, attempts: &mut u32) -> bool {
        *attempts = attempts.saturating_add(1);
        match self {
            Self::All => true,
            Self::First(count) => *attempts <= count.get(),
        }
    }
}

/// Parses `fails` or `fails:2`.
impl FromStr for Failures {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "fails" {
            return Ok(Self::All);
        }
        let count = text.strip_prefix("fails:").and_then(|count| count.parse().ok());
        count.map(Self::First).ok_or_else(|| "expected `fails`, or `fails:2` for the first two attempts".to_owned())
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("fails"),
            Self::First(count) => write!(f, "fails:{count}"),
        }
    }
}

/// Parses `fails`, `fails:2`, `refused` or `unknown`.
impl FromStr for GrantOutcome {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "refused" => Ok(Self::Refused),
            "unknown" => Ok(Self::Unknown),
            text => text.parse().map(Self::Fails).map_err(|_| {
                "expected `fails`, `fails:2` for the first two attempts, `refused`, or `unknown`".to_owned()
            }),
        }
    }
}

impl fmt::Display for GrantOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fails(failures) => failures.fmt(f),
            Self::Refused => f.write_str("refused"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl Serialize for Failures {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for GrantOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The scripted outcomes of the strategies of a runtime. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScriptedOutcomes(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    grant: Option<GrantOutcome>,
    revocation: Option<Failures>,
    /// The attempts since the outcomes were set.
    grants: u32,
    revocations: u32,
}

impl ScriptedOutcomes {
    /// Sets the outcomes of what is granted and revoked from now on. `None` for what the strategy does by itself.
    pub(crate) fn set(&self, grant: Option<GrantOutcome>, revocation: Option<Failures>) {
        *lock(&self.0) = Script { grant, revocation, ..Script::default() };
    }

    /// Returns whether there was a grant, and whether there was a revocation, since the outcomes were set.
    pub(crate) fn were_used(&self) -> (bool, bool) {
        let script = lock(&self.0);
        (script.grants > 0, script.revocations > 0)
    }

    /// Counts a grant, and returns its outcome.
    fn next_grant(&self) -> Option<GrantOutcome> {
        let script = &mut *lock(&self.0);
        match script.grant? {
            GrantOutcome::Fails(failures) => {
                failures.fails(&mut script.grants).then_some(GrantOutcome::Fails(failures))
            }
            outcome => {
                script.grants += 1;
                Some(outcome)
            }
        }
    }

    /// Counts a revocation, and returns whether it fails.
    fn next_revocation_fails(&self) -> bool {
        let script = &mut *lock(&self.0);
        script.revocation.is_some_and(|failures| failures.fails(&mut script.revocations))
    }
}

/// A strategy with scripted outcomes.
pub(crate) struct ScriptedStrategy {
    inner: Arc<dyn DynAccessStrategy>,
    outcomes: ScriptedOutcomes,
}

impl ScriptedStrategy {
    /// Creates a strategy that does what another one does, unless the outcome is scripted.
    pub(crate) fn new(inner: Arc<dyn DynAccessStrategy>, outcomes: ScriptedOutcomes) -> Self {
        Self { inner, outcomes }
    }
}

fn scripted(kind: ErrorKind, message: &str) -> Error {
    Error::new(kind, codes::SCRIPTED_FAILURE, format!("scripted: {message}"))
}

impl DynAccessStrategy for ScriptedStrategy {
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>> {
        self.inner.fetch_remote_identity(user)
    }

    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<GrantResult>> {
        Box::pin(async move {
            match self.outcomes.next_grant() {
                None => self.inner.escalate(request).await,
                // A kind that is retried, and says that nothing was granted.
                Some(GrantOutcome::Fails(_)) => {
                    Err(scripted(ErrorKind::RateLimited, "the service is too busy to grant"))
                }
                Some(GrantOutcome::Refused) => Err(scripted(ErrorKind::Forbidden, "the service refuses the grant")),
                Some(GrantOutcome::Unknown) => {
                    let granted = self.inner.escalate(request).await?;
                    if !granted.errors().is_empty() {
                        return Ok(granted);
                    }
                    Err(scripted(ErrorKind::Timeout, "the service granted it, and no reply came"))
                }
            }
        })
    }

    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
        if self.outcomes.next_revocation_fails() {
            let error = scripted(ErrorKind::Unavailable, "the service is down");
            return Box::pin(std::future::ready(Err(error)));
        }
        self.inner.deescalate(request)
    }

    fn resource(&self, target: &AccessTarget) -> String {
        self.inner.resource(target)
    }

    fn settle_time(&self) -> Duration {
        self.inner.settle_time()
    }

    fn list_current<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Vec<String>>>> {
        self.inner.list_current(target)
    }

    fn level(&self, target: &AccessTarget) -> Option<String> {
        self.inner.level(target)
    }

    fn enforces_end(&self) -> bool {
        self.inner.enforces_end()
    }

    fn check<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<()>> {
        self.inner.check(target)
    }

    fn session_duration<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Duration>>> {
        self.inner.session_duration(target)
    }

    fn prior_access<'a>(&'a self, target: &'a AccessTarget, identity: &'a str) -> BoxFuture<'a, Result<PriorAccess>> {
        self.inner.prior_access(target, identity)
    }
}
