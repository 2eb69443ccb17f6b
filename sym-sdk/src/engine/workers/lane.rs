//! Carries out the effects of one lane.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use super::{BULKHEAD_PART, Phase, stopped, until_due};
use crate::engine::news::Concerned;
use crate::engine::{Claimed, LocalEngine};
use crate::machine::{EffectKey, Lane};

/// Works until it is told to stop, and then ends what is under way as it is told.
pub(super) async fn carry_out(engine: Arc<LocalEngine>, lane: Lane, limit: usize, mut told: watch::Receiver<Phase>) {
    let mut under_way = UnderWay { engine, lane, tasks: JoinSet::new(), leases: HashMap::new() };
    let per_bulkhead = limit.div_ceil(BULKHEAD_PART);
    while *told.borrow() == Phase::Work && told.has_changed().is_ok() {
        let engine = under_way.engine.clone();
        // Registered before looking, so that a commit in between is not missed.
        let woken = engine.news.of_lane(lane);
        tokio::pin!(woken);
        woken.as_mut().enable();
        under_way.note_those_that_ended();
        let free = limit.saturating_sub(under_way.tasks.len());
        let claimed = match engine.claim(lane, free, per_bulkhead).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(%error, ?lane, "could not claim effects");
                Vec::new()
            }
        };
        let was_all = claimed.len() < free.max(1);
        claimed.into_iter().for_each(|claimed| under_way.begin(claimed));
        if was_all {
            tokio::select! {
                biased;
                () = stopped(&mut told) => break,
                () = woken => {}
                // Its bulkhead may have been full.
                () = under_way.one_ended(), if under_way.tasks.len() >= per_bulkhead => {}
                () = until_due(&engine), if free > 0 => {}
            }
        }
    }
    tokio::select! {
        biased;
        () = under_way.all_ended() => return,
        _ = told.wait_for(|phase| *phase == Phase::HandBack) => {}
    }
    under_way.hand_back().await;
}

/// The effects under way, and what they were leased with.
struct UnderWay {
    engine: Arc<LocalEngine>,
    lane: Lane,
    tasks: JoinSet<()>,
    leases: HashMap<Id, (EffectKey, u32)>,
}

impl UnderWay {
    fn begin(&mut self, claimed: Claimed) {
        let (engine, lane) = (self.engine.clone(), self.lane);
        let lease = (claimed.effect.key, claimed.claims);
        let task = self.tasks.spawn(async move {
            let (key, is_exclusive) = (claimed.effect.key, claimed.effect.exclusive.is_some());
            if let Err(error) = engine.carry_out(claimed).await {
                tracing::error!(%error, %key, ?lane, "could not carry out an effect; it stays due");
            }
            // What it excluded may begin, in whatever lane that is.
            if is_exclusive {
                engine.news.tell(Concerned::EVERYONE);
            }
        });
        self.leases.insert(task.id(), lease);
    }

    fn note_those_that_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.note(ended);
        }
    }

    async fn one_ended(&mut self) {
        if let Some(ended) = self.tasks.join_next_with_id().await {
            self.note(ended);
        }
    }

    async fn all_ended(&mut self) {
        while !self.tasks.is_empty() {
            self.one_ended().await;
        }
    }

    /// One that panicked keeps its lease: it counts as lost, or it would be tried for ever.
    fn note(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, lane = ?self.lane, "carrying out an effect panicked");
                error.id()
            }
        };
        self.leases.remove(&id);
    }

    /// Cuts off what is under way and gives the leases back.
    async fn hand_back(mut self) {
        self.tasks.abort_all();
        while let Some(ended) = self.tasks.join_next_with_id().await {
            match ended {
                Err(error) if error.is_cancelled() => {}
                ended => self.note(ended),
            }
        }
        for (key, claims) in self.leases.into_values() {
            if let Err(error) = self.engine.hand_back(key, claims, Duration::ZERO).await {
                tracing::error!(%error, %key, "could not hand an effect back; it is due again when its lease ends");
            }
        }
    }
}
