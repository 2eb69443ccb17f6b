//! Standing access: access that the requester has before it is granted. The end of a request must not take it away.
//!
//! It is read when the requester's identity is known, and stored before the grant is requested: a grant that is repeated after a crash
//! cannot mistake its own access for standing. Access that another Run gives, or has given until a moment ago, is not standing
//! either. In doubt, access is not taken for standing, and is revoked at the end of the request: access that is lost too early is asked
//! for again, while access that stays too long is noticed by nobody.

use std::time::Duration;

use jiff::Timestamp;

use super::effect_executor::EffectExecutor;
use crate::engine::{Engine, RunFilter, StoredRun};
use crate::error::Result;
use crate::machine::{Access, EntitlementKey, Grant, RunState};
use crate::model::{AccessTarget, RunStatus, User};
use crate::strategy::DynAccessStrategy;
use crate::time::TimestampExt;

/// The time after the end of a Run's access for which the target may still show it.
const ENDED_ACCESS_TTL: Duration = Duration::from_secs(15 * 60);

/// The maximum number of the requester's failed Runs that are looked at. With more of them, access is not taken for standing.
const MAX_FAILED_RUNS: usize = 200;

/// Access that a Run is about to get, and that may exist already.
pub(super) struct Candidate<'a> {
    pub(super) strategy: &'a dyn DynAccessStrategy,
    pub(super) target: &'a AccessTarget,
    pub(super) identity: &'a str,
    pub(super) key: EntitlementKey,
}

/// The origin of access that a target shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Account {
    /// No Run: the access is standing.
    NoRun,
    /// A Run of somebody with standing access.
    StandingAccess,
    /// A Run that gives the access, or did until a moment ago; or it is not known.
    Run,
}

impl Candidate<'_> {
    /// Returns whether the identity has the access although no Run gives it. `state` is the Run that is about to get it.
    ///
    /// # Errors
    /// If the target or the Runs cannot be read.
    pub(super) async fn is_standing(&self, executor: &EffectExecutor, state: &RunState) -> Result<bool> {
        if !self.exists().await? {
            return Ok(false);
        }
        Ok(match self.account(executor, state).await? {
            Account::Run => false,
            Account::StandingAccess => true,
            // A Run that ended after the first reading accounts for that, but not for the second.
            Account::NoRun => self.exists().await? && self.account(executor, state).await? == Account::NoRun,
        })
    }

    async fn exists(&self) -> Result<bool> {
        Ok(self.strategy.has_access(self.target, self.identity).await? == Some(true))
    }

    async fn account(&self, executor: &EffectExecutor, state: &RunState) -> Result<Account> {
        let Some(engine) = executor.engine() else { return Ok(Account::Run) };
        let recent = executor.clock.now().minus(ENDED_ACCESS_TTL);
        let Some((holding, own)) = list(&*engine, state, recent).await? else { return Ok(Account::Run) };
        let is_other = |run: &&StoredRun| run.state.run.id() != state.run.id();
        if own.iter().filter(is_other).any(|run| self.may_be_left_by(&run.state, recent)) {
            return Ok(Account::Run);
        }
        let grants = holding.iter().filter(is_other).filter_map(|run| run.state.access.grant());
        Ok(account_of(grants.filter(|grant| grant.entitlement == self.key)))
    }

    /// Whether the Run has ended, and the target may still show the access that it gave.
    fn may_be_left_by(&self, ended: &RunState, recent: Timestamp) -> bool {
        match &ended.access {
            Access::WrittenOff(grant) => grant.entitlement == self.key,
            Access::Ended if ended.updated_at < recent => false,
            Access::Ended => match &ended.former_grant {
                Some(former) => former.entitlement == self.key && !former.is_standing,
                // A Run of an earlier version has kept only what was requested.
                None => {
                    let gave = ended.request.as_ref().and_then(|request| request.target.as_ref());
                    gave.is_some_and(|gave| may_be_same(gave, self.target))
                }
            },
            _ => false,
        }
    }
}

/// Lists the Runs that may hold access, and those of the requester that may have left access behind. `None` if there are too many.
async fn list(
    engine: &dyn Engine,
    state: &RunState,
    recent: Timestamp,
) -> Result<Option<(Vec<StoredRun>, Vec<StoredRun>)>> {
    let requester = state.run.requester().map(User::id);
    let holding = RunFilter { may_hold_access: true, ..RunFilter::default() };
    let changed_after = Some(recent.minus(Duration::from_nanos(1)));
    let ended = RunFilter { requester, changed_after, ..RunFilter::default() };
    // A revocation that was written off has failed its Run.
    let failed = RunFilter { requester, status: Some(RunStatus::Errored), ..RunFilter::default() };
    // The Runs that hold access come first: one that ends meanwhile is found among the requester's.
    let holding = engine.runs(holding, usize::MAX).await?;
    let mut own = engine.runs(ended, usize::MAX).await?;
    let failed = engine.runs(failed, MAX_FAILED_RUNS).await?;
    if failed.len() >= MAX_FAILED_RUNS {
        return Ok(None);
    }
    own.extend(failed);
    Ok(Some((holding, own)))
}

/// Whether two targets can be the same resource.
fn may_be_same(one: &AccessTarget, other: &AccessTarget) -> bool {
    let shares_setting = one.settings().iter().any(|(name, value)| other.settings().get(name) == Some(value));
    one.kind() == other.kind() && (one.id() == other.id() || shares_setting)
}

/// Returns what the grants of one entitlement account for.
fn account_of<'a>(grants: impl Iterator<Item = &'a Grant>) -> Account {
    grants.fold(Account::NoRun, |account, grant| {
        if grant.is_standing && account != Account::Run { Account::StandingAccess } else { Account::Run }
    })
}
