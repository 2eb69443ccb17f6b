//! Fills the store: a few Runs are made as people make them, and copied under other ids, with other requesters and times.
//!
//! A copy is a commit of its state with the audit entries of the whole Run, through the interface of the store, so that the store projects
//! and chains it as it does any other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde_json::Value;
use sym_sdk::engine::{Commit, InputKey, SqliteStore, Store};
use sym_sdk::machine::{AuditEntry, EntitlementChange, Input, InputBody, Rules, RunState, TimerChange, step};
use sym_sdk::model::{Hooks, RunId, RunStatus, User};
use sym_sdk::runtime::{Runtime, Submission};
use uuid::Uuid;

use crate::fixture::{FLOW, REQUESTERS, TARGETS, address_of, request};
use crate::{Outcome, progress};

/// The number of commits that wait for the store at a time.
const CONCURRENT_COMMITS: usize = 512;

/// The time limit for a Run to get where it should be.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The time between the requests of two copies.
const INTERVAL_SECONDS: i64 = 60;

/// The kinds of Runs, with their share of all in a thousand. Few give access, as in a store that has been used for years, and many are open, as
/// where nobody has decided for a while.
const KINDS: [(Kind, u32); 4] = [(Kind::Open, 100), (Kind::Held, 10), (Kind::Denied, 90), (Kind::Ended, 800)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Open,
    Held,
    Denied,
    Ended,
}

/// A Run to be copied.
struct Template {
    state: String,
    audit: Vec<String>,
    /// The ids of the Run and of its events, which differ in each copy.
    ids: BTreeSet<String>,
    requester: Arc<User>,
    created_at: Timestamp,
}

/// Parts of what was filled in, for addresses of pages.
#[derive(Clone, Debug)]
pub struct Sample {
    /// A Run whose access has ended.
    pub ended: RunId,
    /// A Run that waits for a decision.
    pub open: RunId,
    /// The requester of some Runs.
    pub requester: Arc<User>,
}

/// Fills the store with Runs, and returns some of them.
///
/// # Errors
/// If the store or the runtime fails.
pub async fn fill(runtime: &Runtime, store: &SqliteStore, runs: u32) -> Outcome<Sample> {
    let mut templates = Vec::new();
    for (number, (kind, share)) in (0_u32..).zip(KINDS) {
        for (at, target) in (0_u32..).zip(TARGETS) {
            let requester = address_of("ana", number * 5 + at);
            templates.push((kind, share, Template::make(runtime, store, kind, &requester, target).await?));
        }
    }
    progress("the Runs to copy are made");
    let mut requesters = Vec::new();
    for number in 0..REQUESTERS {
        let user = runtime.directory().user_by_email(&address_of("ana", number)).await?;
        requesters.push(user.ok_or("a requester is missing")?);
    }
    let of_kind = |kind: Kind, number: u32| {
        let mut found = templates.iter().filter(|(found, _, _)| *found == kind);
        let index = usize::try_from(number).unwrap_or_default() % TARGETS.len();
        found.nth(index).map(|(_, _, template)| template).ok_or("a kind has no template")
    };
    let copies = (0..runs).map(|number| {
        // Those that are open, or give access, are spread over the whole time.
        let place = number.wrapping_mul(617) % 1_000;
        let mut rest = place;
        let kind = KINDS.iter().find(|(_, share)| {
            let is_in = rest < *share;
            rest = rest.saturating_sub(*share);
            is_in
        });
        let requesters = &requesters;
        let template = of_kind(kind.map_or(Kind::Ended, |(kind, _)| *kind), number);
        async move {
            let index = usize::try_from(number).unwrap_or_default() % requesters.len();
            let requester = requesters.get(index).ok_or("there are no requesters")?;
            let commit = template?.copy(runtime, number, requester)?;
            store.commit(commit).await?;
            Outcome::Ok(())
        }
    });
    stream::iter(copies).buffer_unordered(CONCURRENT_COMMITS).try_for_each(|()| async { Ok(()) }).await?;
    Ok(Sample {
        ended: of_kind(Kind::Ended, 0)?.run()?,
        open: of_kind(Kind::Open, 0)?.run()?,
        requester: requesters.first().cloned().ok_or("there are no requesters")?,
    })
}

impl Template {
    /// Makes a Run as people make it.
    async fn make(runtime: &Runtime, store: &SqliteStore, kind: Kind, requester: &str, target: &str) -> Outcome<Self> {
        let run = runtime.submit(request(requester, target)).await?.run;
        until(runtime, run, RunStatus::Requested).await?;
        let decider = address_of("ben", 0);
        match kind {
            Kind::Open => {}
            Kind::Denied => {
                runtime.submit(Submission::deny(run, decider.as_str()).message("use the replica")).await?;
                until(runtime, run, RunStatus::Denied).await?;
            }
            Kind::Held | Kind::Ended => {
                runtime.submit(Submission::approve(run, decider.as_str()).message("go ahead")).await?;
                until(runtime, run, RunStatus::Escalated).await?;
            }
        }
        if kind == Kind::Ended {
            runtime.submit(Submission::revoke(run, requester)).await?;
            until(runtime, run, RunStatus::Deescalated).await?;
        }
        let stored = runtime.run(run).await?;
        let audit = store.audit(Some(run), usize::MAX).await?;
        let ids = audit.iter().map(|entry| entry.event.id.to_string()).chain([run.to_string()]);
        Ok(Self {
            state: serde_json::to_string(&*stored.state)?,
            audit: audit.iter().map(serde_json::to_string).collect::<Result<_, _>>()?,
            ids: ids.collect(),
            requester: runtime.directory().user_by_email(requester).await?.ok_or("the requester is missing")?,
            created_at: stored.state.created_at,
        })
    }

    fn run(&self) -> Outcome<RunId> {
        let state: RunState = serde_json::from_str(&self.state)?;
        Ok(state.run.id())
    }

    /// Returns the commit that writes a copy.
    fn copy(&self, runtime: &Runtime, number: u32, requester: &User) -> Outcome<Commit> {
        // Text takes the ids wherever they are.
        let mut pairs = vec![
            (self.requester.id().to_string(), requester.id().to_string()),
            (self.requester.username().to_owned(), requester.username().to_owned()),
        ];
        for (at, id) in (0_u128..).zip(&self.ids) {
            let new = Uuid::from_u128((u128::from(number) + 1) << 16 | at);
            pairs.push((id.clone(), new.to_string()));
        }
        let renamed = |text: &str| pairs.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new));
        let mut state: Value = serde_json::from_str(&renamed(&self.state))?;
        let created_at = self.created_at - jiff::SignedDuration::from_secs(i64::from(number) * INTERVAL_SECONDS);
        state["created_at"] = created_at.to_string().into();
        let state: RunState = serde_json::from_value(state)?;
        let audit = self.audit.iter().map(|entry| serde_json::from_str::<AuditEntry>(&renamed(entry)));
        let audit = audit.collect::<Result<Vec<_>, _>>()?;

        let run = state.run.id();
        let flow = runtime.flow(FLOW)?;
        // It changes nothing, and is filled with what the whole Run has come to.
        let input = Input::new(run, state.flow.clone(), created_at, InputBody::Rearm);
        let transition = step(&Rules { flow: &flow, hooks: Hooks::NONE }, None, &input);
        let mut commit = Commit::new(run, 0, InputKey::new(format!("copy:{number}")), transition);
        if state.may_hold_access() {
            let timers = state.timers.iter();
            commit.timers = timers
                .map(|(kind, timer)| TimerChange::Set { kind: *kind, at: timer.at, generation: timer.generation })
                .collect();
            commit.holds = state
                .access
                .grant()
                .map(|grant| EntitlementChange::Hold(grant.entitlement.clone()))
                .into_iter()
                .collect();
        }
        (commit.state, commit.audit) = (Some(Arc::new(state)), audit);
        Ok(commit)
    }
}

/// Waits until a Run has a status, and nothing of it is in flight.
async fn until(runtime: &Runtime, run: RunId, status: RunStatus) -> Outcome<()> {
    let begun = Instant::now();
    loop {
        let stored = runtime.run(run).await?;
        if stored.state.run.status() == status && stored.state.active_event.is_none() && stored.state.pending.is_empty()
        {
            return Ok(());
        }
        if begun.elapsed() > SETTLE_TIMEOUT {
            return Err(format!("Run {run} is {}, and not yet {status}", stored.state.run.status()).into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
