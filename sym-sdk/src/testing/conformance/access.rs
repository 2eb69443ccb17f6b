//! Access health: Runs that may hold access, and those whose access nothing would end.

use std::sync::Arc;
use std::time::Duration;

use super::{Checked, SECOND, at, run_id, write};
use crate::engine::{Commit, InputKey, RunFilter, RunOrder, RunQuery, Store, StoreError};
use crate::machine::{
    Action, EffectError, EffectKey, Input, InputBody, Outcome, RequestInput, Routing, Rules, RunState, TimerKind, step,
};
use crate::model::{
    AccessTarget, Channel, ChannelType, EventId, Flow, FlowParams, Hooks, RunId, RunStatus, Slug, Strategy, User,
    UserId, UserRole,
};
use crate::routing::RequestPermission;

/// A Run that is stepped by the machine, with a commit for each step.
struct SteppedRun<'a, S> {
    store: &'a S,
    flow: Flow,
    run: RunId,
    now: i64,
    version: u64,
    state: Option<Arc<RunState>>,
}

impl<'a, S: Store> SteppedRun<'a, S> {
    fn new(store: &'a S, number: u128) -> Self {
        let target = AccessTarget::new("acme", "okta_group", Slug::lossy("admins"));
        let strategy = Strategy::new(Slug::lossy("prod"), "okta").with_target(target);
        let params = FlowParams { durations: vec![60 * SECOND], ..FlowParams::default() };
        let flow = Flow::builder(Slug::lossy("prod"), "acme").strategy(strategy).params(params).build();
        Self { store, flow, run: run_id(number), now: 0, version: 0, state: None }
    }

    async fn step(&mut self, body: InputBody) -> Checked {
        self.step_with(body, |_| {}).await
    }

    /// Steps the Run and changes the commit before it is written.
    async fn step_with(&mut self, body: InputBody, lose: impl FnOnce(&mut Commit)) -> Checked {
        let settles = match body {
            InputBody::EffectDone { seq, .. } => Some(EffectKey { run: self.run, seq }),
            _ => None,
        };
        let input = Input::new(self.run, self.flow.srn().clone(), at(self.now), body);
        let transition = step(&Rules { flow: &self.flow, hooks: Hooks::NONE }, self.state.as_deref(), &input);
        let key = InputKey::new(format!("{}:{}", self.run, self.version));
        let mut commit = Commit { settles, ..Commit::new(self.run, self.version, key, transition) };
        lose(&mut commit);
        self.state = commit.state.clone();
        self.version += 1;
        write(self.store, commit).await
    }

    async fn act(&mut self, action: Action) -> Checked {
        let email = if matches!(action, Action::Request(_)) { "ana@example.com" } else { "ada@example.com" };
        let actor = User::from_email(email).expect("an e-mail address");
        let event = EventId::from_uuid(uuid::Uuid::from_u128(u128::from(self.version)));
        let (actor, channel) = (Arc::new(actor.with_role(UserRole::Admin)), Channel::new(ChannelType::Api));
        self.step(InputBody::Submitted { event, actor, channel, action }).await
    }

    /// Returns the outcome of the active event, or of the revocation.
    fn done(&self, outcome: Outcome) -> InputBody {
        let state = self.state.as_deref().expect("the Run exists");
        let revocation = || state.pending_expiry().and_then(|end| end.effect);
        let seq = state.active_event.as_ref().map(|cycle| cycle.seq).or_else(revocation);
        InputBody::EffectDone { seq: seq.expect("an effect is pending"), outcome }
    }

    /// Steps the Run until the strategy is called, and returns the input that calls it.
    async fn identified(&mut self) -> Result<InputBody, StoreError> {
        let request = RequestInput {
            target: self.flow.strategy().and_then(|strategy| strategy.targets().first().cloned()),
            duration: Some(60 * SECOND),
            ..RequestInput::default()
        };
        self.act(Action::Request(Box::new(request))).await?;
        let routing = Routing::new(RequestPermission::admins_only(), Vec::new());
        self.step(self.done(Outcome::Routed { handlers: Vec::new(), routing })).await?;
        self.act(Action::approve()).await?;
        let outcome = Outcome::Identified {
            identity: "u1".to_owned(),
            resource: "r".to_owned(),
            handler: None,
            settle_time: Duration::ZERO,
            has_standing_access: false,
            prior: None,
            level: None,
            enforces_end: false,
        };
        Ok(self.done(outcome))
    }

    async fn held(&mut self) -> Checked {
        let identified = self.identified().await?;
        self.step(identified).await?;
        self.step(self.done(Outcome::Granted { output: None })).await
    }

    /// Returns a failure of the pending effect, after which it is retried.
    fn failed(&self) -> InputBody {
        self.done(Outcome::Failed(EffectError::new(
            crate::error::ErrorKind::Handler,
            crate::error::codes::HANDLER_FAILED,
            "failed",
        )))
    }

    fn status(&self) -> Option<RunStatus> {
        self.state.as_deref().map(|state| state.run.status())
    }
}

fn lose_timers(commit: &mut Commit) {
    assert!(commit.timers.iter().any(|change| matches!(change, crate::machine::TimerChange::Set { .. })));
    commit.timers.clear();
}

fn lose_effects(commit: &mut Commit) {
    assert!(!commit.effects.is_empty());
    commit.effects.clear();
}

async fn runs_missing_expiry(store: &impl Store) -> Result<Vec<RunId>, StoreError> {
    let runs = store.runs_missing_expiry(10).await?;
    let counted = store.access_health(at(0)).await?.missing_expiry;
    assert_eq!(counted, u64::try_from(runs.len()).unwrap_or(u64::MAX), "the count matches the list");
    Ok(runs.iter().map(|run| run.state.run.id()).collect())
}

#[doc(hidden)]
pub async fn access_with_a_stored_expiry_is_not_reported(store: &impl Store) -> Checked {
    let mut run = SteppedRun::new(store, 1);
    let identified = run.identified().await?;
    assert_eq!(store.access_health(at(0)).await?.total(), 0, "no Run holds access");
    run.step(identified).await?;
    assert_eq!(runs_missing_expiry(store).await?, [], "the grant is pending, and its expiry is set");
    run.step(run.done(Outcome::Granted { output: None })).await?;
    assert_eq!(run.status(), Some(RunStatus::Escalated));
    assert_eq!(runs_missing_expiry(store).await?, []);
    run.act(Action::Revoke).await?;
    assert_eq!(runs_missing_expiry(store).await?, [], "the revocation is pending");
    run.step(run.failed()).await?;
    assert_eq!(runs_missing_expiry(store).await?, [], "the revocation is pending again");
    assert_eq!(store.access_health(at(0)).await?.total(), 1);
    run.step(run.done(Outcome::Revoked(Default::default()))).await?;
    assert_eq!(run.status(), Some(RunStatus::Deescalated));
    assert_eq!(runs_missing_expiry(store).await?, []);
    assert_eq!(store.access_health(at(0)).await?.total(), 0);
    Ok(())
}

#[doc(hidden)]
pub async fn access_without_a_stored_expiry_is_found(store: &impl Store) -> Checked {
    let mut timer = SteppedRun::new(store, 1);
    let identified = timer.identified().await?;
    timer.step_with(identified, lose_timers).await?;
    assert_eq!(runs_missing_expiry(store).await?, [timer.run], "the expiry timer is missing");

    let mut grant = SteppedRun::new(store, 2);
    let identified = grant.identified().await?;
    grant.step_with(identified, lose_effects).await?;
    assert_eq!(runs_missing_expiry(store).await?, [grant.run, timer.run], "the pending grant is missing");

    let mut revocation = SteppedRun::new(store, 3);
    revocation.held().await?;
    revocation.act(Action::Revoke).await?;
    let failed = revocation.failed();
    revocation.step_with(failed, lose_effects).await?;
    assert_eq!(runs_missing_expiry(store).await?.len(), 3, "the revocation is missing");

    // A Run that is rearmed has a new generation: the old timer would do nothing.
    let mut stale = SteppedRun::new(store, 4);
    stale.held().await?;
    assert_eq!(runs_missing_expiry(store).await?.len(), 3);
    stale.step_with(InputBody::Rearm, lose_timers).await?;
    assert_eq!(runs_missing_expiry(store).await?.len(), 4);
    assert_eq!(store.due_timers(at(1_000), 10).await?.first().map(|timer| timer.key.kind), Some(TimerKind::Expire));

    let newest: Vec<_> = store.runs_missing_expiry(1).await?.iter().map(|run| run.state.run.id()).collect();
    assert_eq!(newest, [stale.run], "at most the limit");
    for run in [&mut timer, &mut grant, &mut revocation, &mut stale] {
        run.step(InputBody::Rearm).await?;
    }
    assert_eq!(runs_missing_expiry(store).await?, [], "everything is rearmed");
    Ok(())
}

#[doc(hidden)]
pub async fn runs_are_listed_by_requester(store: &impl Store) -> Checked {
    for number in 1..=2 {
        SteppedRun::new(store, number).act(Action::Request(Box::default())).await?;
    }
    let listed = async |flow: Option<&str>, email| {
        let (flow, requester) = (flow.map(str::to_owned), Some(UserId::from_email(email)));
        let runs = store.runs(RunFilter { flow, requester, ..RunFilter::default() }, 10).await?;
        Ok::<_, StoreError>(runs.len())
    };
    assert_eq!(listed(None, "ana@example.com").await?, 2);
    assert_eq!(listed(Some("prod"), "ana@example.com").await?, 2);
    assert_eq!(listed(Some("other"), "ana@example.com").await?, 0);
    assert_eq!(listed(None, "ada@example.com").await?, 0);
    Ok(())
}

#[doc(hidden)]
pub async fn runs_are_listed_by_entitlement(store: &impl Store) -> Checked {
    let (mut held, mut ended) = (SteppedRun::new(store, 1), SteppedRun::new(store, 2));
    for run in [&mut held, &mut ended] {
        run.held().await?;
    }
    SteppedRun::new(store, 3).act(Action::Request(Box::default())).await?;
    ended.act(Action::Revoke).await?;
    let grant = held.state.as_ref().and_then(|state| state.access.grant()).expect("access is held");
    let of_key = RunFilter { entitlement: Some(grant.entitlement.clone()), ..RunFilter::default() };
    let ids = async |filter: RunFilter| -> Result<Vec<RunId>, StoreError> {
        Ok(store.runs(filter, 10).await?.iter().map(|run| run.state.run.id()).collect())
    };
    let (holding, ended_only) =
        (RunFilter { may_hold_access: true, ..of_key.clone() }, RunFilter { without_access: true, ..of_key.clone() });
    assert_eq!(ids(holding.clone()).await?, [run_id(2), run_id(1)], "the revocation is pending");
    ended.step(ended.done(Outcome::Revoked(Default::default()))).await?;
    assert_eq!(ids(of_key.clone()).await?, [run_id(2), run_id(1)]);
    assert_eq!(ids(holding).await?, [run_id(1)]);
    assert_eq!(ids(ended_only).await?, [run_id(2)]);
    let other_key = RunFilter { entitlement: Some(super::entitlement("other")), ..RunFilter::default() };
    assert_eq!(ids(other_key).await?, []);
    let not_at = |level: Option<&str>| RunFilter { other_level_than: Some(level.map(str::to_owned)), ..of_key.clone() };
    assert_eq!(ids(not_at(None)).await?, [], "both are without a level");
    assert_eq!(ids(not_at(Some("admin"))).await?, [run_id(2), run_id(1)]);
    Ok(())
}

#[doc(hidden)]
pub async fn stuck_and_late_access_is_counted(store: &impl Store) -> Checked {
    let (mut healthy, mut late, mut stuck) =
        (SteppedRun::new(store, 1), SteppedRun::new(store, 2), SteppedRun::new(store, 3));
    stuck.now = 100;
    healthy.now = 200;
    for run in [&mut healthy, &mut late, &mut stuck] {
        run.held().await?;
    }
    stuck.act(Action::Revoke).await?;
    let filter = RunFilter { stuck: true, ..RunFilter::default() };
    assert!(store.runs(filter.clone(), 10).await?.is_empty(), "no revocation has failed");
    stuck.step(stuck.failed()).await?;
    let listed: Vec<_> = store.runs(filter.clone(), 10).await?.iter().map(|run| run.state.run.id()).collect();
    assert_eq!(listed, [stuck.run]);

    let health = store.access_health(at(61)).await?;
    assert_eq!((health.total(), health.late, health.stuck, health.missing_expiry), (3, 1, 1, 0));
    assert_eq!(health.holding.get("prod"), Some(&3));
    assert_eq!(store.access_health(at(60)).await?.late, 0, "access is not late at its last moment");
    assert_eq!(store.access_health(at(1_000)).await?.late, 3);

    stuck.step(stuck.done(Outcome::Revoked(Default::default()))).await?;
    assert!(store.runs(filter, 10).await?.is_empty(), "the revocation has succeeded");
    assert_eq!(store.access_health(at(1_000)).await?.stuck, 0);
    Ok(())
}

#[doc(hidden)]
pub async fn access_is_listed_by_its_end(store: &impl Store) -> Checked {
    let mut runs: Vec<_> = (1..=5).map(|number| SteppedRun::new(store, number)).collect();
    // The first three end in another order than that in which they began, and two at the same time.
    for (run, now) in runs.iter_mut().zip([200, 100, 100, 300, 0]) {
        run.now = now;
        run.held().await?;
    }
    if let [_, _, _, stuck, ended] = runs.as_mut_slice() {
        stuck.act(Action::Revoke).await?;
        stuck.step(stuck.failed()).await?;
        ended.act(Action::Revoke).await?;
        ended.step(ended.done(Outcome::Revoked(Default::default()))).await?;
    }
    SteppedRun::new(store, 6).act(Action::Request(Box::default())).await?;
    for filter in [RunFilter::default(), RunFilter { requester_name: Some("ANA@".into()), ..RunFilter::default() }] {
        let query = || RunQuery::new(filter.clone(), None).in_order(RunOrder::SoonestEndFirst).with_limit(2);
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let query = match cursor {
                Some(cursor) => query().after(cursor).expect("a cursor of this query"),
                None => query(),
            };
            let page = store.find_runs(&query).await?;
            assert_eq!(store.count_runs(&query).await?, page.runs.len(), "what is counted is what is found");
            found.extend(page.runs.iter().map(|run| run.state.run.id()));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, [4, 2, 3, 1].map(run_id), "what has not ended when it was to, and then what ends next");
    }
    let other = RunFilter { requester_name: Some("ben".into()), ..RunFilter::default() };
    let other = RunQuery::new(other, None).in_order(RunOrder::SoonestEndFirst);
    assert!(store.find_runs(&other).await?.runs.is_empty());
    let oldest = store.find_runs(&RunQuery::new(RunFilter::default(), None).in_order(RunOrder::OldestFirst)).await?;
    let oldest: Vec<_> = oldest.runs.iter().map(|run| run.state.run.id()).collect();
    assert_eq!(oldest, [5, 6, 2, 3, 1, 4].map(run_id), "in the order in which they were created");
    Ok(())
}
