//! The service that access is granted in: a file of calls, and who has access by them.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;
use sym_sdk::engine::Store;
use sym_sdk::error::codes;
use sym_sdk::machine::{Access, EffectKey, RunState, TimerKind};
use sym_sdk::model::{AccessTarget, RunId};
use sym_sdk::prelude::*;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, Escalation, RevocationReach};

use crate::clock::KeptClock;
use crate::flows;
use crate::journal::Journal;
use crate::points::Points;
use crate::store::CrashStore;

/// The file of calls.
pub const CALLS: &str = "service.log";

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Access.
    Grant,
    /// Its end.
    Revoke,
}

/// What the service does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What it is asked.
    Done,
    /// Nothing, and says that it may later.
    Unavailable,
    /// What it is asked, but nobody hears of it.
    Lost,
    /// Nothing, and says that it never will.
    Rejected,
}

impl Answer {
    /// Whether the call has changed who has access.
    pub fn applies(self) -> bool {
        matches!(self, Self::Done | Self::Lost)
    }
}

/// One call, and what was in the store when it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// When.
    pub at: Timestamp,
    /// What was asked.
    pub op: Op,
    /// The target's name.
    pub target: String,
    /// Whose access it is.
    pub identity: String,
    /// The Run.
    pub run: RunId,
    /// The idempotency key.
    pub key: EffectKey,
    /// What the service did.
    pub answer: Answer,
    /// Whether an approval that satisfies the permissions was committed.
    pub approved: bool,
    /// Whether the end of the access was committed: a live timer, in the Run's state and among the store's timers.
    pub expires: bool,
    /// Whether no outcome of this effect was committed yet.
    pub awaited: bool,
}

/// Grants access by writing it down.
#[derive(Debug)]
pub struct Service {
    points: Arc<Points>,
    clock: Arc<KeptClock>,
    store: Arc<CrashStore>,
    calls: Journal<Call>,
}

impl Service {
    /// A service that goes on from its file.
    pub fn new(points: Arc<Points>, clock: Arc<KeptClock>, store: Arc<CrashStore>, calls: Journal<Call>) -> Self {
        Self { points, clock, store, calls }
    }

    async fn call(&self, op: Op, request: &AccessRequest<'_>) -> Result<Answer> {
        let what = match op {
            Op::Grant => "effect grant",
            Op::Revoke => "effect revoke",
        };
        let run = request.event().run().id();
        let stored = self.store.load(run).await?.expect("the Run that asks is stored");
        let timers = self.store.due_timers(Timestamp::MAX, usize::MAX).await?;
        let expiry = timers.iter().find(|timer| timer.key.run == run && timer.key.kind == TimerKind::Expire);
        self.points.before(what);
        let key = request.idempotency_key();
        let answer = flows::answer(request.event().flow().name(), op, key, self.attempt(op, key));
        self.calls.append(Call {
            at: self.clock.now(),
            op,
            target: request.target().name().to_string(),
            identity: request.identity().to_owned(),
            run,
            key,
            answer,
            approved: is_approved(&stored.state),
            expires: expiry.is_some_and(|timer| is_until(&stored.state, timer.at)),
            awaited: stored.state.pending.contains_key(&key.seq),
        });
        self.points.after(what);
        match answer {
            Answer::Unavailable => Err(unavailable("the service is down")),
            Answer::Lost => Err(unavailable("the connection broke before the service answered")),
            answer => Ok(answer),
        }
    }

    /// How many calls with other keys came before the first one with this key, and one more.
    fn attempt(&self, op: Op, key: EffectKey) -> usize {
        let mut keys: Vec<_> = self.calls.lines().iter().filter(|call| call.op == op).map(|call| call.key).collect();
        keys.retain(|known| known.run == key.run);
        keys.push(key);
        keys.dedup();
        keys.iter().position(|known| *known == key).map_or(1, |place| place + 1)
    }
}

fn is_approved(state: &RunState) -> bool {
    let Some(decision) = &state.decision else { return false };
    let needed = state.routing.as_ref().map_or(usize::MAX, |routing| routing.permission.required_approvals().into());
    decision.name == Step::Approve && (decision.decided_by_hook || state.run.approvals().len() >= needed)
}

fn is_until(state: &RunState, at: Timestamp) -> bool {
    matches!(&state.access, Access::Granting(grant) if grant.until == Some(at))
}

fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, codes::HANDLER_FAILED, message)
}

/// Who has access by these calls.
pub fn with_access<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Vec<(&'a str, &'a str)> {
    let mut holders = Vec::new();
    for call in calls.into_iter().filter(|call| call.answer.applies()) {
        let access = (call.target.as_str(), call.identity.as_str());
        holders.retain(|held| *held != access);
        if call.op == Op::Grant {
            holders.push(access);
        }
    }
    holders
}

impl AccessStrategy for Service {
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move {
            self.points.before("effect identify");
            let id = user.username().to_owned();
            self.points.after("effect identify");
            Ok(Some(id))
        })
    }

    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Escalation>> {
        Box::pin(async move {
            Ok(match self.call(Op::Grant, request).await? {
                Answer::Rejected => Escalation::rejected(["the service refuses".to_owned()]),
                _ => Escalation::granted(),
            })
        })
    }

    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
        Box::pin(async move { self.call(Op::Revoke, request).await.map(|_| None) })
    }

    fn reach(&self) -> RevocationReach {
        RevocationReach::Everything
    }

    fn list_current<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Vec<String>>>> {
        Box::pin(async move {
            let calls = self.calls.lines();
            let holders = with_access(&calls).into_iter().filter(|(name, _)| *name == target.name().as_str());
            Ok(Some(holders.map(|(_, identity)| identity.to_owned()).collect()))
        })
    }
}
