//! One identity has a resource at one level at a time.
//!
//! A resource such as a repository can be granted at several levels. Two Runs that give it to one identity at different levels would end
//! each other's access: the first to end takes what the other still gives, or leaves behind what it gave itself. So the later one is
//! refused, before its grant is asked for. Which Runs give access is read from the store: a Run counts from the commit that asks for its
//! grant until its revocation is confirmed.

use jiff::Timestamp;

use super::bounded_call::call_bounded;
use super::effect_executor::EffectExecutor;
use crate::engine::RunFilter;
use crate::error::{ErrorKind, codes};
use crate::machine::{Access, EffectError, EntitlementKey, Grant, RunState};

/// A resource that a Run is about to give at a level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) key: &'a EntitlementKey,
    pub(super) identity: &'a str,
    pub(super) level: Option<&'a str>,
}

impl Wanted<'_> {
    /// Checks that no Run other than `state` gives the resource to the identity at another level. The outer error is that of the store.
    pub(super) async fn check(
        self,
        executor: &EffectExecutor,
        state: &RunState,
    ) -> Result<Result<(), EffectError>, EffectError> {
        let Some(engine) = executor.engine() else { return Ok(Ok(())) };
        let filter = RunFilter {
            may_hold_access: true,
            entitlement: Some(self.key.clone()),
            other_level_than: Some(self.level.map(str::to_owned)),
            ..RunFilter::default()
        };
        let (clock, limit) = (&*executor.clock, executor.limits.store);
        let listed = call_bounded(clock, limit, || "the store".to_owned(), engine.runs(filter, usize::MAX)).await;
        let runs = listed.and_then(|runs| runs).map_err(|error| EffectError::from(&error))?;
        let others = runs.iter().map(|run| &*run.state).filter(|other| other.run.id() != state.run.id());
        let conflict = others.filter_map(|other| self.conflict(other)).next();
        Ok(conflict.map_or(Ok(()), Err))
    }

    /// Returns the reason why the resource cannot be given while another Run is as it is.
    fn conflict(self, other: &RunState) -> Option<EffectError> {
        let grant = other.access.grant()?;
        // A Run that was closed from the start only removes access that no Run gives.
        let gives = grant.entitlement == *self.key && !grant.is_standing && !other.closed;
        if !gives || grant.level.as_deref() == self.level {
            return None;
        }
        let (identity, title) = (self.identity, grant.target.title());
        let (had, wanted) = (at_level(grant.level.as_deref()), at_level(self.level));
        let gives = match (&other.access, grant.until) {
            (Access::Revoking { .. }, _) => "whose access is being revoked".to_owned(),
            (_, Some(until)) => format!("which ends at {}", date_time(until)),
            (_, None) => "which lasts until it is revoked".to_owned(),
        };
        let message = format!(
            "{identity} has {title} {had} through another request, {gives}, and cannot have it {wanted} at the same time"
        );
        let error = EffectError::new(ErrorKind::Conflict, codes::OTHER_LEVEL_ACTIVE, message);
        Some(error.with_hint(hint(grant)))
    }
}

fn hint(grant: &Grant) -> &'static str {
    match grant.until {
        Some(_) => "request it again when the other access has ended, or have that revoked first",
        None => "have the other access revoked first, then request it again",
    }
}

fn at_level(level: Option<&str>) -> String {
    match level {
        Some(level) => format!("at level `{level}`"),
        None => "without a level".to_owned(),
    }
}

fn date_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
