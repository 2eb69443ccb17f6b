//! The service that access is granted in: a journal of calls, from which the current access follows.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sym_sdk::clock::Clock;
use sym_sdk::engine::Store;
use sym_sdk::error::codes;
use sym_sdk::machine::{Access, EffectKey, EffectKind, PendingEffect, RunState, TimerKind};
use sym_sdk::model::{AccessTarget, RunId};
use sym_sdk::prelude::*;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope};

use crate::clock::PersistentClock;
use crate::flows::{self, ACCOUNTS};
use crate::journal::Journal;
use crate::points::Points;
use crate::store::CrashStore;

/// The file name of the journal of calls.
pub const CALLS: &str = "service.log";

/// The operation of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Grants access.
    Grant,
    /// Revokes access.
    Revoke,
}

/// The response of the service to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceResponse {
    /// The call takes effect.
    Done,
    /// The call fails, and can be retried.
    Unavailable,
    /// The call takes effect, and its response is lost.
    Lost,
    /// The call is rejected for good.
    Rejected,
}

impl ServiceResponse {
    /// Whether the call took effect.
    pub fn applies(self) -> bool {
        matches!(self, Self::Done | Self::Lost)
    }
}

/// A call, and the state of the store at that time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The time of the call.
    pub at: Timestamp,
    /// The operation.
    pub op: Op,
    /// The account.
    pub account: String,
    /// The target's name.
    pub target: String,
    /// The identity whose access it is.
    pub identity: String,
    /// The Run.
    pub run: RunId,
    /// The idempotency key.
    pub key: EffectKey,
    /// The number of the attempt, among all calls of its kind for the Run.
    pub attempt: usize,
    /// The response.
    pub answer: ServiceResponse,
    /// Whether an approval that satisfies the permissions was committed.
    pub approved: bool,
    /// Whether the expiry was committed: a timer in the state of the Run and in the store.
    pub expires: bool,
    /// Whether the outcome of this effect was still pending.
    pub awaited: bool,
}

/// An account of a service that grants access by recording it.
#[derive(Clone, Debug)]
pub struct Service {
    account: String,
    points: Arc<Points>,
    clock: Arc<PersistentClock>,
    store: Arc<CrashStore>,
    calls: Arc<Journal<Call>>,
}

impl Service {
    /// Continues from the journal.
    pub fn new(
        points: Arc<Points>,
        clock: Arc<PersistentClock>,
        store: Arc<CrashStore>,
        calls: Arc<Journal<Call>>,
    ) -> Self {
        Self { account: ACCOUNTS[0].to_owned(), points, clock, store, calls }
    }

    /// Returns another account of the service.
    pub fn in_account(&self, account: &str) -> Self {
        Self { account: account.to_owned(), ..self.clone() }
    }

    async fn call(&self, op: Op, request: &AccessRequest<'_>) -> Result<ServiceResponse> {
        let what = match op {
            Op::Grant => "effect grant",
            Op::Revoke => "effect revoke",
        };
        let run = request.event().run().id();
        let stored = self.store.load(run).await?.expect("the calling Run is stored");
        let timers = self.store.due_timers(Timestamp::MAX, usize::MAX).await?;
        let expiry = timers.iter().find(|timer| timer.key.run == run && timer.key.kind == TimerKind::Expire);
        self.points.before(what);
        let key = request.idempotency_key();
        let attempt = match op {
            // All attempts of one grant have the same key.
            Op::Grant => request.attempt().try_into().unwrap(),
            Op::Revoke => self.distinct_keys(op, key),
        };
        let answer = flows::response(request.event().flow().name(), op, key, attempt);
        self.calls.append(Call {
            at: self.clock.now(),
            op,
            account: self.account.clone(),
            target: request.target().name().to_string(),
            identity: request.identity().to_owned(),
            run,
            key,
            attempt,
            answer,
            approved: is_approved(&stored.state),
            expires: expiry.is_some_and(|timer| is_until(&stored.state, timer.at)),
            awaited: is_awaited(&stored.state, op, key, attempt),
        });
        self.points.after(what);
        match answer {
            ServiceResponse::Unavailable => Err(unavailable("the service is down")),
            ServiceResponse::Lost => Err(unavailable("the connection was lost before the response")),
            answer => Ok(answer),
        }
    }

    /// Returns the number of distinct keys up to this one, from 1.
    fn distinct_keys(&self, op: Op, key: EffectKey) -> usize {
        let mut keys: Vec<_> = self.calls.lines().iter().filter(|call| call.op == op).map(|call| call.key).collect();
        keys.retain(|known| known.run == key.run);
        keys.push(key);
        keys.dedup();
        keys.iter().position(|known| *known == key).map_or(1, |index| index + 1)
    }
}

fn is_approved(state: &RunState) -> bool {
    let Some(decision) = &state.decision else { return false };
    let needed = state.routing.as_ref().map_or(usize::MAX, |routing| routing.permission.required_approvals().into());
    decision.name == Step::Approve && (decision.decided_by_hook || state.run.approvals().len() >= needed)
}

fn is_awaited(state: &RunState, op: Op, key: EffectKey, attempt: usize) -> bool {
    let is_it = |pending: &PendingEffect| {
        matches!(&pending.kind, EffectKind::Grant { operation, .. } if *operation == Some(key.seq))
            && usize::try_from(pending.attempt) == Ok(attempt)
    };
    match op {
        Op::Grant => state.pending.values().any(is_it),
        Op::Revoke => state.pending.contains_key(&key.seq),
    }
}

fn is_until(state: &RunState, at: Timestamp) -> bool {
    matches!(&state.access, Access::Granting(grant) if grant.until == Some(at))
}

fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, codes::HANDLER_FAILED, message)
}

/// Returns the access that results from these calls, as accounts, targets and identities.
pub fn with_access<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Vec<(&'a str, &'a str, &'a str)> {
    let mut holders = Vec::new();
    for call in calls.into_iter().filter(|call| call.answer.applies()) {
        let access = (call.account.as_str(), call.target.as_str(), call.identity.as_str());
        holders.retain(|held| *held != access);
        if call.op == Op::Grant {
            holders.push(access);
        }
    }
    holders
}

impl AccessStrategy for Service {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        self.points.before("effect identify");
        let id = user.username().to_owned();
        self.points.after("effect identify");
        Ok(Some(id))
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        Ok(match self.call(Op::Grant, request).await? {
            ServiceResponse::Rejected => GrantResult::rejected(["the service rejects the grant".to_owned()]),
            _ => GrantResult::granted(),
        })
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        self.call(Op::Revoke, request).await.map(|_| None)
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }

    async fn list_current(&self, target: &AccessTarget) -> Result<Option<Vec<String>>> {
        let calls = self.calls.lines();
        let is_here =
            |(account, name, _): &(&str, &str, &str)| *account == self.account && *name == target.name().as_str();
        let holders = with_access(&calls).into_iter().filter(is_here);
        Ok(Some(holders.map(|(.., identity)| identity.to_owned()).collect()))
    }
}
