//! The request that a strategy gets with each call.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::machine::{EffectKey, PriorState};
use crate::model::{AccessTarget, Event, TargetId, User};

/// A request to a strategy to grant or revoke access of an identity to a target.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    event: &'a Event,
    target: &'a AccessTarget,
    identity: &'a str,
    key: EffectKey,
    attempt: u32,
    prior: Option<&'a PriorState>,
    ends_at: Option<Timestamp>,
}

impl<'a> AccessRequest<'a> {
    /// Creates a request, for tests of a strategy.
    pub fn new(event: &'a Event, target: &'a AccessTarget, identity: &'a str, key: EffectKey) -> Self {
        Self { event, target, identity, key, attempt: 1, prior: None, ends_at: None }
    }

    /// Sets the number of the attempt, from 1.
    #[must_use]
    pub fn with_attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }

    /// Sets the access that the identity had before the grant.
    #[must_use]
    pub fn with_prior(self, prior: Option<&'a PriorState>) -> Self {
        Self { prior, ..self }
    }

    /// Sets the end of the access.
    #[must_use]
    pub fn with_ends_at(self, ends_at: Option<Timestamp>) -> Self {
        Self { ends_at, ..self }
    }

    /// Returns the `escalate` or `deescalate` event.
    pub fn event(&self) -> &'a Event {
        self.event
    }

    /// Returns the target, with settings from the form filled in.
    pub fn target(&self) -> &'a AccessTarget {
        self.target
    }

    /// Returns the target's id.
    pub fn target_id(&self) -> TargetId {
        self.target.id()
    }

    /// Returns the requester's id in the service. It is the same for the revocation as for the grant.
    pub fn identity(&self) -> &'a str {
        self.identity
    }

    /// Returns the lesser access that the identity had before the grant, as the strategy described it with
    /// [`PriorAccess::Lesser`](super::PriorAccess::Lesser). It is the same for all calls of a grant and its revocation. A revocation
    /// restores it; `None` if there is nothing to restore, or it is not known.
    pub fn prior(&self) -> Option<&'a str> {
        self.prior.map(PriorState::as_str)
    }

    /// Returns the end of the access that is granted, for services that can enforce it themselves. `None` for access that lasts until
    /// it is revoked.
    ///
    /// The runtime revokes the access in any case: at this time, or earlier if somebody asks for it. A hook that defers the revocation
    /// does not change the end that the service was told.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }

    /// Returns the user who gets the access: the one who made the request.
    pub fn requester(&self) -> &'a User {
        self.event.requester().unwrap_or_else(|| self.event.user())
    }

    /// Returns the idempotency key. Pass it on to services that accept one.
    ///
    /// It is the same for all attempts of one grant, however often the call is retried or repeated after a crash: the service may still be
    /// at work on an earlier attempt. A service that keeps results by key must therefore not keep failures. For a revocation, the key is
    /// the same if the call is repeated after a crash, and another one for each retry.
    pub fn idempotency_key(&self) -> EffectKey {
        self.key
    }

    /// Returns the number of the attempt, from 1. A call that is repeated after a crash is the same attempt.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the request as JSON, as functions behind Lambda or HTTP receive it: the event as of [`Event::to_json`], with two more
    /// members, `identity` and `idempotency_key`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sym_sdk::machine::EffectKey;
    /// use sym_sdk::prelude::*;
    /// use sym_sdk::strategy::AccessRequest;
    ///
    /// let flow = Arc::new(Flow::builder(Slug::parse("prod")?, "acme").build());
    /// let ann = User::from_email("ann@example.com")?;
    /// let target = AccessTarget::new("acme", "aws_lambda_function", Slug::parse("admins")?);
    /// let event = Event::builder(flow, Step::Escalate, ann).target(target.clone()).build();
    /// let key: EffectKey = "0190f5a4-0000-7000-8000-000000000000:7".parse()?;
    ///
    /// let entry = AccessRequest::new(&event, &target, "ann@example.com", key).to_json();
    /// assert_eq!(entry["event"]["type"], "escalate");
    /// assert_eq!(entry["state"]["status"], "processing");
    /// assert_eq!(entry["fields"]["target"]["name"], "admins");
    /// assert_eq!(entry["identity"], "ann@example.com");
    /// assert_eq!(entry["idempotency_key"], "0190f5a4-0000-7000-8000-000000000000:7");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn to_json(&self) -> Value {
        let mut entry = self.event.to_json();
        entry["identity"] = json!(self.identity);
        entry["idempotency_key"] = json!(self.key);
        entry
    }
}
