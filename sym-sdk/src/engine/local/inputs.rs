//! Delivery of inputs: steps the Run and commits the transition, retrying on conflict.

use tracing::Instrument;

use super::LocalEngine;
use crate::engine::notifier::{WakeSet, WorkerNotifier};
use crate::engine::observability;
use crate::engine::store::{Commit, Committed, DueTimer, InputKey, StoredRun, TimerKey};
use crate::engine::store_condition::is_store_failure;
use crate::engine::unwritten::{OwnInput, ends_access};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{EffectKey, Input, InputBody, InputReply, Lane};

/// The number of conflicts after which an input fails. Each one is progress of another input of the same Run, so this only
/// guards against a store that is out of order.
const MAX_CONFLICTS: u32 = 1_000;

impl LocalEngine {
    /// Fires a due timer. One that ends access fires in memory if the store cannot write that.
    pub(in crate::engine) async fn fire(&self, timer: DueTimer) -> Result<()> {
        observability::timer_fired(&timer, self.clock.now());
        let DueTimer { key, generation, .. } = timer;
        let run = match self.unwritten.latest(key.run) {
            Some(run) => Some(run),
            None => match self.load(key.run).await {
                // What is cached may be old. A timer that it no longer waits for is ignored when it is written.
                Err(error) if is_store_failure(&error) => Some(self.run_cache.get(key.run).ok_or(error)?),
                loaded => loaded?,
            },
        };
        let Some(run) = run else {
            let message = format!("a timer belongs to Run {}, which does not exist", key.run);
            return Err(Error::new(ErrorKind::Internal, codes::UNKNOWN_RUN, message));
        };
        let body = InputBody::TimerFired { kind: key.kind, generation };
        let input = Input::new(key.run, run.state.flow.clone(), self.clock.now(), body);
        let fired = Some((key, generation));
        let key = InputKey::timer(key, generation);
        if ends_access(timer.key.kind) {
            return self.deliver_or_keep(OwnInput { key, input, settles: None, fired }, None).await;
        }
        self.write_kept_of(input.run).await?;
        self.deliver(key, input, None, fired).await.map(drop)
    }

    /// Steps the Run with the input and commits what follows, until no other commit comes first.
    pub(super) async fn deliver(
        &self,
        key: InputKey,
        input: Input,
        settles: Option<EffectKey>,
        fired: Option<(TimerKey, u64)>,
    ) -> Result<InputReply> {
        let span = observability::input_span(key.as_str(), &input);
        let delivered = async {
            let mut run = match self.run_cache.get(input.run) {
                Some(run) => Some(run),
                None => self.load(input.run).await?,
            };
            for _ in 0..MAX_CONFLICTS {
                let transition = self.handler.step(run.as_ref().map(|run| &*run.state), &input)?;
                let reply = transition.reply.clone();
                let version = run.map_or(0, |run| run.version);
                let mut commit = Commit { settles, fired, ..Commit::new(input.run, version, key.clone(), transition) };
                let state = commit.state.clone();
                // A commit that fails, or whose caller is dropped, may have been written all the same. So workers are woken in any case,
                // and an error invalidates the cached Run.
                let mut wake = WakeOnDrop { notifier: &self.notifier, set: WakeSet::for_commit(&commit) };
                let count = |lane| commit.effects.iter().filter(|effect| effect.lane() == lane).count();
                let added = Lane::ALL.map(|lane| (lane, count(lane)));
                let now = self.clock.now();
                let reserved = self.commit_leases.reserve(&commit.effects, now, self.lease, &self.notifier);
                commit.claims = reserved.as_ref().map(|reserved| reserved.claims().to_vec()).unwrap_or_default();
                let committed = self.commit(commit).await.inspect_err(|_| self.run_cache.remove(input.run))?;
                if let Some(reserved) = reserved {
                    let leased = match &committed {
                        Committed::Written { leased } => reserved.leased(leased),
                        _ => reserved.leased(&[]),
                    };
                    let all =
                        added.into_iter().zip(leased).filter(|((_, added), leased)| *added > 0 && added == leased);
                    all.for_each(|((lane, _), _)| wake.set.leased(lane));
                }
                match committed {
                    Committed::Written { .. } => {
                        if let Some(state) = state {
                            self.run_cache.insert(input.run, StoredRun::new(version + 1, state));
                        }
                        if reply == InputReply::Stale {
                            // It may have been delivered before, by a commit that was reported as failed: it woke nobody.
                            wake.set = WakeSet::ALL;
                        }
                        observability::input_delivered(&input, &reply);
                        return Ok(reply);
                    }
                    Committed::Duplicate(reply) => {
                        // The process may have ended between the first commit and its wake-up.
                        wake.set = WakeSet::ALL;
                        return Ok(reply);
                    }
                    Committed::Conflict => run = self.load(input.run).await?,
                }
            }
            Err(Error::new(
                ErrorKind::Unavailable,
                codes::STORE,
                format!("Run {} changed {MAX_CONFLICTS} times while one input was delivered", input.run),
            ))
        };
        delivered.instrument(span).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed> {
        let started = self.clock.now();
        let takes_access_away = commit.takes_access_away();
        let committed = self.await_store(self.store.commit(commit)).await;
        match &committed {
            Ok(Committed::Written { .. }) => self.write_succeeded(takes_access_away),
            Ok(_) => {}
            Err(error) => self.write_failed(error),
        }
        let result = match &committed {
            Ok(Committed::Written { .. }) => "written",
            Ok(Committed::Duplicate(_)) => "duplicate",
            Ok(Committed::Conflict) => "conflict",
            Err(_) => "failed",
        };
        observability::commit_ended(result, started, self.clock.now());
        committed
    }
}

/// Wakes workers when it is dropped, also if the future that holds it is.
pub(super) struct WakeOnDrop<'a> {
    pub(super) notifier: &'a WorkerNotifier,
    pub(super) set: WakeSet,
}

impl Drop for WakeOnDrop<'_> {
    fn drop(&mut self) {
        self.notifier.wake(self.set);
    }
}
