//! What a strategy is asked.

use crate::machine::EffectKey;
use crate::model::{AccessTarget, Event, TargetId, User};

/// One call to a strategy: who is to get access to what, or to lose it.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    event: &'a Event,
    target: &'a AccessTarget,
    identity: &'a str,
    key: EffectKey,
}

impl<'a> AccessRequest<'a> {
    /// A call, for tests of a strategy.
    pub fn new(event: &'a Event, target: &'a AccessTarget, identity: &'a str, key: EffectKey) -> Self {
        Self { event, target, identity, key }
    }

    /// The `escalate` or `deescalate` event.
    pub fn event(&self) -> &'a Event {
        self.event
    }

    /// The target, with the settings that the request has filled in.
    pub fn target(&self) -> &'a AccessTarget {
        self.target
    }

    /// The target's id.
    pub fn target_id(&self) -> TargetId {
        self.target.id()
    }

    /// The requester's id in the service: the same one at the revocation as at the grant.
    pub fn identity(&self) -> &'a str {
        self.identity
    }

    /// Who gets access: the person who made the request.
    pub fn requester(&self) -> &'a User {
        self.event.requester().unwrap_or_else(|| self.event.user())
    }

    /// The same at every attempt of this call. Pass it on where the service takes one.
    pub fn idempotency_key(&self) -> EffectKey {
        self.key
    }
}
