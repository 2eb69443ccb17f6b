//! Calls of strategies: grants, revocations and what is read before and after them.

use std::sync::Arc;

use super::EffectExecution;
use crate::error::{ErrorKind, Result, codes};
use crate::machine::{self, EffectError, EffectKind, EntitlementKey, Outcome, Revocation, RevocationCheck, Stage};
use crate::model::{AccessTarget, Event, Step, StepOutput};
use crate::runtime::identity::requester_identity;
use crate::runtime::{other_levels, prior_access};
use crate::strategy::{AccessRequest, DynAccessStrategy, PriorAccess};

impl EffectExecution<'_> {
    /// Checks that access to the target may still be granted: the directory and the configuration can have changed since the
    /// approval. The outer error is that of the directory.
    pub(super) async fn check_grant(&self, target: &AccessTarget) -> Result<Result<(), EffectError>, EffectError> {
        let Some(requester) = self.state.run.requester() else { return Ok(Ok(())) };
        let current = self.executor.ask_directory(self.executor.directory.user(requester.id())).await;
        let current = current.map_err(|error| EffectError::from(&error))?;
        if let Some(requester) = &current
            && let Err(error) = self.executor.ask_directory(self.executor.directory.check_owner(requester)).await
        {
            let refused = EffectError::from(&error);
            return if error.kind() == ErrorKind::Forbidden { Ok(Err(refused)) } else { Err(refused) };
        }
        Ok(machine::check_grant(&self.entry.flow, self.state, target, current.as_deref()))
    }

    pub(super) async fn identify(&self, target: &AccessTarget) -> Result<Outcome, EffectError> {
        if let Err(error) = self.check_grant(target).await? {
            return Ok(Outcome::NoLongerValid(error));
        }
        let (identity, handler) = requester_identity(self.executor, self.entry, self.event(), target).await?;
        let strategy = self.strategy()?;
        let properties = async {
            let (resource, level) = (strategy.resource(target), strategy.level(target));
            Ok((resource, level, strategy.settle_time(), strategy.enforces_end()))
        };
        let properties = self.contained("the strategy", self.executor.limits.strategy, properties).await?;
        let (resource, level, settle_time, enforces_end) = properties;
        let declared = self.entry.flow.strategy().ok_or_else(|| self.no_strategy())?;
        let key = EntitlementKey::new(declared, &resource, &identity);
        if level.is_some() {
            let wanted = other_levels::Wanted { key: &key, identity: &identity, level: level.as_deref() };
            if let Err(error) = wanted.check(self.executor, self.state).await? {
                return Ok(Outcome::NoLongerValid(error));
            }
        }
        let candidate = prior_access::Candidate { strategy: &*strategy, target, identity: &identity, key };
        let (has_standing_access, prior) = match self.prior_access(candidate).await {
            prior_access::Found::Nothing => (false, None),
            prior_access::Found::Standing => (true, None),
            prior_access::Found::Lesser(prior) => (false, Some(prior)),
        };
        Ok(Outcome::Identified {
            identity,
            resource,
            handler,
            settle_time,
            has_standing_access,
            prior,
            level,
            enforces_end,
        })
    }

    /// Returns the access that the identity has although no Run gives it. In doubt, none.
    async fn prior_access(&self, candidate: prior_access::Candidate<'_>) -> prior_access::Found {
        let read = candidate.prior(self.executor, self.state);
        // One limit for all that is read: it holds up the grant.
        self.contained("reading the target", self.executor.limits.strategy, read).await.unwrap_or_else(|error| {
            let run = self.state.run.id();
            tracing::warn!(%error, %run, "it is unknown which access the requester has already; all of it will end");
            prior_access::Found::Nothing
        })
    }

    /// Checks once more that no other Run gives the resource at another level: one that was identified at the same time holds it by
    /// now. Runs hold access before it is granted, so of two such Runs at least the later one sees the other.
    pub(super) async fn check_level_of_grant(&self) -> Result<Result<(), EffectError>, EffectError> {
        let Some(grant) = self.state.access.grant().filter(|grant| !grant.is_standing) else { return Ok(Ok(())) };
        // Strategies without levels cost no look at other Runs.
        if grant.level.is_none() && self.holders.is_empty() {
            return Ok(Ok(()));
        }
        let (key, identity, level) = (&grant.entitlement, &grant.identity, grant.level.as_deref());
        other_levels::Wanted { key, identity, level }.check(self.executor, self.state).await
    }

    /// Checks that the access has not ended before it could be granted, because the process or the clock stopped in between.
    pub(super) fn check_end(&self, deadline: Option<jiff::Timestamp>) -> Result<(), EffectError> {
        // The expiry may have been moved forward since the grant was requested.
        let until = self.state.access.grant().and_then(|grant| grant.until);
        let now = self.executor.clock.now();
        if deadline.iter().chain(&until).any(|end| now >= *end) {
            let message = "its time had passed before access could be granted";
            return Err(EffectError::new(ErrorKind::Conflict, codes::ACCESS_EXPIRED, message));
        }
        Ok(())
    }

    pub(super) async fn grant(&self, target: &AccessTarget, identity: &str) -> Result<Outcome, EffectError> {
        // Granting it again could change it, and a grant that takes effect after the access is lost would have nobody to revoke it.
        if self.is_standing() {
            return Ok(Outcome::Granted { output: None });
        }
        let event = self.event();
        let request = self.access_request(&event, target, identity);
        let strategy = self.strategy()?;
        let granted = async { strategy.escalate(&request).await };
        let granted = self.contained("the strategy", self.executor.limits.strategy, granted).await?;
        let output = self.storable(Step::Escalate, granted.output);
        Ok(if granted.errors.is_empty() {
            Outcome::Granted { output }
        } else {
            Outcome::Rejected { output, errors: granted.errors }
        })
    }

    pub(super) async fn revoke(&self, target: &AccessTarget, identity: &str) -> Result<Outcome, EffectError> {
        if self.is_standing() {
            return Ok(Outcome::Revoked(Revocation::default()));
        }
        if !self.holders.is_empty() {
            let still_needed_by = self.holders.len();
            return Ok(Outcome::Revoked(Revocation { still_needed_by, ..Revocation::default() }));
        }
        let strategy = match self.state.access.grant() {
            Some(grant) => self.executor.revocation_strategy(self.entry, grant).await?,
            None => self.strategy()?,
        };
        let event = self.event();
        let request = self.access_request(&event, target, identity);
        let revoked = async { strategy.deescalate(&request).await };
        let output = self.contained("the strategy", self.executor.limits.strategy, revoked).await?;
        let read_back = match request.prior() {
            Some(_) => self.check_restoration(&*strategy, target, identity).await?,
            None => self.check_revocation(&*strategy, target, identity).await?,
        };
        let output = self.storable(Step::Deescalate, output);
        Ok(Outcome::Revoked(Revocation { output, still_needed_by: 0, check: read_back }))
    }

    /// Returns an output without its secrets.
    fn storable(&self, step: Step, output: Option<StepOutput>) -> Option<StepOutput> {
        // The hook is called neither when access is granted again nor when access ends that no request gave.
        let is_called = match step {
            Step::Deescalate => self.state.was_escalated(),
            _ => {
                let active = self.state.active_event.as_ref();
                active.is_none_or(|active| !matches!(active.stage, Stage::Regrant | Stage::Extend))
            }
        };
        let is_read = is_called && self.entry.handlers.after(step).is_some();
        output.map(|output| self.executor.output_secrets.protect(self.state.run.id(), step, output, is_read))
    }

    /// Checks against the service's own list that a revocation took effect. A list that cannot be read does not undo a revocation that
    /// the strategy confirmed: the failed check is recorded and sent to the error destination.
    async fn check_revocation(
        &self,
        strategy: &dyn DynAccessStrategy,
        target: &AccessTarget,
        identity: &str,
    ) -> Result<RevocationCheck, EffectError> {
        let listed = async {
            let listed = strategy.list_current(target).await?;
            Ok(listed.map(|listed| listed.iter().any(|listed| listed == identity)))
        };
        self.check_read_back(target, identity, listed).await
    }

    /// Checks that a revocation which restored lesser access has left no more than that: the service may list whoever has it.
    async fn check_restoration(
        &self,
        strategy: &dyn DynAccessStrategy,
        target: &AccessTarget,
        identity: &str,
    ) -> Result<RevocationCheck, EffectError> {
        let read = async {
            Ok(match strategy.prior_access(target, identity).await? {
                PriorAccess::Unknown => None,
                PriorAccess::Sufficient => Some(true),
                PriorAccess::None | PriorAccess::Lesser(_) => Some(false),
            })
        };
        self.check_read_back(target, identity, read).await
    }

    /// `read` returns whether the identity still has the access; `None` if the service cannot tell.
    async fn check_read_back(
        &self,
        target: &AccessTarget,
        identity: &str,
        read: impl Future<Output = Result<Option<bool>>> + Send,
    ) -> Result<RevocationCheck, EffectError> {
        let title = target.title();
        match self.contained("reading the target", self.executor.limits.strategy, read).await {
            Ok(None) => Ok(RevocationCheck::Unknown),
            Ok(Some(true)) => {
                let message = format!("{identity} still has {title}, which the strategy said it had taken away");
                let mut error = EffectError::new(ErrorKind::Strategy, codes::ACCESS_STILL_LISTED, message);
                error.retryable = true;
                Err(error)
            }
            Ok(Some(false)) => Ok(RevocationCheck::Gone),
            Err(error) => {
                let message = format!(
                    "{title} was taken away from {identity}, and whether it is gone could not be read: {}",
                    error.message
                );
                Ok(RevocationCheck::Failed(EffectError { code: codes::REVOCATION_NOT_READ_BACK, message, ..error }))
            }
        }
    }

    /// Whether the requester has the access without the request, which leaves it as it is.
    pub(super) fn is_standing(&self) -> bool {
        self.state.last_grant().is_some_and(|grant| grant.is_standing)
    }

    fn access_request<'a>(
        &'a self,
        event: &'a Event,
        target: &'a AccessTarget,
        identity: &'a str,
    ) -> AccessRequest<'a> {
        let grant = self.state.access.grant();
        // The Run keeps the former end of access that is being extended until the target has the new one.
        let ends_at = match &self.effect.kind {
            EffectKind::Grant { deadline, .. } if self.is_extending() => *deadline,
            _ => grant.and_then(|grant| grant.until),
        };
        AccessRequest::new(event, target, identity, self.effect.idempotency_key())
            .with_attempt(self.effect.attempt)
            .with_prior(grant.and_then(|grant| grant.prior.as_ref()))
            .with_ends_at(ends_at)
    }

    /// Whether the effect grants access until the new end of an extension.
    fn is_extending(&self) -> bool {
        self.state.active_event.as_ref().is_some_and(|active| active.stage == Stage::Extend)
    }

    fn strategy(&self) -> Result<Arc<dyn DynAccessStrategy>, EffectError> {
        self.entry.strategy().ok_or_else(|| self.no_strategy())
    }

    fn no_strategy(&self) -> EffectError {
        let message = format!("flow `{}` has no strategy any more", self.entry.flow.name());
        EffectError::new(ErrorKind::Configuration, codes::ACCESS_STRATEGY_NOT_FOUND, message)
    }
}
