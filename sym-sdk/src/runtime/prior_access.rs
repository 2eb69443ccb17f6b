//! Access that the requester has before a grant. The end of a request must not take it away.
//!
//! It is read when the requester's identity is known, and stored before the grant is requested: a grant that is repeated after a crash
//! cannot mistake its own access for that of before. Access that is sufficient is standing: the Run neither grants nor revokes it.
//! Lesser access is restored when the access ends.
//!
//! Access that another Run gives, or has given until a moment ago, does not count. Of two Runs that share an entitlement, the last to end
//! revokes it, so the second takes over what the first one has found. In doubt, there is nothing to leave or to restore: access that is
//! lost too early is asked for again, while access that stays too long is noticed by nobody.

use std::time::Duration;

use jiff::Timestamp;

use super::effect_executor::EffectExecutor;
use crate::engine::{Engine, RunFilter, StoredRun};
use crate::error::Result;
use crate::machine::{Access, EntitlementKey, Grant, PriorState, RunState};
use crate::model::{AccessTarget, RunStatus, User};
use crate::strategy::{DynAccessStrategy, PriorAccess};
use crate::time::TimestampExt;

/// The time after the end of a Run's access for which the target may still show it.
const ENDED_ACCESS_TTL: Duration = Duration::from_secs(15 * 60);

/// The maximum number of the requester's failed Runs that are looked at. With more of them, access is not taken for that of before.
const MAX_FAILED_RUNS: usize = 200;

/// The number of Runs that hold the access which are looked at first. The newest tell what the others do, unless all of them are those of
/// somebody with standing access.
const FIRST_RUNS: usize = 8;

/// Access that a Run is about to get, and that may exist already.
pub(super) struct Candidate<'a> {
    pub(super) strategy: &'a dyn DynAccessStrategy,
    pub(super) target: &'a AccessTarget,
    pub(super) identity: &'a str,
    pub(super) key: EntitlementKey,
}

/// The access that the end of a Run leaves or restores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Found {
    /// None, or it is not known.
    #[default]
    Nothing,
    /// At least the access that is requested.
    Standing,
    /// Lesser access.
    Lesser(PriorState),
}

/// The origin of access that a target shows, in the order in which one counts rather than another.
#[derive(Clone, Copy, Debug)]
enum Account<'a> {
    /// No Run: the access was there before.
    NoRun,
    /// A Run of somebody with standing access.
    StandingAccess,
    /// A Run whose revocation was written off, however long ago.
    WrittenOff(&'a Grant),
    /// A Run that gives the access, or did until a moment ago.
    Run(&'a Grant),
    /// A Run may have given it, and it is not known what there was before.
    Unknown,
}

impl Account<'_> {
    const fn rank(&self) -> u8 {
        match self {
            Self::NoRun => 0,
            Self::StandingAccess => 1,
            Self::WrittenOff(_) => 2,
            Self::Run(_) => 3,
            Self::Unknown => 4,
        }
    }
}

impl Candidate<'_> {
    /// Returns the access that the identity has although no Run gives it. `state` is the Run that is about to grant it.
    ///
    /// # Errors
    /// If the target or the Runs cannot be read.
    pub(super) async fn prior(&self, executor: &EffectExecutor, state: &RunState) -> Result<Found> {
        let first = self.read().await?;
        if matches!(first, PriorAccess::Unknown | PriorAccess::None) {
            return Ok(Found::Nothing);
        }
        let runs = self.runs(executor, state).await?;
        match self.account(runs.as_ref()) {
            Account::Unknown => return Ok(Found::Nothing),
            Account::WrittenOff(_) if first == PriorAccess::Sufficient => return Ok(Found::Nothing),
            Account::Run(grant) | Account::WrittenOff(grant) => return Ok(inherited(grant, &first)),
            Account::StandingAccess if first == PriorAccess::Sufficient => return Ok(Found::Standing),
            Account::StandingAccess | Account::NoRun => {}
        }
        // A Run that ended after the first reading accounts for that, but not for the second.
        let second = self.read().await?;
        let runs = self.runs(executor, state).await?;
        Ok(match (second == first, self.account(runs.as_ref()), second) {
            (true, Account::NoRun | Account::StandingAccess, PriorAccess::Sufficient) => Found::Standing,
            (true, Account::NoRun | Account::StandingAccess, PriorAccess::Lesser(prior)) => Found::Lesser(prior),
            _ => Found::Nothing,
        })
    }

    async fn read(&self) -> Result<PriorAccess> {
        self.strategy.prior_access(self.target, self.identity).await
    }

    async fn runs(&self, executor: &EffectExecutor, state: &RunState) -> Result<Option<OtherRuns>> {
        let Some(engine) = executor.engine() else { return Ok(None) };
        let recent = executor.clock.now().minus(ENDED_ACCESS_TTL);
        OtherRuns::list(&*engine, state, &self.key, recent).await
    }

    /// Returns what accounts for the access. `runs` is `None` if they are not known.
    fn account<'a>(&self, runs: Option<&'a OtherRuns>) -> Account<'a> {
        let Some(runs) = runs else { return Account::Unknown };
        let ended = runs.own.iter().map(|run| self.left_by(&run.state, runs.recent));
        let holding = runs.holding.iter().filter_map(|run| run.state.access.grant());
        let holding = holding.filter(|grant| grant.entitlement == self.key).map(|grant| match grant.is_standing {
            true => Account::StandingAccess,
            false => Account::Run(grant),
        });
        // The Runs that hold the access come before those that have left it.
        holding
            .chain(ended)
            .fold(Account::NoRun, |first, other| if other.rank() > first.rank() { other } else { first })
    }

    /// Returns what a Run accounts for that has ended, if the target may still show the access that it gave.
    fn left_by<'a>(&self, ended: &'a RunState, recent: Timestamp) -> Account<'a> {
        match &ended.access {
            Access::WrittenOff(grant) if grant.entitlement == self.key => Account::WrittenOff(grant),
            Access::Ended if ended.updated_at < recent => Account::NoRun,
            Access::Ended => match &ended.former_grant {
                Some(former) if former.entitlement == self.key && !former.is_standing => Account::Run(former),
                Some(_) => Account::NoRun,
                // A Run of an earlier version has kept only what was requested.
                None => {
                    let gave = ended.request.as_ref().and_then(|request| request.target.as_ref());
                    let may_be_same = gave.is_some_and(|gave| may_be_same(gave, self.target));
                    if may_be_same { Account::Unknown } else { Account::NoRun }
                }
            },
            _ => Account::NoRun,
        }
    }
}

/// Returns what a Run has found before the access that it accounts for. `shown` is what the target shows now.
///
/// Lesser access that is another than the Run has found was changed by somebody since, or is a part of what the Run gave.
fn inherited(grant: &Grant, shown: &PriorAccess) -> Found {
    match (&grant.prior, shown) {
        (Some(prior), PriorAccess::Sufficient) => Found::Lesser(prior.clone()),
        (Some(prior), PriorAccess::Lesser(shown)) if shown == prior => Found::Lesser(prior.clone()),
        _ => Found::Nothing,
    }
}

/// Other Runs that may account for access.
struct OtherRuns {
    /// Those that may hold the access, or the newest of them.
    holding: Vec<StoredRun>,
    /// Those of the requester that may have left access behind.
    own: Vec<StoredRun>,
    /// The time since which a Run that has ended may still be visible at its target.
    recent: Timestamp,
}

impl OtherRuns {
    /// Lists the Runs other than `state`. `None` if there are too many.
    async fn list(
        engine: &dyn Engine,
        state: &RunState,
        key: &EntitlementKey,
        recent: Timestamp,
    ) -> Result<Option<Self>> {
        let requester = state.run.requester().map(User::id);
        let of_key = RunFilter { entitlement: Some(key.clone()), ..RunFilter::default() };
        let holding = RunFilter { may_hold_access: true, ..of_key.clone() };
        let changed_after = Some(recent.minus(Duration::from_nanos(1)));
        let ended = RunFilter { requester, changed_after, without_access: true, ..of_key.clone() };
        // A revocation that was written off has failed its Run.
        let failed = RunFilter { requester, status: Some(RunStatus::Errored), without_access: true, ..of_key };
        // The Runs that hold access come first: one that ends meanwhile is found among the requester's.
        let first = engine.runs(holding.clone(), FIRST_RUNS).await?;
        let is_other = |run: &StoredRun| run.state.run.id() != state.run.id();
        let gives = |run: &StoredRun| run.state.access.grant().is_some_and(|grant| !grant.is_standing);
        let mut holding = match first.len() < FIRST_RUNS || first.iter().any(|run| is_other(run) && gives(run)) {
            true => first,
            false => engine.runs(holding, usize::MAX).await?,
        };
        let mut own = engine.runs(ended, usize::MAX).await?;
        let failed = engine.runs(failed, MAX_FAILED_RUNS).await?;
        if failed.len() >= MAX_FAILED_RUNS {
            return Ok(None);
        }
        own.extend(failed);
        for runs in [&mut holding, &mut own] {
            runs.retain(is_other);
        }
        Ok(Some(Self { holding, own, recent }))
    }
}

/// Whether two targets can be the same resource.
fn may_be_same(one: &AccessTarget, other: &AccessTarget) -> bool {
    let shares_setting = one.settings().iter().any(|(name, value)| other.settings().get(name) == Some(value));
    one.kind() == other.kind() && (one.id() == other.id() || shares_setting)
}
