//! The request that a strategy gets with each call.

use serde_json::{Value, json};

use crate::machine::EffectKey;
use crate::model::{AccessTarget, Event, TargetId, User};

/// A request to a strategy to grant or revoke access of an identity to a target.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    event: &'a Event,
    target: &'a AccessTarget,
    identity: &'a str,
    key: EffectKey,
}

impl<'a> AccessRequest<'a> {
    /// Creates a request, for tests of a strategy.
    pub fn new(event: &'a Event, target: &'a AccessTarget, identity: &'a str, key: EffectKey) -> Self {
        Self { event, target, identity, key }
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

    /// Returns the user who gets the access: the one who made the request.
    pub fn requester(&self) -> &'a User {
        self.event.requester().unwrap_or_else(|| self.event.user())
    }

    /// Returns the idempotency key. It is the same if this call is repeated after a crash, and another one if it is retried after an
    /// error or a timeout. Pass it on to services that accept one.
    pub fn idempotency_key(&self) -> EffectKey {
        self.key
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
    /// let ann = User::person(UserId::from_email("ann@example.com"), "ann@example.com")?;
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
