//! The engine that runs within one process, on a store of its own.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::Timestamp;
use tokio::sync::futures::Notified;
use tracing::{Instrument, Span};

use super::Engine;
use super::backoff::redelivery_delay;
use super::news::{Concerned, News};
use super::observability;
use super::process::Process;
use super::recent::Recent;
use super::store::{
    Backlog, Claim, Claimed, Commit, Committed, DueTimer, InputKey, RunFilter, Store, StoreError, StoredRun, TimerKey,
};
use super::under_way::UnderWay;
use crate::audit::AuditEntry;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::machine::{
    Effect, EffectError, EffectKey, EffectKind, Input, InputBody, Lane, Outcome, REVOKE_DELAY_MAX, Reply,
};
use crate::model::{RunId, Srn};

/// How long a claimed effect is nobody else's, if nothing else is said. Longer than the default limits of what an effect calls.
const LEASE: Duration = Duration::from_secs(10 * 60);

/// How long the store may take for one call, if nothing else is said.
const STORE_LIMIT: Duration = Duration::from_secs(30);

/// Clocks are corrected by less than this all the time.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// So many Runs are forgotten with one write, which others wait for.
const PRUNED_AT_ONCE: usize = 64;

/// An effect that was begun this often and never reported back takes the process down with it, or outlives every lease.
/// Revocations are tried all the same.
const LOST_MAX: u32 = 5;

/// Commits of other inputs of the same Run come first this often at the most. Each of them is progress, so this only guards
/// against a store that is out of order.
const CONFLICTS_MAX: u32 = 1_000;

/// What waits for a call that has outlived its lease is tried again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Runs the machine on a [`Store`], within the process.
pub struct LocalEngine {
    store: Arc<dyn Store>,
    process: Arc<dyn Process>,
    clock: Arc<dyn Clock>,
    lease: Duration,
    store_limit: Duration,
    under_way: UnderWay,
    recent: Recent,
    pub(super) news: News,
}

impl LocalEngine {
    /// An engine for this program on this store.
    pub fn new(store: Arc<dyn Store>, process: Arc<dyn Process>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            process,
            clock,
            lease: LEASE,
            store_limit: STORE_LIMIT,
            under_way: UnderWay::default(),
            recent: Recent::default(),
            news: News::default(),
        }
    }

    /// How long a claimed effect is nobody else's: longer than any effect takes, or it is carried out twice at once.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long the store may take for one call, apart from listings, which take as long as there is to list. A commit that takes
    /// longer may have been written all the same: the same input again then gets its answer.
    #[must_use]
    pub fn with_store_limit(mut self, limit: Duration) -> Self {
        self.store_limit = limit;
        self
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns when something has been committed since this was called.
    pub(crate) fn committed(&self) -> Notified<'_> {
        self.news.of_commits()
    }

    /// Does one thing that is due, most urgent first: carries out an effect or fires a timer. Says whether there was one.
    ///
    /// Tests and simulations drive the engine with this, in a deterministic order. A server has
    /// [`Workers`](super::Workers).
    ///
    /// # Errors
    /// If the store fails, or a Run's flow is not configured.
    pub async fn run_one(&self) -> Result<bool> {
        for lane in Lane::ALL {
            if let Some(claimed) = self.claim(lane, 1, usize::MAX).await?.pop() {
                self.carry_out(claimed).await?;
                return Ok(true);
            }
        }
        match self.due_timers(self.clock.now(), 1).await?.pop() {
            Some(timer) => self.fire(timer).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// When the next effect or timer falls due.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.within(self.store.next_due()).await
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn runs(&self, filter: RunFilter, limit: usize) -> Result<Vec<StoredRun>> {
        Ok(self.store.runs(filter, limit).await?)
    }

    /// Audit entries in the order of their commits, of one Run or of all.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn audit(&self, run: Option<RunId>, limit: usize) -> Result<Vec<AuditEntry>> {
        let entries = self.store.audit(run, limit);
        // Front ends ask for those of one Run, and there are never many.
        if run.is_some() { self.within(entries).await } else { Ok(entries.await?) }
    }

    /// Looks for what was written while the clock was ahead, and has it count from now: retries would wait, and access would
    /// last, for as much longer. Says how many effects and Runs that were. Workers do this by themselves when the clock is set
    /// back, but cannot know of what happened before they were started.
    ///
    /// # Errors
    /// If the store fails, for one Run or for all. The others have been looked at.
    pub async fn bring_forward(&self) -> Result<usize> {
        let now = self.clock.now();
        let after = |time| now.saturating_add(time).unwrap_or(Timestamp::MAX);
        let effects = self.within(self.store.bring_forward(after(self.lease.max(REVOKE_DELAY_MAX)))).await?;
        let changed_after = Some(after(CLOCK_TOLERANCE));
        let filter = RunFilter { active: true, changed_after, ..RunFilter::default() };
        let (mut runs, mut failed) = (0, None);
        for run in self.runs(filter, usize::MAX).await? {
            let id = run.state.run.id();
            let input = Input::new(id, run.state.flow.clone(), now, InputBody::ClockSetBack);
            let key = InputKey::new(format!("clock:{id}:{}:{now}", run.version));
            match self.take(key, input, None, None).await {
                Ok(Reply::Accepted { .. }) => runs += 1,
                Ok(_) => {}
                // One Run that cannot be stepped must not keep the others from being looked at.
                Err(error) => {
                    tracing::error!(%error, run = %id, "could not bring the end of an access forward");
                    failed = failed.or(Some(error).filter(Error::is_retryable));
                }
            }
        }
        if effects + runs > 0 {
            tracing::warn!(effects, runs, "the clock was ahead; what it had put off was brought forward");
            self.news.tell(Concerned::EVERYONE);
        }
        failed.map_or(Ok(effects + runs), Err)
    }

    /// Forgets Runs that are at rest and have not changed for this long, in small steps that hold nobody up; says how many
    /// Runs, and answers to inputs that began none, that were.
    ///
    /// # Errors
    /// If the store fails. What was forgotten by then stays so.
    pub async fn prune(&self, older_than: Duration) -> Result<usize> {
        let before = self.clock.now().saturating_sub(older_than).unwrap_or(Timestamp::MIN);
        let mut pruned = 0;
        loop {
            match self.within(self.store.prune(before, PRUNED_AT_ONCE)).await? {
                0 => return Ok(pruned),
                some => pruned += some,
            }
        }
    }

    /// Tells metrics of what is due and has not been begun.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn measure_backlog(&self) -> Result<Backlog> {
        let now = self.clock.now();
        let late = now.saturating_sub(observability::LATE).unwrap_or(Timestamp::MIN);
        let backlog = self.within(self.store.backlog(now, late)).await?;
        observability::backlog(&backlog, now);
        Ok(backlog)
    }

    /// Whether the clock was set back, and by more than a little.
    pub(super) fn was_set_back(&self, seen: Timestamp) -> bool {
        self.clock.now().saturating_add(CLOCK_TOLERANCE).is_ok_and(|now| now < seen)
    }

    /// Claims what is due in a lane. Each bulkhead gets a part of the leases.
    pub(super) async fn claim(&self, lane: Lane, limit: usize, per_bulkhead: usize) -> Result<Vec<Claimed>> {
        if limit == 0 {
            // It would be one more write for each commit while all workers of a lane are busy.
            return Ok(Vec::new());
        }
        let claim = Claim::new(lane, self.clock.now(), self.lease, limit).per_bulkhead(per_bulkhead);
        self.within(self.store.claim(claim)).await
    }

    pub(super) async fn due_timers(&self, now: Timestamp, limit: usize) -> Result<Vec<DueTimer>> {
        self.within(self.store.due_timers(now, limit)).await
    }

    /// Gives a claimed effect back: it can be claimed again after `delay`.
    pub(super) async fn hand_back(&self, key: EffectKey, claims: u32, delay: Duration) -> Result<()> {
        let not_before = self.clock.now().saturating_add(delay).unwrap_or(Timestamp::MAX);
        let _wake = Wake(&self.news, Concerned::EVERYONE);
        self.within(self.store.release(key, claims, not_before)).await
    }

    /// Carries out a claimed effect and brings its outcome to the Run.
    pub(super) async fn carry_out(&self, claimed: Claimed) -> Result<()> {
        let (key, claims) = (claimed.effect.key, claimed.claims);
        let Some(_under_way) = self.under_way.begin(&claimed.effect) else {
            // Its lease has run out, or that of an effect which excludes it, and the call goes on all the same.
            return self.put_off(key, claims, LOOK_AGAIN).await;
        };
        let span = observability::effect_span(&claimed.effect);
        let done = self.try_carry_out(claimed, &span).instrument(span.clone()).await;
        if done.is_err() {
            // The outcome could not be stored. The effect stays due, and its key tells the world that it is the same one.
            self.put_off(key, claims, redelivery_delay(key, claims)).await?;
        }
        done
    }

    /// Gives back what was not done, or not recorded. If the store does not take that either, the lease runs out, which says
    /// nothing about the effect.
    async fn put_off(&self, key: EffectKey, claims: u32, delay: Duration) -> Result<()> {
        let handed_back = self.hand_back(key, claims, delay).await;
        if handed_back.is_err() {
            self.under_way.note_kept_lease(key);
        }
        handed_back
    }

    /// Awaits the store, for a while: whoever waits for a disk that never answers would wait with it.
    async fn within<T>(&self, call: BoxFuture<'_, Result<T, StoreError>>) -> Result<T> {
        match select(call, self.clock.sleep(self.store_limit)).await {
            Either::Left((answer, _)) => Ok(answer?),
            Either::Right(((), _)) => {
                let message = format!("the store took longer than its limit of {:?}", self.store_limit);
                Err(Error::new(ErrorKind::Timeout, codes::STORE, message))
            }
        }
    }

    async fn try_carry_out(&self, claimed: Claimed, span: &Span) -> Result<()> {
        let begun = self.clock.now();
        observability::effect_begun(&claimed, begun);
        let Claimed { effect, lost, .. } = claimed;
        let (key, kind) = (effect.key, effect.kind.name());
        let lost = lost.saturating_sub(self.under_way.kept_leases(key));
        // What is kept may be from before the effect was asked for.
        let kept = self.recent.get(key.run).filter(|run| run.state.pending.contains_key(&key.seq));
        let run = match kept {
            Some(run) => Some(run),
            None => self.load(key.run).await?,
        };
        let Some(run) = run else {
            let message = format!("effect {key} is of no known Run");
            return Err(Error::new(ErrorKind::Internal, codes::UNKNOWN_RUN, message));
        };
        let flow = run.state.flow.clone();
        let outcome = if lost >= LOST_MAX && !matches!(effect.kind, EffectKind::Revoke { .. }) {
            let message = format!("gave up after {LOST_MAX} attempts that never reported back");
            Outcome::Failed(EffectError::new(codes::HANDLER_FAILED, message))
        } else {
            let holders = self.other_holders(&effect).await?;
            self.process.perform(effect, run.state, holders).await
        };
        observability::effect_ended(span, kind, &outcome, begun, self.clock.now());
        self.deliver(key, flow, outcome).await?;
        self.under_way.forget_kept_leases(key);
        Ok(())
    }

    /// Reads a Run, and keeps it for the next step.
    async fn load(&self, run: RunId) -> Result<Option<StoredRun>> {
        let stored = self.within(self.store.load(run)).await?;
        match &stored {
            Some(stored) => self.recent.keep(run, stored.clone()),
            None => self.recent.forget(run),
        }
        Ok(stored)
    }

    async fn other_holders(&self, effect: &Effect) -> Result<Vec<RunId>> {
        let (EffectKind::Revoke { .. }, Some(entitlement)) = (&effect.kind, &effect.exclusive) else {
            return Ok(Vec::new());
        };
        let mut holders = self.within(self.store.holders(entitlement)).await?;
        holders.retain(|run| *run != effect.key.run);
        Ok(holders)
    }

    async fn deliver(&self, key: EffectKey, flow: Srn, outcome: Outcome) -> Result<()> {
        let body = InputBody::EffectDone { seq: key.seq, outcome };
        let input = Input::new(key.run, flow, self.clock.now(), body);
        self.take(InputKey::effect(key), input, Some(key), None).await.map(drop)
    }

    pub(super) async fn fire(&self, timer: DueTimer) -> Result<()> {
        observability::timer_fired(&timer, self.clock.now());
        let DueTimer { key, generation, .. } = timer;
        let Some(run) = self.load(key.run).await? else {
            let message = format!("a timer is of Run {}, which is not known", key.run);
            return Err(Error::new(ErrorKind::Internal, codes::UNKNOWN_RUN, message));
        };
        let body = InputBody::TimerFired { kind: key.kind, generation };
        let input = Input::new(key.run, run.state.flow.clone(), self.clock.now(), body);
        self.take(InputKey::timer(key, generation), input, None, Some((key, generation))).await.map(drop)
    }

    /// Steps the Run with the input and commits what follows, until no other commit comes first.
    async fn take(
        &self,
        key: InputKey,
        input: Input,
        settles: Option<EffectKey>,
        fired: Option<(TimerKey, u64)>,
    ) -> Result<Reply> {
        let span = observability::input_span(key.as_str(), &input);
        self.step_and_commit(key, input, settles, fired).instrument(span).await
    }

    async fn step_and_commit(
        &self,
        key: InputKey,
        input: Input,
        settles: Option<EffectKey>,
        fired: Option<(TimerKey, u64)>,
    ) -> Result<Reply> {
        let mut run = match self.recent.get(input.run) {
            Some(run) => Some(run),
            None => self.load(input.run).await?,
        };
        for _ in 0..CONFLICTS_MAX {
            let transition = self.process.step(run.as_ref().map(|run| &*run.state), &input)?;
            let reply = transition.reply.clone();
            let version = run.map_or(0, |run| run.version);
            let commit = Commit { settles, fired, ..Commit::new(input.run, version, key.clone(), transition) };
            let state = commit.state.clone();
            // Whatever is heard of the commit: it may have been written.
            let mut wake = Wake(&self.news, Concerned::by(&commit));
            // It may have been written all the same.
            let committed = self.commit(commit).await.inspect_err(|_| self.recent.forget(input.run))?;
            match committed {
                Committed::Written => {
                    if let Some(state) = state {
                        self.recent.keep(input.run, StoredRun::new(version + 1, state));
                    }
                    observability::input_taken(&input, &reply);
                    return Ok(reply);
                }
                Committed::Duplicate(reply) => {
                    // Nobody may have been told of the commit that this repeats.
                    wake.1 = Concerned::EVERYONE;
                    return Ok(reply);
                }
                Committed::Conflict => run = self.load(input.run).await?,
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            codes::STORE,
            format!("Run {} changed {CONFLICTS_MAX} times while one input was stepped", input.run),
        ))
    }

    async fn commit(&self, commit: Commit) -> Result<Committed> {
        let begun = self.clock.now();
        let committed = self.within(self.store.commit(commit)).await;
        let result = match &committed {
            Ok(Committed::Written) => "written",
            Ok(Committed::Duplicate(_)) => "duplicate",
            Ok(Committed::Conflict) => "conflict",
            Err(_) => "failed",
        };
        observability::commit_ended(result, begun, self.clock.now());
        committed
    }
}

/// Has workers look for something to do, also when nobody waits any more for what they are to look for.
struct Wake<'a>(&'a News, Concerned);

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        self.0.tell(self.1);
    }
}

impl Engine for LocalEngine {
    fn submit(&self, key: InputKey, input: Input) -> BoxFuture<'_, Result<Reply>> {
        Box::pin(async move {
            // Most repeated inputs are seen here, before the machine is asked.
            match self.within(self.store.replied(&key)).await? {
                Some(reply) => Ok(reply),
                None => self.take(key, input, None, None).await,
            }
        })
    }

    fn replied<'a>(&'a self, key: &'a InputKey) -> BoxFuture<'a, Result<Option<Reply>>> {
        Box::pin(self.within(self.store.replied(key)))
    }

    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<StoredRun>>> {
        Box::pin(self.within(self.store.load(run)))
    }
}

impl std::fmt::Debug for LocalEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalEngine").field("clock", &self.clock).finish_non_exhaustive()
    }
}
